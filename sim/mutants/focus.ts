/**
 * Plans for mutants: small worlds in which a few kinds of faults come thick and fast, so that a planted bug shows
 * itself within few seeds. The same chance as everywhere, on narrower ground.
 */
import { Random } from '../kernel/random.ts';
import type { Data, Fault, Mishap } from '../plan/faults.ts';
import type { Plan } from '../plan/plan.ts';
import { drawPlan } from '../plan/plan.ts';
import { NEUTRAL_PLAN } from '../regressions/kept-plans.ts';
import { DATA_GROUNDS } from './focus-data.ts';
import { LEASE_GROUNDS } from './focus-lease.ts';
import { OPERATION_GROUNDS } from './focus-operations.ts';
import { at, partition } from './ground.ts';
import type { Ground, Maker } from './ground.ts';

const FIRST_FAULT_MS = { from: 5500, to: 8000 } as const;
const HEAL_AFTER_MS = 200;
const HEAL_EXTRA_MS = 5000;
const SLOWEST_CLOCK = 0.95;
const PEACE_MS = 1500;

/** The first master is `r1`, the best name among equals. */
const who = (random: Random): string => (random.chance(0.6) ? 'r1' : random.pick(['r2', 'r3']));
const what = (random: Random): Data => random.pick(['kept', 'aof', 'lost']);
const howCut = (random: Random): 'drop' | 'reject' => (random.chance(0.2) ? 'reject' : 'drop');
const server = (random: Random): string => random.pick(['z1', 'z2', 'z3']);

const redisKilled: Maker = (random) => ({ kind: 'redis_killed', node: who(random), data: what(random) });
const redisRestarted: Maker = (random) => ({ kind: 'redis_restarted', node: who(random), data: what(random) });
const redisFrozen: Maker = (random) => ({ kind: 'redis_frozen', node: who(random) });
const redisPaused: Maker = (random) => ({ kind: 'redis_paused', node: who(random) });
const agentKilled: Maker = (random) => ({ kind: 'agent_killed', node: who(random) });
const agentFrozen: Maker = (random) => ({ kind: 'agent_frozen', node: who(random) });
const agentSlow: Maker = (random) => ({ kind: 'agent_slow', node: who(random), slowMs: random.between(20, 400) });
const agentStopped: Maker = (random) => ({ kind: 'agent_stopped', node: who(random) });
const disabled: Maker = (random) => ({ kind: 'node_disabled', node: who(random) });
const nodeKilled: Maker = (random) => ({ kind: 'node_killed', node: who(random), data: what(random) });
const nodeFrozen: Maker = (random) => ({ kind: 'node_frozen', node: who(random) });
const hostLost: Maker = (random) => ({ kind: 'host_lost', node: who(random), data: what(random) });
const halted: Maker = (random) => (
  { kind: 'agent_halted', node: who(random), how: random.chance(0.5) ? 'kill' : 'freeze', sends: random.below(12) }
);
/** One node alone, or with one server that then answers it without knowing anything. */
const isolated: Maker = (random) => {
  const hosts = random.chance(0.5) ? [who(random)] : [who(random), server(random)];
  return { kind: 'partition', hosts, oneWay: false, how: 'drop' };
};
const halfCut: Maker = (random) => (
  { kind: 'partition', hosts: [random.chance(0.7) ? who(random) : server(random)], oneWay: true, how: howCut(random) }
);
/** Every server out of one node's reach, its Redis in everybody's. */
const withoutEnsemble: Maker = (random) => (
  { kind: 'partition', hosts: ['z1', 'z2', 'z3'], oneWay: random.chance(0.3), how: howCut(random) }
);
const cutPair: Maker = (random) => {
  const from = who(random);
  const to = random.pick(['r1', 'r2', 'r3', 'z1', 'z2', 'z3'].filter((name) => name !== from));
  return { kind: 'cut', from, to, oneWay: random.chance(0.3), how: howCut(random) };
};
const delayed: Maker = (random) => ({ kind: 'delayed', hosts: [who(random)], delayMs: random.between(20, 600) });
const serverFrozen: Maker = (random) => ({ kind: 'server_frozen', server: server(random) });
const leaderKilled: Maker = () => ({ kind: 'leader_killed' });
const wiped: Maker = () => ({ kind: 'ensemble_wiped' });
const ensembleDown: Maker = () => ({ kind: 'ensemble_down' });
const powerLost: Maker = (random) => ({ kind: 'everything_lost', data: random.pick(['kept', 'aof']) });
const clockJump: Maker = (random) => ({ kind: 'clock_jump', node: who(random), byMs: random.between(1500, 20_000) });

