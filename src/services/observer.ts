/**
 * Every service of the ensemble that is asked about, followed from two persistent recursive watches (our tree, and that
 * of the announcements), whatever their number. It reads, and never writes: no ephemeral, no ballot.
 *
 * It has a session of its own. A lease lives on another one, so nothing that happens here (a storm of changes, a read
 * of thousands of records, a server that refuses the watch) is in the way of a heartbeat. What happens between two
 * connections is not reported; so after each of them everything is read anew, service by service, and a service is
 * spoken of again only when all of it was read: whatever changed meanwhile is told as one difference.
 */
import type { Clock } from '../contract/clock.ts';
import type { ReasonCode } from '../contract/reasons.ts';
import type { Topology } from '../contract/topology.ts';
import { decodeRecord } from '../records/codec.ts';
import { absent, servicePaths } from '../records/paths.ts';
import type { RecordKey } from '../records/paths.ts';
import type { ZkAnswer, ZkEvents, ZkPort } from '../zookeeper/index.ts';
import { noFacts, READ_RECORDS, takeRecord } from './facts.ts';
import type { ServiceFacts } from './facts.ts';
import { PROOF_PART, SERVICES_LIMITS } from './limits.ts';
import { ReadQueue } from './read-queue.ts';
import { topologyOf } from './topology.ts';

/** Parents of all services: of our records, and of the announcements. */
export const ROOT = '/dictator';
const PUBLISHED = '/services/redis';

export type ServicesLimits = { readonly [K in keyof typeof SERVICES_LIMITS]: number };

export interface ObserverOptions {
  readonly openZooKeeper: (events: ZkEvents) => ZkPort;
  readonly clock: Clock;
  /** Whether this service is asked about. */
  readonly covers: (service: string) => boolean;
  readonly downAfterMs: number;
  /** This is known of a service now; null: it is gone. `news`: false while the first look at everything lasts. */
  onService(service: string, topology: Topology | null, news: boolean): void;
  /** The ensemble began, or ceased, to vouch for what was read. Not told of an end by `stop`. */
  onSight(sees: boolean): void;
  /** Something is left out, and why; null: no longer. Once per change. */
  onRefused(reason: ReasonCode | null, fields: Readonly<Record<string, string | number>>): void;
  /** Other bounds than SERVICES_LIMITS, for tests. */
  readonly limits?: Partial<ServicesLimits>;
}

/** One reading of everything of a service. */
interface Reading {
  /** Requests that are not answered yet. */
  pending: number;
}

interface Service {
  readonly name: string;
  readonly facts: ServiceFacts;
  reading: Reading | null;
  /** It was read on this connection. */
  current: boolean;
  /** Somebody was told of it. */
  told: boolean;
}

/** Answers to a read that say something of what is there. What is closed to us is not there for us. */
const NOTHING_THERE: readonly string[] = ['NO_NODE', 'NO_AUTH'];

export class Observer {
  private readonly options: ObserverOptions;
  private readonly limits: ServicesLimits;
  private readonly zk: ZkPort;
  private readonly queue: ReadQueue;
  private readonly services = new Map<string, Service>();
  private connected = false;
  private stopped = false;
  private timeoutMs = Number.POSITIVE_INFINITY;
  /** When the latest `sync` was sent that was answered. */
  private provedMs = Number.NEGATIVE_INFINITY;
  /** The watches stand, and it is known which services there are. */
  private listed = false;
  private listsSoon = false;
  /** Every service was read since the connection. */
  private complete = false;
  private everComplete = false;
  private sight = false;
  private refusal: ReasonCode | null = null;
  private generation = 0;

  constructor(options: ObserverOptions) {
    this.options = options;
    this.limits = { ...SERVICES_LIMITS, ...options.limits };
    this.zk = options.openZooKeeper({
      onConnected: ({ timeoutMs }) => {
        this.connected = true;
        this.timeoutMs = timeoutMs;
        this.resync();
      },
      onDisconnected: () => this.disconnect(),
      onExpired: () => this.disconnect(),
      onChanged: (path) => this.look(path),
    });
    this.queue = new ReadQueue(this.zk, this.limits.readsUnderWay);
  }

  /** What was read is vouched for: the ensemble, not only one server of it, answered within a session timeout. */
  get sees(): boolean {
    return this.connected && this.options.clock.now() - this.provedMs < this.timeoutMs;
  }

  /** All services were read since the connection began. */
  get isComplete(): boolean {
    return this.complete && this.sees;
  }

