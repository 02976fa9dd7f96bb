/**
 * The servers together: who may vote for whom is looked up from above instead of being negotiated in messages.
 *
 * What an election promises is kept: a majority of servers that reach one another, the one with the longest log, a
 * higher epoch. How long it takes is drawn.
 */
import type { Network } from '../../kernel/network.ts';
import type { Host } from '../../kernel/process.ts';
import { Process, SkewedClock } from '../../kernel/process.ts';
import type { Random } from '../../kernel/random.ts';
import type { Scheduler } from '../../kernel/scheduler.ts';
import { Server, ServerDisk } from './server.ts';
import type { Txn } from './tree.ts';

/** How often servers without a leader are looked at. */
const LOOK_MS = 50;
/** An election takes at least and at most this long once a majority looks. */
const ELECTION_MS = { from: 100, to: 600 } as const;
const CLOCK_DRIFT = 0.1;

export interface EnsembleOptions {
  readonly hosts: readonly Host[];
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  readonly tickMs: number;
  readonly syncLimit: number;
  /** A leader committed it: what is true from now on, whatever a follower still shows. */
  readonly onCommit?: (txn: Txn) => void;
}

interface Place {
  readonly host: Host;
  readonly disk: ServerDisk;
  readonly clockRate: number;
  server: Server | null;
}

export class Ensemble {
  readonly places: readonly Place[];
  private readonly options: EnsembleOptions;
  private sessions = 0n;
  private electionAtMs = 0;
  private epoch = 0;
  private starts = 0;

  constructor(options: EnsembleOptions) {
    this.options = options;
    this.places = options.hosts.map((host) => ({
      host,
      disk: new ServerDisk(),
      clockRate: 1 + options.random.between(-CLOCK_DRIFT, CLOCK_DRIFT) / 2,
      server: null,
    }));
    for (const place of this.places) this.start(place);
    this.lookLater();
  }

  get servers(): readonly Server[] {
    return this.places.flatMap(({ server }) => (server?.process.alive === true ? [server] : []));
  }

  get leader(): Server | undefined {
    // Asked at every look of every writer: without a list in between.
    for (const { server } of this.places) {
      if (server?.process.alive === true && server.role === 'leading' && server.serves) return server;
    }
    return undefined;
  }

  start(place: Place): void {
    const { scheduler, network, random, tickMs, syncLimit, onCommit } = this.options;
    if (place.server?.process.alive === true || !place.host.up) return;
    const process = new Process(place.host.name, place.host, scheduler);
    const clock = new SkewedClock(process, { rate: place.clockRate, originMs: 0 });
    place.server = new Server({
      process,
      clock,
      network,
      random: random.fork(`server-${++this.starts}`),
      disk: place.disk,
      tickMs,
      syncLimit,
      onCommit,
      servers: this.places.length,
      newSessionId: () => ++this.sessions,
    });
  }

  /** Every server is stopped, its data removed, and started again. */
  wipe(): void {
    for (const place of this.places) {
      place.server?.process.kill();
      place.disk.wipe();
    }
    for (const place of this.places) this.start(place);
  }

  private lookLater(): void {
    this.options.scheduler.after(LOOK_MS, () => {
      this.elect();
      this.lookLater();
    });
  }

  private reach(a: Server, b: Server): boolean {
    const { network } = this.options;
    const from = a.process.host.name;
    const to = b.process.host.name;
    return network.quality(from, to).state === 'open' && network.quality(to, from).state === 'open';
  }

  private elect(): void {
    if (!this.places.some(({ server }) => server?.role === 'looking')) return;
    const { scheduler, random } = this.options;
    const active = this.servers.filter(({ process }) => !process.frozen);
    const looking = active.filter(({ role }) => role === 'looking');
    if (looking.length === 0) return;
    for (const server of looking) {
      const leader = active.find((each) => each.role === 'leading' && this.reach(server, each));
      if (leader !== undefined) server.follow(leader.process.host.name);
    }
    const voters = this.electorate(looking.filter(({ role }) => role === 'looking'));
    if (voters === null) {
      this.electionAtMs = 0;
      return;
    }
    if (this.electionAtMs === 0) this.electionAtMs = scheduler.nowMs + random.between(ELECTION_MS.from, ELECTION_MS.to);
    if (scheduler.nowMs < this.electionAtMs) return;
    this.electionAtMs = 0;
    const chosen = voters.reduce((best, each) => (each.disk.lastZxid > best.disk.lastZxid ? each : best));
    this.epoch = Math.max(this.epoch, ...voters.map(({ disk }) => disk.epoch)) + 1;
    chosen.lead(this.epoch);
    for (const voter of voters) if (voter !== chosen) voter.follow(chosen.process.host.name);
  }

  /** A majority of servers that all reach one another, or null. */
  private electorate(looking: readonly Server[]): readonly Server[] | null {
    const majority = Math.floor(this.places.length / 2) + 1;
    for (const centre of looking) {
      const group = looking.filter((each) => each === centre || this.reach(centre, each));
      const all = group.filter((a) => group.every((b) => a === b || this.reach(a, b)));
      if (all.length >= majority) return all;
    }
    return null;
  }
}