/** The first master without its agent, out of reach for everybody but its clients, until its dead-man must end it. */
function unfenceable(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const cutMs = atMs + random.between(0, 0.6 * sessionTimeoutMs);
  const untilMs = atMs + 2 * sessionTimeoutMs + 9000;
  const frozen = random.chance(0.5);
  return [
    at(partition(['r1']), atMs, untilMs - atMs),
    at(frozen ? { kind: 'agent_frozen', node: 'r1' } : { kind: 'agent_killed', node: 'r1' }, cutMs, untilMs - cutMs),
  ];
}

/** The agent of the first master starts anew, in a place from which it sees nobody. */
function restartedAlone(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const forMs = 2 * sessionTimeoutMs + 9000;
  return [
    at(partition(['r1', 'r2']), atMs, forMs),
    at({ kind: 'agent_killed', node: 'r1' }, atMs + random.between(0, 300), random.between(20, 300)),
    at({ kind: 'agent_frozen', node: 'r2' }, atMs + random.between(0, 100), forMs),
  ];
}

/** The ensemble goes, the others promise; then they are the first to find it again, without the master. */
function outageEnds(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const backMs = atMs + random.between(1, 2.5) * sessionTimeoutMs;
  const forMs = 2 * sessionTimeoutMs + 5000;
  const others = random.chance(0.5) ? ['r2', 'r3'] : ['r2', 'r3', 'z1', 'z2', 'z3'];
  return [
    at(partition(['z1', 'z2', 'z3']), atMs, backMs - atMs),
    at(partition(others), backMs, forMs),
    at(partition(['r1']), backMs, forMs),
  ];
}

function outageEndsRestart(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const faults = outageEnds(random, atMs, sessionTimeoutMs);
  const backMs = faults[1]?.atMs ?? atMs;
  const restarted = ['r2', 'r3'].map((node) => (
    at({ kind: 'agent_killed', node }, backMs - random.between(20, 200), random.between(10, 150))
  ));
  return [...faults, ...restarted];
}

/** One replica stays behind with its deposed master, whose agent stands still. */
function leftBehind(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const forMs = 2 * sessionTimeoutMs + 9000;
  const frozenMs = atMs + random.between(0, 300);
  return [
    at(partition(['r1', 'r2']), atMs, forMs),
    at({ kind: random.pick(['agent_frozen', 'agent_killed'] as const), node: 'r1' }, frozenMs, forMs),
  ];
}

/** Everybody else stands still after the master's side was cut off: a stale server is all that it has. */
function staleServer(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  return [at(partition(['r1', server(random)]), atMs, 3 * sessionTimeoutMs)];
}

/** A replica is behind the others when the master goes, and quicker to be heard. */
function unequal(random: Random, atMs: number): readonly Fault[] {
  const [late, other] = random.chance(0.5) ? ['r2', 'r3'] : ['r3', 'r2'];
  const forMs = random.between(300, 900);
  const slow: Mishap = { kind: 'agent_slow', node: other, slowMs: random.between(5, 150) };
  return [
    at({ kind: 'cut', from: 'r1', to: late, oneWay: false, how: 'drop' }, atMs, forMs + 300),
    at(slow, atMs, forMs + 2000),
    at({ kind: 'redis_killed', node: 'r1', data: what(random) }, atMs + forMs, 4000),
  ];
}

