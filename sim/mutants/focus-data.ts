/**
 * Grounds for mutants that lose data rather than power: who holds which write when the master goes, what a disk brings
 * back, what a full sync replaces. Each is a script with chance in its moments: the bug lies in an order of events that
 * faults drawn freely come upon once in ten thousand seeds.
 */
import type { Random } from '../kernel/random.ts';
import type { Fault, Mishap } from '../plan/faults.ts';
import { NEUTRAL_PLAN } from '../regressions/kept-plans.ts';
import type { Ground } from './ground.ts';
import { at, partition } from './ground.ts';

const cut = (from: string, to: string): Mishap => ({ kind: 'cut', from, to, oneWay: false, how: 'drop' });
const killed = (node: string, data: 'kept' | 'lost'): Mishap => ({ kind: 'redis_killed', node, data });
const TWO_NODES = NEUTRAL_PLAN.nodes.slice(0, 2);
const FOUR_NODES = [...NEUTRAL_PLAN.nodes, { name: 'r4', priority: 100, clockRate: 1, persistence: 'none' }] as const;
/** Without makers and faults of chance. */
const SCRIPTED = { makers: [], faults: [0, 0] } as const;

/** A replica that can hardly keep up loses its master: the last words lie in its socket. */
function draining(random: Random, atMs: number): readonly Fault[] {
  const slow = (node: string): Fault => (
    at({ kind: 'redis_slow', node, bytesPerMs: random.between(13, 25) }, atMs, 3000)
  );
  return [slow('r2'), slow('r3'), at(killed('r1', 'lost'), atMs + random.between(300, 1500), 4000)];
}

/**
 * The most advanced stands still before it can claim, and the next best is passed the service; that one goes, too, a
 * moment later, when the first is back: with more bytes, of a history that the service has left.
 */
function lineages(random: Random, atMs: number): readonly Fault[] {
  const frozenMs = atMs + random.between(25, 60);
  const secondMs = atMs + random.between(2060, 2460);
  const slowMs = random.between(60, 120);
  return [
    at(cut('r1', 'r4'), atMs - 700, 1500),
    at(cut('r1', 'r3'), atMs - 350, 1150),
    at({ kind: 'agent_slow', node: 'r3', slowMs }, atMs - 50, 900),
    at({ kind: 'agent_slow', node: 'r4', slowMs }, atMs - 50, 900),
    at(killed('r1', 'lost'), atMs, 9000),
    at({ kind: 'agent_frozen', node: 'r2' }, frozenMs, secondMs - frozenMs + random.between(20, 500)),
    at(killed('r3', 'lost'), secondMs, 6000),
  ];
}

/** The second master goes as well, and of the two that are left one is a little behind the other. */
function secondDeath(random: Random, atMs: number): readonly Fault[] {
  const againMs = atMs + random.between(1500, 3000);
  const lateMs = random.between(300, 900);
  return [
    at(killed('r1', 'lost'), atMs, 9000),
    at(cut('r2', 'r3'), againMs - lateMs, lateMs + 300),
    at(killed('r2', 'lost'), againMs, 4000),
  ];
}

/** A new master goes in the middle of the full sync of the only one that its claim kept in sync. */
function halfSynced(random: Random, atMs: number): readonly Fault[] {
  const goneMs = atMs + random.between(1700, 2000);
  return [
    at(cut('r1', 'r3'), atMs, 6000),
    at({ kind: 'redis_restarted', node: 'r2', data: 'lost' }, atMs + 20, 10),
    at(killed('r1', 'kept'), goneMs, 500),
    at(cut('r1', 'r2'), goneMs + 10, 5000),
    at({ kind: 'agent_frozen', node: 'r2' }, goneMs + random.between(50, 250), 300),
    at({ kind: 'node_killed', node: 'r2', data: 'kept' }, goneMs + random.between(350, 1500), 7000),
  ];
}

/** While promises keep everybody out of elections, the master restarts empty. */
function boundRestart(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const restartMs = atMs + random.between(1, 2.5) * sessionTimeoutMs;
  return [
    at({ kind: 'ensemble_down' }, atMs, 4 * sessionTimeoutMs),
    at({ kind: 'redis_restarted', node: 'r1', data: 'lost' }, restartMs, 10),
  ];
}

