/**
 * The mirror: every record of the service, read again whenever something happened to it.
 *
 * A watch event says only *that* something changed; what is there now is read. After every reconnection everything
 * is read afresh, because what happened in between is not reported. Requests of one session are answered in order,
 * so a read that follows an event sees at least what caused it.
 *
 * The trap is the answer that does not come: who takes a read that failed for one that found nothing new goes on with
 * the records of before. A read is over when the ensemble has answered it.
 */
import type { RecordRead } from '../core/records.ts';
import { decodeRecord } from '../records/codec.ts';
import { absent, FOLDERS, type Folder, type RecordKey, type ServicePaths } from '../records/paths.ts';
import type { Stat, ZkAnswer, ZkPort } from '../zookeeper/index.ts';

export interface MirrorEvents {
  onRead(read: RecordRead): void;
  onUnreadable(paths: readonly string[]): void;
  onSynced(): void;
}

interface Held {
  readonly data: Buffer;
  readonly version: number;
  readonly czxid: bigint;
  readonly owner: bigint;
}

/** A heartbeat reads the lease each time: what it finds unchanged is no news. */
function isSame(held: Held | undefined, data: Buffer, stat: Stat): boolean {
  if (held?.version !== stat.version || held.czxid !== stat.czxid || held.owner !== stat.ephemeralOwner) return false;
  return held.data.equals(data);
}

export class Mirror {
  private readonly zk: ZkPort;
  private readonly paths: ServicePaths;
  private readonly events: MirrorEvents;
  /** What was read last at each path that holds a record. */
  private readonly held = new Map<string, Held>();
  private unreadable: readonly string[] = [];
  /** Counts reconnections: answers that belong to an earlier one complete nothing. */
  private generation = 0;

  constructor(zk: ZkPort, paths: ServicePaths, events: MirrorEvents) {
    this.zk = zk;
    this.paths = paths;
    this.events = events;
  }

  /** Begins to read everything again; `onSynced` follows when all of it has arrived. */
  resync(): void {
    const generation = ++this.generation;
    const { paths, zk } = this;
    const unseen = new Set(this.held.keys());
    let outstanding = 0;
    let overdue = false;
    let cutOff = false;
    const begin = (): void => {
      outstanding += 1;
    };
    const end = (answer: ZkAnswer): void => {
      overdue ||= isOverdue(answer);
      cutOff ||= isCutOff(answer);
      // Cut off: the next connection begins anew.
      if (--outstanding > 0 || generation !== this.generation || cutOff) return;
      if (overdue) return this.resync();
      for (const path of unseen) this.vanish(path);
      this.events.onSynced();
    };
    const readOne = (path: string): void => {
      unseen.delete(path);
      begin();
      this.read(path, end);
    };
    const ensure = (path: string): void => {
      begin();
      zk.submit({ op: 'mkdirp', path }, end);
    };
    for (const root of [paths.root, paths.published]) {
      begin();
      zk.submit({ op: 'watch', path: root }, end);
    }
    begin();
    zk.submit({ op: 'children', path: paths.published }, (answer) => {
      if (isMissing(answer)) ensure(paths.published);
      end(answer);
    });
    const { lease, term, settings, masterRecord, order, results, pause, changes } = paths;
    for (const path of [lease, term, settings, masterRecord, order, results, pause, changes]) readOne(path);
    for (const folder of FOLDERS) {
      begin();
      this.list(folder, { readOne, ensure, end });
    }
  }

  private list(
    folder: Folder,
    then: { readOne: (path: string) => void; ensure: (path: string) => void; end: (answer: ZkAnswer) => void },
  ): void {
    this.zk.submit({ op: 'children', path: this.paths.folder(folder) }, (answer) => {
      if (isMissing(answer)) then.ensure(this.paths.folder(folder));
      if (answer.ok) for (const name of answer.children ?? []) then.readOne(this.paths.of(folder, name));
      then.end(answer);
    });
  }

  /** Something happened at this path: look. */
  look(path: string, done: () => void = () => undefined): void {
    if (this.paths.keyOf(path) !== null) this.read(path, done);
    else done();
  }

  private read(path: string, done: (answer: ZkAnswer) => void): void {
    const { generation } = this;
    this.zk.submit({ op: 'read', path }, (answer) => {
      this.take(path, answer);
      if (isOverdue(answer) && generation === this.generation) this.read(path, done);
      else done(answer);
    });
  }

  /** Takes in what was read at a path, by whomever. */
  take(path: string, answer: ZkAnswer): void {
    const key = this.paths.keyOf(path);
    if (key === null) return;
    if (answer.ok && answer.data !== undefined && answer.stat !== undefined) {
      const { version, ephemeralOwner, czxid } = answer.stat;
      if (isSame(this.held.get(path), answer.data, answer.stat)) return;
      const read = decodeRecord(key, answer.data, { version, owner: ephemeralOwner, czxid });
      this.noteUnreadable(path, read === null);
      if (read === null) return this.vanish(path, key);
      this.held.set(path, { data: answer.data, version, czxid, owner: ephemeralOwner });
      return this.events.onRead(read);
    }
    if (!isMissing(answer)) return;
    this.noteUnreadable(path, false);
    this.vanish(path, key);
  }

  private vanish(path: string, key: RecordKey | null = this.paths.keyOf(path)): void {
    this.held.delete(path);
    if (key !== null) this.events.onRead(absent(key));
  }

  private noteUnreadable(path: string, bad: boolean): void {
    if (this.unreadable.includes(path) === bad) return;
    this.unreadable = bad ? [...this.unreadable, path] : this.unreadable.filter((each) => each !== path);
    this.events.onUnreadable(this.unreadable);
  }
}

function isMissing(answer: ZkAnswer): boolean {
  return !answer.ok && answer.code === 'NO_NODE';
}

/** It is connected, and did not answer in time. */
function isOverdue(answer: ZkAnswer): boolean {
  return !answer.ok && answer.code === 'OPERATION_TIMEOUT';
}

const CUT_OFF: readonly string[] = ['CONNECTION_LOSS', 'SESSION_EXPIRED', 'SESSION_MOVED', 'CLOSED', 'QUEUE_FULL'];

function isCutOff(answer: ZkAnswer): boolean {
  return !answer.ok && CUT_OFF.includes(answer.code);
}