/** A replica restarts, and while it comes back the master goes. */
function comesBack(random: Random, atMs: number): readonly Fault[] {
  const node = random.pick(['r2', 'r3']);
  const gone: Mishap = random.chance(0.5)
    ? { kind: 'redis_killed', node: 'r1', data: 'lost' }
    : { kind: 'redis_frozen', node: 'r1' };
  const goneMs = atMs + random.between(20, 900);
  return [
    at({ kind: 'redis_restarted', node, data: what(random) }, atMs, 10),
    at(gone, goneMs, 5000),
  ];
}

/** The agents of the others see a Redis refuse that lives. */
function falseDeath(random: Random, atMs: number): readonly Fault[] {
  const other = random.pick(['r2', 'r3']);
  return [
    at({ kind: 'cut', from: 'r1', to: other, oneWay: false, how: 'reject' }, atMs, 6000),
    at({ kind: 'delayed', hosts: ['r1'], delayMs: random.between(1, 50) }, atMs, 6000),
  ];
}

/** The master is told to go, or its host to sleep, at a bad moment. */
function handedOver(random: Random, atMs: number): readonly Fault[] {
  const kind = random.pick(['agent_stopped', 'node_disabled'] as const);
  const slowAtMs = atMs - random.between(0, 50);
  return [
    at({ kind: 'delayed', hosts: ['r1'], delayMs: random.between(5, 100) }, slowAtMs, 3000),
    at({ kind, node: 'r1' }, atMs, 3000),
  ];
}

/** The master's agent goes, its Redis lives and may be asked for its last byte. */
function takenOver(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const forMs = 2 * sessionTimeoutMs + 3000;
  return [
    at({ kind: 'agent_killed', node: 'r1' }, atMs, forMs),
    at({ kind: 'delayed', hosts: [random.pick(['r2', 'r3'])], delayMs: random.between(5, 150) }, atMs, forMs),
  ];
}

/** The same with a successor that can hardly keep up, and another replica that confirms what it does not have yet. */
function takenOverBehind(random: Random, atMs: number, sessionTimeoutMs: number): readonly Fault[] {
  const forMs = 2 * sessionTimeoutMs + 3000;
  return [
    at({ kind: 'agent_killed', node: 'r1' }, atMs, forMs),
    at({ kind: 'agent_killed', node: 'r3' }, atMs - random.between(0, 300), forMs),
    at({ kind: 'redis_slow', node: 'r2', bytesPerMs: random.between(13, 25) }, atMs, forMs),
  ];
}

/** A master that is halted between its messages while it steps up, in the place of one that died. */
function haltedSuccessor(random: Random, atMs: number): readonly Fault[] {
  const how = random.chance(0.3) ? 'kill' : 'freeze';
  const victim = random.pick(['r2', 'r3', 'r1']);
  return [
    at({ kind: 'agent_halted', node: victim, how, sends: random.below(14) }, atMs + random.between(-5, 5), 5000),
    at({ kind: 'redis_killed', node: 'r1', data: what(random) }, atMs, random.between(100, 3000)),
  ];
}

/** The ensemble forgets, and agents restart around that. */
function forgotten(random: Random, atMs: number): readonly Fault[] {
  const agents = ['r1', 'r2', 'r3'].filter(() => random.chance(0.4));
  const deaths = agents.map((node) => at({ kind: 'agent_killed', node }, atMs + random.between(-500, 500), 1500));
  return [
    at({ kind: 'redis_killed', node: 'r1', data: 'kept' }, atMs - 1500, 500),
    at({ kind: 'ensemble_wiped' }, atMs, 10),
    ...deaths,
  ];
}

/** Of two nodes the other one comes back, and the master goes before it has everything. */
function comesBackAlone(random: Random, atMs: number): readonly Fault[] {
  const goneMs = atMs + random.between(20, 1200);
  return [
    at({ kind: 'redis_restarted', node: 'r2', data: 'lost' }, atMs, 10),
    at({ kind: 'redis_frozen', node: 'r1' }, goneMs, 6000),
    at({ kind: 'delayed', hosts: ['r2'], delayMs: random.between(1, 200) }, atMs - 100, 5000),
  ];
}