  /** Age of the proof, in milliseconds. */
  get provedAgoMs(): number {
    return Math.max(0, this.options.clock.now() - this.provedMs);
  }

  get count(): number {
    return this.services.size;
  }

  /** What is known of this service is current. */
  knows(service: string): boolean {
    return this.sees && this.services.get(service)?.current === true;
  }

  stop(): Promise<void> {
    this.stopped = true;
    this.disconnect();
    return new Promise((resolve) => this.zk.close(resolve));
  }

  private disconnect(): void {
    this.connected = false;
    this.beginAnew();
    this.tellSight();
  }

  private beginAnew(): void {
    this.listed = false;
    this.listsSoon = false;
    this.complete = false;
    this.generation += 1;
    this.queue.clear();
    for (const service of this.services.values()) {
      service.current = false;
      service.reading = null;
    }
  }

  private tellSight(): void {
    const sees = this.isComplete;
    if (this.stopped || sees === this.sight) return;
    this.sight = sees;
    this.options.onSight(sees);
  }

  /** Proves again and again that the ensemble answers, and notices when it does not. */
  private prove(generation: number): void {
    if (this.stopped || generation !== this.generation) return;
    const sentMs = this.options.clock.now();
    this.zk.submit({ op: 'sync', path: ROOT }, (answer) => {
      if (generation !== this.generation) return;
      // Without the root there is nothing to sync, and an answer it is all the same.
      if (answer.ok || answer.code === 'NO_NODE') this.provedMs = sentMs;
      this.tellSight();
    });
    this.tellSight();
    this.options.clock.after(this.timeoutMs * PROOF_PART, () => this.prove(generation));
  }

  private resync(): void {
    this.beginAnew();
    const { generation } = this;
    this.prove(generation);
    let missing = 2;
    for (const path of [ROOT, PUBLISHED]) {
      this.zk.submit({ op: 'watch', path }, (answer) => {
        if (generation !== this.generation) return;
        if (answer.ok) missing -= 1;
        else this.unwatched(answer.code, generation);
        if (missing === 0) this.listServices();
      });
    }
  }

  /** Without the watch nothing would be told, and what was read would grow old: nothing is answered instead. */
  private unwatched(code: string, generation: number): void {
    if (code !== 'CONNECTION_LOSS') this.refuse('services_unwatched', { code });
    this.options.clock.after(this.limits.retryMs, () => {
      if (this.connected && generation === this.generation) this.resync();
    });
  }

  private refuse(reason: ReasonCode | null, fields: Readonly<Record<string, string | number>> = {}): void {
    if (reason === this.refusal) return;
    this.refusal = reason;
    this.options.onRefused(reason, fields);
  }

  private listServices(): void {
    this.queue.ask({ op: 'children', path: ROOT }, (answer) => {
      if (!answer.ok && answer.code !== 'NO_NODE') return this.later(() => this.listServices());
      const names = answer.ok ? (answer.children ?? []) : [];
      const covered = names.filter((name) => this.options.covers(name)).sort();
      const { servicesMax } = this.limits;
      const tooMany = covered.length > servicesMax;
      this.refuse(tooMany ? 'too_many_services' : null, { services: covered.length, most: servicesMax });
      // Whoever is answered for already stays; of the others the first by name.
      const isNew = (name: string): number => Number(!this.services.has(name));
      const listed = new Set(covered.toSorted((a, b) => isNew(a) - isNew(b)).slice(0, servicesMax));
      this.listed = true;
      for (const name of [...this.services.keys()]) if (!listed.has(name)) this.forget(name);
      for (const name of listed) if (this.services.get(name)?.current !== true) this.readWhole(name);
      this.completeIfRead();
    });
  }

  /** There is room for one that was left out. Others may go in the same moment: once for all of them. */
  private listSoon(): void {
    if (this.listsSoon) return;
    this.listsSoon = true;
    this.later(() => {
      this.listsSoon = false;
      this.listServices();
    });
  }

  private completeIfRead(): void {
    if (this.complete) return;
    for (const { current } of this.services.values()) if (!current) return;
    this.complete = true;
    this.everComplete = true;
    this.tellSight();
  }

  private later(again: () => void): void {
    const { generation } = this;
    this.options.clock.after(this.limits.retryMs, () => {
      if (generation === this.generation && this.connected) again();
    });
  }

  private forget(name: string): void {
    const told = this.services.get(name)?.told === true;
    if (!this.services.delete(name)) return;
    if (told) this.options.onService(name, null, this.everComplete);
    this.completeIfRead();
    if (told && this.refusal === 'too_many_services') this.listSoon();
  }

