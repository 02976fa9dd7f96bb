/** Grounds for mutants of lease, fence, time and identity: pauses, suspended machines, twins, what comes late. */
import type { Random } from '../kernel/random.ts';
import type { Fault, Mishap } from '../plan/faults.ts';
import { at, partition } from './ground.ts';
import type { Ground } from './ground.ts';

const killed = (node: string, data: 'kept' | 'lost'): Mishap => ({ kind: 'redis_killed', node, data });
const SERVERS = ['z1', 'z2', 'z3'] as const;

/**
 * A master over a link so slow that its lease is in doubt again and again is stopped, perhaps where it is about to lift
 * its fence; when it goes on, another one has been elected, and one replica that nobody could take away follows it.
 */
function pausedBeforeLifting(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const delayMs = random.between(0.13, 0.22) * sessionTimeoutMs;
  const pausedMs = atMs + random.between(0.7, 3) * sessionTimeoutMs;
  const forMs = 2 * sessionTimeoutMs + 4000;
  const aloneMs = pausedMs + 150;
  return [
    at({ kind: 'delayed', hosts: ['r1'], delayMs }, atMs, aloneMs - atMs),
    at({ kind: 'agent_paused', node: 'r1', looks: random.below(16) }, pausedMs, forMs),
    at({ kind: 'agent_frozen', node: 'r2' }, aloneMs, forMs + 3000),
    at(partition(['r1', 'r2']), aloneMs, forMs + 3000),
  ];
}

/** The ensemble forgets everything, and right behind that the master and one replica are alone. */
function wipedAndAlone(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const forMs = 2 * sessionTimeoutMs + 6000;
  const aloneMs = atMs + random.between(0, 400);
  return [
    at({ kind: 'ensemble_wiped' }, atMs, 10),
    at(partition(['r1', 'r2']), aloneMs, forMs),
    at({ kind: 'agent_frozen', node: 'r2' }, aloneMs, forMs),
  ];
}

/**
 * A node comes back while its former lease stands, over a link so slow that this lease may be another's by the time at
 * which the node gives it back.
 */
function lateRelease(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const delayMs = random.between(0.04, 0.07) * sessionTimeoutMs;
  return [
    at({ kind: 'node_killed', node: 'r1', data: 'kept' }, atMs, sessionTimeoutMs - random.between(6, 11) * delayMs),
    at({ kind: 'delayed', hosts: ['r1'], delayMs }, atMs, 6000),
  ];
}

/**
 * The winner of an election stops before it claims. It is passed over, its successor's Redis dies, and the lease is
 * back: now the winner goes on, with a claim for an epoch that has been.
 */
function lateClaim(random: Random, atMs: number): readonly Fault[] {
  const forMs = random.between(2600, 4500);
  return [
    at(killed('r1', 'lost'), atMs, 9000),
    at({ kind: 'agent_halted', node: 'r2', how: 'freeze', sends: 8 + random.below(4) }, atMs, forMs),
    at(killed('r3', 'lost'), atMs + random.between(2200, forMs - 100), 5000),
  ];
}

/**
 * A new master stops before it announces itself, and dies while the announcement waits for a way to the ensemble; its
 * successor stops, too, perhaps before it has announced itself.
 */
function lateAnnouncement(random: Random, atMs: number): readonly Fault[] {
  const stoppedForMs = 250;
  const goesOnMs = atMs + stoppedForMs;
  const cutForMs = random.between(300, 600);
  const diesMs = goesOnMs + random.between(10, 60);
  const cuts = SERVERS.map((to) => (
    at({ kind: 'cut', from: 'r2', to, oneWay: false, how: 'drop' }, goesOnMs - 20, cutForMs)
  ));
  return [
    at({ kind: 'redis_restarted', node: 'r1', data: 'lost' }, atMs, 10),
    at({ kind: 'agent_halted', node: 'r2', how: 'freeze', sends: 6 + random.below(11) }, atMs + random.between(-4, 4),
      stoppedForMs),
    ...cuts,
    at({ kind: 'node_killed', node: 'r2', data: 'kept' }, diesMs, 5000),
    at({ kind: 'agent_halted', node: 'r3', how: 'freeze', sends: random.below(16) }, diesMs + 2, 1000),
  ];
}

/** The master's agent is gone, its Redis is hung while it is succeeded, and then goes on with one replica. */
function deposedGoesOn(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const forMs = 2 * sessionTimeoutMs + 12_000;
  const hungMs = atMs + sessionTimeoutMs - random.between(100, 600);
  return [
    at({ kind: 'agent_killed', node: 'r1' }, atMs, forMs),
    at({ kind: 'agent_frozen', node: 'r3' }, atMs + random.between(0, 500), forMs),
    at({ kind: 'redis_frozen', node: 'r1' }, hungMs, random.between(1500, 3500)),
  ];
}

/** Somebody starts the configuration of the master, or of another node, a second time. */
function twins(random: Random, atMs: number): readonly Fault[] {
  const node = random.chance(0.7) ? 'r1' : 'r2';
  return [at({ kind: 'agent_twinned', node, redis: random.pick(['same', 'other']) }, atMs, random.between(3000, 8000))];
}

/** Nodes lose the ensemble one after the other; some of them, and it, come back before the others. */
function outages(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const span = (): number => random.between(0.5, 2.5) * sessionTimeoutMs;
  const cut = (node: string): Fault => at(partition([node, random.pick(SERVERS)]), atMs + span(), span());
  return [
    at({ kind: 'redis_killed', node: 'r3', data: 'kept' }, atMs, 4 * sessionTimeoutMs),
    at(random.chance(0.5) ? { kind: 'ensemble_down' } : partition([...SERVERS]), atMs + span(), span()),
    cut('r2'), cut('r3'), cut(random.pick(['r1', 'r2'])),
  ];
}

/** The master's machine sleeps for longer than its lease, and wakes up alone with one replica. */
function sleptThrough(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const asleepMs = random.between(1.2, 3) * sessionTimeoutMs;
  const forMs = asleepMs + 5000;
  return [
    at({ kind: 'host_suspended', node: 'r1' }, atMs, asleepMs),
    at({ kind: 'agent_frozen', node: 'r2' }, atMs + random.between(0, 300), forMs),
    at(partition(['r1', 'r2']), atMs + random.between(0, 300), forMs),
  ];
}

export const LEASE_GROUNDS = {
  paused_before_lifting: { makers: [], faults: [0, 0], script: pausedBeforeLifting },
  wiped_and_alone: { makers: [], faults: [0, 0], script: wipedAndAlone },
  late_release: { makers: [], faults: [0, 0], script: lateRelease, change: { trustRefused: false } },
  late_claim: { makers: [], faults: [0, 0], script: lateClaim, change: { sessionTimeoutMs: 5000 } },
  late_announcement: { makers: [], faults: [0, 0], script: lateAnnouncement },
  deposed_goes_on: { makers: [], faults: [0, 0], script: deposedGoesOn },
  twins: { makers: [], faults: [0, 0], script: twins },
  /** The ensemble comes and goes, and whoever was away for a moment is forgotten. */
  forgetful: { makers: [], faults: [0, 0], script: outages, change: { forgetAfterMs: 300 } },
  slept_through: { makers: [], faults: [0, 0], script: sleptThrough },
} as const satisfies Readonly<Record<string, Ground>>;