/** Two masters after one another, each with writes of its own, then all of them side by side. */
function histories(random: Random, atMs: number): readonly Fault[] {
  const second = atMs + random.between(2500, 4000);
  return [
    at(partition([random.pick(['r2', 'r3'])]), atMs - random.between(200, 1500), random.between(2000, 5000)),
    at({ kind: 'redis_killed', node: 'r1', data: 'kept' }, atMs, random.between(500, 3000)),
    at({ kind: 'redis_killed', node: random.pick(['r2', 'r3']), data: 'kept' }, second, random.between(500, 3000)),
    at({ kind: 'redis_killed', node: random.pick(['r1', 'r2', 'r3']), data: 'kept' }, second + 1500, 2000),
  ];
}

/** Everything loses power; its nodes come back one by one. */
function blackout(random: Random, atMs: number): readonly Fault[] {
  const back = ['r1', 'r2', 'r3'].map((node) => (
    at({ kind: 'host_lost', node, data: random.pick(['kept', 'kept', 'aof', 'lost']) }, atMs, random.between(500, 6000))
  ));
  return [at(partition([random.pick(['r2', 'r3'])]), atMs - 1200, 900), ...back];
}

const GROUNDS = {
  ...LEASE_GROUNDS,
  ...DATA_GROUNDS,
  ...OPERATION_GROUNDS,
  unfenceable: { makers: [], faults: [0, 0], script: unfenceable },
  /** As before, with a T so long that the dead-man may be touched before the agent stops. */
  unfenceable_late: {
    makers: [], faults: [0, 0], change: { sessionTimeoutMs: 6000 },
    script: (random: Random, atMs: number) => [
      at(partition(['r1']), atMs, 22_000),
      at({ kind: 'agent_frozen', node: 'r1' }, atMs + random.between(2600, 3400), 19_000),
    ],
  },
  restarted_alone: { makers: [], faults: [0, 0], script: restartedAlone },
  outage_ends: { makers: [], faults: [0, 0], script: outageEnds },
  outage_ends_restart: { makers: [], faults: [0, 0], script: outageEndsRestart },
  left_behind: { makers: [], faults: [0, 0], script: leftBehind },
  stale_server: { makers: [], faults: [0, 0], script: staleServer },
  unequal: { makers: [], faults: [0, 0], script: unequal },
  comes_back: { makers: [redisRestarted], faults: [0, 1], script: comesBack },
  comes_back_durable: { makers: [redisKilled], faults: [0, 1], script: comesBack, change: { waitReplicas: 1 } },
  comes_back_alone: {
    makers: [], faults: [0, 0], script: comesBackAlone, change: { nodes: NEUTRAL_PLAN.nodes.slice(0, 2) },
  },
  false_death: { makers: [], faults: [0, 0], script: falseDeath },
  handed_over: { makers: [], faults: [0, 0], script: handedOver },
  taken_over: { makers: [], faults: [0, 0], script: takenOver },
  taken_over_behind: { makers: [], faults: [0, 0], script: takenOverBehind, change: { waitReplicas: 1 } },
  halted_successor: { makers: [agentKilled, cutPair], faults: [0, 1], script: haltedSuccessor },
  forgotten: { makers: [], faults: [0, 0], script: forgotten },
  histories: { makers: [], faults: [0, 0], script: histories },
  blackout: { makers: [], faults: [0, 0], script: blackout },
  /** Somebody no longer hears the ensemble, or hears a part of it that knows nothing. */
  cut_off: { makers: [isolated, isolated, withoutEnsemble, halfCut, cutPair, serverFrozen], faults: [1, 3] },
  /** Processes and hosts end, and come back with whatever they have. */
  deaths: { makers: [redisKilled, redisRestarted, nodeKilled, hostLost, agentKilled], faults: [2, 5] },
  /** The Redis of masters ends, and links are bad. */
  elections: { makers: [redisKilled, redisKilled, redisRestarted, cutPair, redisFrozen, delayed], faults: [2, 5] },
  /** Agents end or stop between two of their messages, while others are busy with an election. */
  halts: { makers: [halted, halted, redisKilled, redisRestarted, agentKilled, agentStopped], faults: [2, 5] },
  /** Agents, servers and hosts stand still and go on. */
  freezes: { makers: [agentFrozen, nodeFrozen, redisFrozen, redisPaused, halted, serverFrozen], faults: [1, 4] },
  /** What operators do, at bad moments. */
  orders: { makers: [agentStopped, disabled, agentStopped, redisKilled, agentSlow, delayed], faults: [2, 5] },
  /** Replicas come and go, then the master goes. */
  replicas: { makers: [redisRestarted, hostLost, redisFrozen, nodeKilled, redisKilled, isolated], faults: [3, 7] },
  durable: {
    makers: [redisKilled, redisRestarted, hostLost, isolated, nodeKilled, cutPair, agentKilled],
    faults: [3, 7],
    change: { waitReplicas: 1 },
  },
  /** The ensemble goes, forgets, comes back. */
  ensemble: { makers: [wiped, ensembleDown, leaderKilled, agentKilled, withoutEnsemble], faults: [1, 4] },
  power: { makers: [powerLost, hostLost, redisRestarted, nodeKilled], faults: [1, 4] },
  /** Hosts sleep: what was decided before is done after. */
  sleeps: { makers: [clockJump, nodeFrozen, agentFrozen, halted, isolated], faults: [2, 5] },
  /** Two nodes and no start fence: little to hide behind. */
  small: {
    makers: [redisRestarted, nodeKilled, agentKilled, isolated, agentFrozen, halted],
    faults: [1, 5],
    change: { nodes: NEUTRAL_PLAN.nodes.slice(0, 2), startFence: false },
  },
} as const satisfies Readonly<Record<string, Ground>>;