  /** Something happened at this path. */
  private look(path: string): void {
    const under = path.startsWith(`${ROOT}/`) ? ROOT : PUBLISHED;
    const [name = '', ...deeper] = path.slice(under.length + 1).split('/');
    // Before that, whatever happened is going to be read.
    if (!this.listed || name === '' || !this.options.covers(name)) return;
    const service = this.services.get(name);
    const itself = deeper.length === 0;
    if (service === undefined || itself) {
      if (under === ROOT) this.readWhole(name);
      return;
    }
    const key = servicePaths(name).keyOf(path);
    if (key !== null && isRead(key)) this.read(service, path, key);
  }

  private readWhole(name: string): void {
    const known = this.services.get(name);
    if (known === undefined && this.services.size >= this.limits.servicesMax) {
      this.refuse('too_many_services', { services: this.services.size + 1, most: this.limits.servicesMax });
      return;
    }
    const service: Service = known ?? { name, facts: noFacts(), reading: null, current: false, told: false };
    this.services.set(name, service);
    // What is being read whole already is told of its changes record by record.
    if (service.reading !== null) return;
    const reading = { pending: 0 };
    service.reading = reading;
    const paths = servicePaths(name);
    this.list(service, paths.root, (answer) => {
      if (!answer.ok) return this.forget(name);
      const there = new Set((answer.children ?? []).map((child) => `${paths.root}/${child}`));
      for (const path of [paths.lease, paths.term, paths.order]) this.readIfThere(service, path, there.has(path));
      this.readIfThere(service, paths.masterRecord, true);
    });
    this.list(service, paths.folder('members'), (answer) => {
      const found = (answer.ok ? (answer.children ?? []) : []).slice(0, this.limits.nodesMax);
      for (const member of [...service.facts.members.keys()]) {
        if (!found.includes(member)) service.facts.members.delete(member);
      }
      for (const member of found) this.readIfThere(service, paths.of('members', member), true);
    });
  }

  private list(service: Service, path: string, then: (answer: ZkAnswer) => void): void {
    const { reading } = service;
    const asked = this.queue.ask({ op: 'children', path }, (answer) => {
      if (!this.begun(service, answer)) return;
      then(answer);
      this.ended(service, reading);
    }, { last: true });
    if (asked && reading !== null) reading.pending += 1;
  }

  /** Whether the answer is one; else everything of this service is asked again later. */
  private begun(service: Service, answer: ZkAnswer): boolean {
    if (this.services.get(service.name) !== service) return false;
    if (answer.ok || NOTHING_THERE.includes(answer.code)) return true;
    service.reading = null;
    service.current = false;
    this.later(() => this.readWhole(service.name));
    return false;
  }

  private ended(service: Service, reading: Reading | null): void {
    if (reading === null) {
      // One record says nothing of the others: what is not current is told when all of it was read.
      if (service.current && service.reading === null) this.tell(service);
      return;
    }
    reading.pending -= 1;
    if (reading.pending > 0 || service.reading !== reading) return;
    service.reading = null;
    this.tell(service);
  }

  private readIfThere(service: Service, path: string, isThere: boolean): void {
    const key = servicePaths(service.name).keyOf(path);
    if (key === null) return;
    if (isThere) this.read(service, path, key);
    else takeRecord(service.facts, absent(key));
  }

  private read(service: Service, path: string, key: RecordKey): void {
    const { reading } = service;
    const asked = this.queue.ask({ op: 'read', path }, (answer) => {
      if (!this.begun(service, answer)) return;
      takeRecord(service.facts, decoded(key, answer));
      this.ended(service, reading);
    });
    if (asked && reading !== null) reading.pending += 1;
  }

  private tell(service: Service): void {
    if (this.services.get(service.name) !== service) return;
    service.current = true;
    service.told = true;
    const { clock, downAfterMs } = this.options;
    const topology = topologyOf(service.facts, { service: service.name, nowMs: clock.now(), downAfterMs });
    this.options.onService(service.name, topology, this.everComplete);
    this.completeIfRead();
  }
}

function isRead({ record }: RecordKey): boolean {
  const read: readonly string[] = READ_RECORDS;
  return read.includes(record);
}

function decoded(key: RecordKey, answer: ZkAnswer): ReturnType<typeof absent> {
  if (!answer.ok || answer.data === undefined || answer.stat === undefined) return absent(key);
  const { version, ephemeralOwner: owner, czxid } = answer.stat;
  return decodeRecord(key, answer.data, { version, owner, czxid }) ?? absent(key);
}