/**
 * The dataset is large, so that a replica is on its way to a copy for seconds, and then loads it for long: all of them
 * when the service begins, and later one that comes back empty. By then none is so young that it could be another.
 */
function joins(random: Random, atMs: number): readonly Fault[] {
  return [at({ kind: 'redis_restarted', node: random.pick(['r2', 'r3']), data: 'lost' }, atMs, 6000)];
}

/** A new master restarts with an old file a moment after its promotion. */
function restartsOld(random: Random, atMs: number): readonly Fault[] {
  const second = random.pick(['r2', 'r3']);
  return [
    at(killed('r1', 'lost'), atMs, 8000),
    at(killed(second, 'kept'), atMs + random.between(60, 700), random.between(300, 2000)),
  ];
}

/** The master goes with all it has in the moment in which the other one restarts from an old file. */
function oldFile(random: Random, atMs: number): readonly Fault[] {
  return [
    at({ kind: 'redis_restarted', node: 'r2', data: 'kept' }, atMs + random.between(-6, 10), 10),
    at({ kind: 'node_killed', node: 'r1', data: 'lost' }, atMs, 9000),
  ];
}

/** The master restarts with an old file while the only replica in sync stands still. */
function hangs(random: Random, atMs: number): readonly Fault[] {
  return [
    at({ kind: 'redis_frozen', node: 'r2' }, atMs - random.between(50, 900), random.between(3000, 6000)),
    at(killed('r1', 'kept'), atMs, random.between(20, 1500)),
  ];
}

/** The only replica that confirmed the last writes restarts from an old file, and the master is out of reach. */
function holderRestarts(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const lateMs = random.between(600, 1500);
  return [
    at(cut('r1', 'r3'), atMs - lateMs, lateMs + 4 * sessionTimeoutMs),
    at({ kind: 'redis_restarted', node: 'r2', data: 'kept' }, atMs, 10),
    at(partition(['r1']), atMs + random.between(-3, 15), 4 * sessionTimeoutMs),
  ];
}

/** The only replica that confirmed the last writes is out of reach, and the master is gone. */
function holderAway(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const lateMs = random.between(600, 1500);
  return [
    at(cut('r1', 'r3'), atMs - lateMs, lateMs + 4 * sessionTimeoutMs),
    at(partition(['r2']), atMs, 4 * sessionTimeoutMs),
    at(killed('r1', 'lost'), atMs + random.between(0, 100), 5 * sessionTimeoutMs),
  ];
}

/** Somebody whom nobody has registered yet comes to a master that hears nobody else. */
function newcomer(random: Random, atMs: number): readonly Fault[] {
  const forMs = 9000;
  return [
    at({ kind: 'host_lost', node: 'r4', data: 'lost' }, 300, atMs - 300),
    at({ kind: 'agent_frozen', node: 'r1' }, atMs - random.between(5, 200), forMs),
    at(cut('r1', 'r2'), atMs, forMs),
    at(cut('r1', 'r3'), atMs, forMs),
  ];
}

/** The master restarts empty while its agent stands still: nobody else will say that it is another process. */
function restartsUnseen(random: Random, atMs: number): readonly Fault[] {
  return [
    at({ kind: 'agent_frozen', node: 'r1' }, atMs - random.between(10, 200), 3000),
    at({ kind: 'redis_restarted', node: 'r1', data: 'lost' }, atMs, 10),
  ];
}

/** The same while the replicas' agents stand still: nothing but the sync fence keeps them from copying it. */
function restartsUnguarded(random: Random, atMs: number): readonly Fault[] {
  return [
    at({ kind: 'agent_frozen', node: 'r2' }, atMs - random.between(10, 200), 3500),
    at({ kind: 'agent_frozen', node: 'r3' }, atMs - random.between(10, 200), 3500),
    at({ kind: 'redis_restarted', node: 'r1', data: 'lost' }, atMs, 10),
  ];
}

/** A replica goes for long, and its master lives on. */
function replicaGone(random: Random, atMs: number): readonly Fault[] {
  return [at({ kind: 'host_lost', node: random.pick(['r2', 'r3']), data: 'lost' }, atMs, 8000)];
}

/** A master that is cut off takes writes of its own until it is fenced, and comes back to another one. */
function ownHistory(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  return [at(partition(['r1']), atMs, sessionTimeoutMs + random.between(1500, 3000))];
}