export type Focus = keyof typeof GROUNDS | 'all';

function durationMs(random: Random, sessionTimeoutMs: number): number {
  const kind = random.unit();
  if (kind < 0.3) return random.between(10, 500);
  if (kind < 0.6) return random.between(500, sessionTimeoutMs);
  return random.between(sessionTimeoutMs, 3 * sessionTimeoutMs);
}

function drawFaults(random: Random, ground: Ground, sessionTimeoutMs: number): readonly Fault[] {
  const { makers, faults: [from, to], script } = ground;
  const count = from + random.below(to - from + 1);
  let atMs = random.between(FIRST_FAULT_MS.from, FIRST_FAULT_MS.to);
  const scripted = script?.(random, atMs, sessionTimeoutMs) ?? [];
  const drawn = Array.from({ length: count }, () => {
    const fault = { ...random.pick(makers)(random), atMs, forMs: durationMs(random, sessionTimeoutMs) };
    atMs += random.chance(0.6) ? random.between(0, 300) : random.between(300, 4000);
    return fault;
  });
  return [...scripted, ...drawn].sort((a, b) => a.atMs - b.atMs);
}

/** The plan of this seed on this ground. */
export function focusedPlan(focus: Focus, seed: number): Plan {
  if (focus === 'all') return drawPlan(seed);
  const ground: Ground = GROUNDS[focus];
  const random = new Random(seed).fork(focus);
  const tickMs = random.pick([250, 500]);
  const sessionTimeoutMs = ground.change?.sessionTimeoutMs ?? random.pick([2000, 3000]);
  const base: Plan = { ...NEUTRAL_PLAN, ...ground.change };
  const faults = drawFaults(random, ground, sessionTimeoutMs);
  const healAtMs = Math.max(...faults.map((fault) => fault.atMs + fault.forMs)) + HEAL_AFTER_MS;
  const boundMs = (2 * sessionTimeoutMs + HEAL_EXTRA_MS) / SLOWEST_CLOCK;
  return {
    ...base,
    seed,
    tickMs,
    sessionTimeoutMs,
    syncLimit: Math.max(2, Math.floor(sessionTimeoutMs / tickMs)),
    nodes: base.nodes.map((node) => ({
      ...node,
      clockRate: 1 + random.between(-0.05, 0.05),
      persistence: ground.persistence ?? random.pick(['none', 'rdb', 'aof']),
    })),
    faults,
    healAtMs,
    endMs: healAtMs + boundMs + PEACE_MS,
  };
}
