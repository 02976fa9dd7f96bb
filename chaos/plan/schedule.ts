/**
 * The schedule of one round: which faults begin when, against whom, for how long. Same seed, same schedule.
 *
 * A round is a storm of faults that overlap freely, then a time in which nothing is done but to watch the service
 * heal. Victims are named by role where that is the point (the master is hit as often as everybody else together),
 * because who is master depends on the run; what became of it is written into the report.
 */
import type { FaultKind } from './kinds.ts';
import { traitsOf } from './kinds.ts';
import { Random } from './random.ts';

/** Whom a fault is meant for: the master of that moment, or a node by its index. */
export type Aim = 'master' | number;

/** Whom a deaf or mute node does not hear, or is not heard by. */
export type Peers = 'nodes' | 'zookeeper' | 'both' | 'all';

/** How a rejected connection is refused: new ones by ICMP, new ones by RST, or established ones as well. */
export type Rejection = 'icmp' | 'reset-new' | 'reset-all';

export interface PlannedFault {
  readonly kind: FaultKind;
  /** From the beginning of the round, ms. */
  readonly atMs: number;
  readonly durationMs: number;
  readonly aim: Aim;
  /** Percent of packets lost. */
  readonly lossPercent: number;
  readonly peers: Peers;
  readonly rejection: Rejection;
  /** Kbit/s of a slow link; ms of a delay. */
  readonly kbitPerSecond: number;
  readonly delayMs: number;
  /** A killed ensemble forgets nothing, a stopped one answers nobody. */
  readonly byStopping: boolean;
}

export interface ScheduleOptions {
  readonly seed: number;
  readonly round: number;
  readonly nodes: number;
  /** Length of the storm. */
  readonly stormMs: number;
  readonly kinds: readonly FaultKind[];
  /** Mean time between the beginnings of two faults. */
  readonly everyMs: number;
}

/** The round begins in peace: its first writes are acknowledged by a service that is well. */
const FIRST_AT_MS = 1000;
/** Even the last fault has so long to bite before the storm ends. */
const SHORTEST_MS = 50;
const FAULTS_MAX = 200;
const MASTER_AIM = 0.5;
const PEERS: readonly Peers[] = ['nodes', 'zookeeper', 'both', 'all'];
const REJECTIONS: readonly Rejection[] = ['icmp', 'reset-new', 'reset-all'];

export function scheduleRound(options: ScheduleOptions): readonly PlannedFault[] {
  const { seed, round, nodes, stormMs, kinds, everyMs } = options;
  const random = new Random(seed, round);
  const choices = kinds.map((kind) => ({ kind, weight: traitsOf(kind).weight }));
  const faults: PlannedFault[] = [];
  let atMs = FIRST_AT_MS;
  while (atMs + SHORTEST_MS <= stormMs && faults.length < FAULTS_MAX) {
    const { kind } = random.weighted(choices);
    const [least, most] = traitsOf(kind).durationMs;
    // Short ones are as interesting as long ones: the logarithm of the duration is even.
    const wantedMs = Math.round(least * (most / least) ** random.next());
    faults.push({
      kind,
      atMs,
      durationMs: Math.min(wantedMs, stormMs - atMs),
      aim: random.chance(MASTER_AIM) ? 'master' : random.integer(0, nodes - 1),
      lossPercent: random.integer(5, 60),
      peers: random.pick(PEERS),
      rejection: random.pick(REJECTIONS),
      kbitPerSecond: random.pick([64, 256, 1000, 4000]),
      delayMs: random.pick([5, 20, 80, 250]),
      byStopping: random.chance(0.5),
    });
    atMs += 1 + Math.round(-Math.log(1 - random.next()) * everyMs);
  }
  return faults;
}
