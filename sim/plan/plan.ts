/**
 * A plan: one service, its surroundings and everything that will go wrong, drawn from a seed before anything runs.
 */
import type { Random } from '../kernel/random.ts';
import { Random as Chance } from '../kernel/random.ts';
import { drawActs, hasOperators } from './acts.ts';
import type { Data, Fault, FaultKind, Mishap } from './faults.ts';

export interface NodePlan {
  readonly name: string;
  readonly priority: number;
  /** How fast its clock runs: 1 is true. */
  readonly clockRate: number;
  readonly persistence: 'none' | 'rdb' | 'aof';
}

export interface Plan {
  readonly seed: number;
  readonly nodes: readonly NodePlan[];
  readonly servers: readonly string[];
  readonly sessionTimeoutMs: number;
  readonly tickMs: number;
  readonly syncLimit: number;
  readonly downAfterMs: number;
  /** `min-replicas-to-write 1` in the configuration of every Redis. */
  readonly startFence: boolean;
  readonly trustRefused: boolean;
  /** repl-diskless-sync-delay: with 0 an empty restarted master wipes its replicas fastest; a day is the sync fence. */
  readonly disklessDelaySeconds: number;
  /** repl-diskless-load: a replica drops its data when a full sync begins, not when it has arrived. */
  readonly disklessLoad: boolean;
  /** How long a full sync is on its way, and how long a dataset takes to load. */
  readonly transferMs: number;
  readonly loadMs: number;
  readonly recoveryGraceMs: number;
  readonly fenceByKill: boolean;
  /** A registered node without a member record is forgotten after this. */
  readonly forgetAfterMs: number;
  /** Durable mode with this `wait_replicas`; null: available mode. */
  readonly waitReplicas: number | null;
  /** Faults begin after this and end before `healAtMs`. */
  readonly settledMs: number;
  readonly healAtMs: number;
  readonly endMs: number;
  readonly faults: readonly Fault[];
}

const SETTLED_MS = 5000;
const HEAL_AT_MS = 40_000;
const END_MS = 60_000;
/** A day, as recommended: longer than any run. */
const SYNC_FENCE_SECONDS = 86_400;
const FAULTS = { from: 5, to: 12 } as const;
const CLOCK_DRIFT = 0.1;
/** Clocks drift up to 10 % from one another: half of it to each side of the truth. */
const rateOf = (random: Random): number => 1 + random.between(-CLOCK_DRIFT, CLOCK_DRIFT) / 2;

/** How often each kind is drawn, relative to the others. */
const WEIGHTS: Readonly<Record<FaultKind, number>> = {
  redis_killed: 10,
  redis_frozen: 6,
  redis_restarted: 6,
  redis_busy: 2,
  redis_paused: 2,
  redis_refuses_writes: 2,
  redis_slow: 2,
  agent_killed: 6,
  agent_frozen: 6,
  agent_slow: 3,
  agent_halted: 6,
  agent_paused: 3,
  agent_stopped: 3,
  agent_twinned: 2,
  host_suspended: 3,
  node_disabled: 2,
  node_killed: 6,
  node_frozen: 4,
  host_lost: 5,
  everything_lost: 1,
  clock_jump: 1,
  server_killed: 3,
  server_frozen: 3,
  leader_killed: 3,
  ensemble_down: 3,
  ensemble_wiped: 0.3,
  partition: 8,
  cut: 6,
  lossy: 2,
  delayed: 3,
};

/** A host that vanished without a word (no FIN, no RST) does not come back sooner than a machine can boot. */
export const SHORTEST_MS: Readonly<Partial<Record<Fault['kind'], number>>> = { host_lost: 2500 };

const KINDS = Object.keys(WEIGHTS) as FaultKind[];
const TOTAL_WEIGHT = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);

function drawKind(random: Random): FaultKind {
  let left = random.unit() * TOTAL_WEIGHT;
  for (const kind of KINDS) {
    left -= WEIGHTS[kind];
    if (left < 0) return kind;
  }
  return 'redis_killed';
}

/** Short ones are blips that must cost nothing; long ones outlive every deadline. */
function drawDuration(random: Random, sessionTimeoutMs: number): number {
  const kind = random.unit();
  if (kind < 0.3) return random.between(10, 500);
  if (kind < 0.7) return random.between(500, sessionTimeoutMs);
  return random.between(sessionTimeoutMs, 3 * sessionTimeoutMs);
}

interface Cast {
  readonly nodes: readonly string[];
  readonly servers: readonly string[];
}

function drawData(random: Random): Data {
  const kind = random.unit();
  return kind < 0.5 ? 'kept' : kind < 0.75 ? 'aof' : 'lost';
}

function drawSide(random: Random, { nodes, servers }: Cast): readonly string[] {
  const side = [...nodes, ...servers].filter(() => random.chance(0.4));
  return side.length === 0 ? [random.pick(nodes)] : side;
}