/** The same, twice: the second time its Redis restarts, with its file, and is another process than was copied. */
function ownHistories(random: Random, atMs: number): readonly Fault[] {
  const againMs = atMs + 14_500;
  return [
    at(partition(['r1']), atMs, 4500),
    at(killed('r2', 'lost'), atMs + 8500, 3000),
    at(partition(['r1']), againMs, 4500),
    at({ kind: 'redis_restarted', node: 'r1', data: 'kept' }, againMs + random.between(800, 3500), 10),
  ];
}

/** While the office is handed to somebody who is late to take it, the old master's server is restarted. */
function restartsInHandOver(random: Random, atMs: number): readonly Fault[] {
  return [
    at({ kind: 'agent_frozen', node: 'r2' }, atMs - 100, 2000),
    at({ kind: 'agent_stopped', node: 'r1' }, atMs, 2500),
    at({ kind: 'agent_frozen', node: 'r1' }, atMs + random.between(60, 80), 300),
    at({ kind: 'redis_restarted', node: 'r1', data: 'kept' }, atMs + 90, random.between(10, 200)),
  ];
}

/** A replica hears the new master and no ensemble, and still follows the old one, who restarts with an old file. */
function unproven(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const unheardMs = 2 * sessionTimeoutMs;
  const restartMs = atMs + sessionTimeoutMs + random.between(1000, 2500);
  return [
    at(cut('r3', 'r2'), atMs - 50, sessionTimeoutMs),
    at({ kind: 'agent_stopped', node: 'r1' }, atMs, 10),
    at({ kind: 'agent_killed', node: 'r1' }, atMs + 200, unheardMs),
    ...['z1', 'z2', 'z3'].map((server) => at(cut('r3', server), atMs + 300, unheardMs)),
    at({ kind: 'redis_restarted', node: 'r1', data: 'kept' }, restartMs, 10),
  ];
}

export const DATA_GROUNDS = {
  unproven: { ...SCRIPTED, script: unproven, persistence: 'rdb', change: { disklessDelaySeconds: 0 } },
  restarts_in_hand_over: { ...SCRIPTED, script: restartsInHandOver, persistence: 'rdb' },
  draining: { ...SCRIPTED, script: draining },
  lineages: { ...SCRIPTED, script: lineages, change: { nodes: FOUR_NODES, sessionTimeoutMs: 3000 } },
  second_death: { ...SCRIPTED, script: secondDeath, change: { nodes: FOUR_NODES } },
  half_synced: {
    ...SCRIPTED, script: halfSynced, persistence: 'aof', change: { disklessLoad: true, transferMs: 300 },
  },
  bound_restart: { ...SCRIPTED, script: boundRestart },
  joins: { ...SCRIPTED, script: joins, change: { transferMs: 5000, loadMs: 600 } },
  restarts_old: { ...SCRIPTED, script: restartsOld, persistence: 'rdb' },
  old_file: { ...SCRIPTED, script: oldFile, persistence: 'rdb', change: { nodes: TWO_NODES } },
  hangs: { ...SCRIPTED, script: hangs, persistence: 'rdb', change: { nodes: TWO_NODES, disklessDelaySeconds: 5 } },
  hangs_on: {
    ...SCRIPTED, script: hangs, persistence: 'rdb', change: { nodes: TWO_NODES, recoveryGraceMs: 100 },
  },
  holder_restarts: { ...SCRIPTED, script: holderRestarts, persistence: 'rdb', change: { waitReplicas: 1 } },
  holder_away: { ...SCRIPTED, script: holderAway, change: { waitReplicas: 1 } },
  newcomer: {
    ...SCRIPTED, script: newcomer, change: { nodes: FOUR_NODES, waitReplicas: 1, sessionTimeoutMs: 3000 },
  },
  restarts_unseen: { ...SCRIPTED, script: restartsUnseen },
  restarts_unguarded: {
    ...SCRIPTED, script: restartsUnguarded, change: { disklessDelaySeconds: 86_400, waitReplicas: 1 },
  },
  replica_gone: { ...SCRIPTED, script: replicaGone },
  own_history: { ...SCRIPTED, script: ownHistory },
  own_histories: {
    ...SCRIPTED, script: ownHistories, persistence: 'aof', change: { nodes: TWO_NODES, sessionTimeoutMs: 2000 },
  },
} as const satisfies Readonly<Record<string, Ground>>;