function drawMishap(random: Random, cast: Cast): Mishap {
  const kind = drawKind(random);
  const node = random.pick(cast.nodes);
  const how = random.chance(0.2) ? 'reject' : 'drop';
  const oneWay = random.chance(0.3);
  switch (kind) {
    case 'redis_killed':
    case 'redis_restarted':
    case 'node_killed':
    case 'host_lost':
      return { kind, node, data: drawData(random) };
    case 'everything_lost':
      return { kind, data: random.chance(0.5) ? 'kept' : 'aof' };
    case 'redis_slow':
      return { kind, node, bytesPerMs: random.between(50, 500) };
    case 'agent_slow':
      return { kind, node, slowMs: random.between(1, 300) };
    case 'agent_halted':
      return { kind, node, how: random.chance(0.5) ? 'kill' : 'freeze', sends: random.below(30) };
    case 'agent_paused':
      return { kind, node, looks: random.below(60) };
    case 'agent_twinned':
      return { kind, node, redis: random.pick(['same', 'other']) };
    case 'clock_jump':
      return { kind, node, byMs: random.between(-5000, 20_000) };
    case 'server_killed':
    case 'server_frozen':
      return { kind, server: random.pick(cast.servers) };
    case 'leader_killed':
    case 'ensemble_down':
    case 'ensemble_wiped':
      return { kind };
    case 'partition':
      return { kind, hosts: drawSide(random, cast), oneWay, how };
    case 'cut': {
      const others = [...cast.nodes, ...cast.servers].filter((name) => name !== node);
      return { kind, from: node, to: random.pick(others), oneWay, how };
    }
    case 'lossy':
      return { kind, hosts: drawSide(random, cast), loss: random.between(0.02, 0.3) };
    case 'delayed':
      return { kind, hosts: drawSide(random, cast), delayMs: random.between(1, 500) };
    case 'redis_frozen':
    case 'redis_busy':
    case 'redis_paused':
    case 'redis_refuses_writes':
    case 'agent_killed':
    case 'agent_frozen':
    case 'agent_stopped':
    case 'node_disabled':
    case 'node_frozen':
    case 'host_suspended':
      return { kind, node };
  }
}

/** Faults come in bursts: what breaks a protocol is the second one, a moment after the first. */
function drawFaults(random: Random, cast: Cast, sessionTimeoutMs: number): readonly Fault[] {
  const faults: Fault[] = [];
  const count = FAULTS.from + random.below(FAULTS.to - FAULTS.from + 1);
  let atMs = random.between(SETTLED_MS, HEAL_AT_MS - 1000);
  for (let i = 0; i < count; i++) {
    const burst = random.chance(0.5);
    atMs = burst ? atMs + random.between(0, 200) : random.between(SETTLED_MS, HEAL_AT_MS - 1000);
    const drawnMs = drawDuration(random, sessionTimeoutMs);
    const mishap = drawMishap(random, cast);
    const shortestMs = SHORTEST_MS[mishap.kind] ?? 0;
    const startMs = Math.min(atMs, HEAL_AT_MS - Math.max(100, shortestMs));
    const forMs = Math.min(Math.max(drawnMs, shortestMs), HEAL_AT_MS - startMs);
    faults.push({ ...mishap, atMs: startMs, forMs });
  }
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** Of a plan with operators only so many keep all of their faults: what they do in peace is worth a look, too. */
const STORMY = 0.6;

/** The plan's faults, and among them what operators do. */
function withOperators(random: Random, nodes: readonly string[], drawn: readonly Fault[]): readonly Fault[] {
  const faults = random.chance(STORMY) ? drawn : drawn.slice(0, random.below(3));
  const acts = drawActs(random, { nodes, faults, settledMs: SETTLED_MS, healAtMs: HEAL_AT_MS });
  return [...faults, ...acts].sort((a, b) => a.atMs - b.atMs);
}

export function drawPlan(seed: number): Plan {
  const random = new Chance(seed).fork('plan');
  const count = random.chance(0.75) ? 3 : random.chance(0.5) ? 2 : 4;
  const names = Array.from({ length: count }, (_, i) => `r${i + 1}`);
  const servers = random.chance(0.8) ? ['z1', 'z2', 'z3'] : ['z1'];
  const tickMs = random.pick([250, 500, 1000]);
  const sessionTimeoutMs = Math.max(2 * tickMs, random.pick([2000, 3000, 5000]));
  const faults = drawFaults(random.fork('faults'), { nodes: names, servers }, sessionTimeoutMs);
  const never = random.chance(0.1) ? random.pick(names) : null;
  return {
    seed,
    nodes: names.map((name) => ({
      name,
      priority: name === never ? 0 : 100,
      clockRate: rateOf(random),
      persistence: random.pick(['none', 'rdb', 'aof']),
    })),
    servers,
    sessionTimeoutMs,
    tickMs,
    // Twice the session timeout at most: beyond that the agent warns, since a deposed leader could confirm for longer.
    syncLimit: Math.max(2, Math.floor(sessionTimeoutMs / tickMs)),
    downAfterMs: random.pick([500, 1000, 2000]),
    startFence: random.chance(0.7),
    trustRefused: random.chance(0.9),
    disklessDelaySeconds: random.pick([0, SYNC_FENCE_SECONDS, 1]),
    disklessLoad: false,
    transferMs: 20,
    loadMs: 20,
    recoveryGraceMs: 3000,
    fenceByKill: random.chance(0.3),
    forgetAfterMs: 86_400_000,
    waitReplicas: random.chance(0.4) ? 1 : null,
    settledMs: SETTLED_MS,
    healAtMs: HEAL_AT_MS,
    endMs: END_MS,
    faults: hasOperators(seed) ? withOperators(random.fork('operators'), names, faults) : faults,
  };
}
