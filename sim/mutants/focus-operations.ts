/** Grounds for mutants of planned operations: orders, their crashes and late answers, two operators, pauses. */
import type { Random } from '../kernel/random.ts';
import type { Act } from '../plan/acts.ts';
import type { Fault, Mishap } from '../plan/faults.ts';
import { at } from './ground.ts';

const MOMENT_MS = 10;
const NODES = ['r1', 'r2', 'r3'] as const;
const SCRIPTED = { makers: [], faults: [0, 0] } as const;

const ordered = (act: Act, atMs: number): Fault => ({ ...act, atMs, forMs: MOMENT_MS });

function switchover(random: Random, to: string | null, aheadMs = 0): Act {
  return { kind: 'order_switchover', asks: random.pick(NODES), to, aheadMs };
}

/** The master hands over while its links are slow, so that much is under way. */
function switchedOver(random: Random, atMs: number): readonly Fault[] {
  const to = random.pick(['r2', 'r3', null]);
  const delayMs = random.between(5, 150);
  return [
    at({ kind: 'delayed', hosts: [random.pick(NODES)], delayMs }, atMs - random.between(0, 400), 3000),
    ordered(switchover(random, to), atMs),
  ];
}

/** The target, or the master, or one of their agents goes in the middle of it. */
function cutShort(random: Random, atMs: number): readonly Fault[] {
  const node = random.pick(['r2', 'r2', 'r1']);
  const goes: Mishap = random.pick<Mishap>([
    { kind: 'redis_killed', node, data: 'kept' },
    { kind: 'redis_frozen', node },
    { kind: 'agent_halted', node, how: 'kill', sends: random.below(8) },
    { kind: 'node_killed', node, data: 'kept' },
  ]);
  return [
    ordered(switchover(random, 'r2'), atMs),
    at(goes, atMs + random.between(0, 14), random.between(500, 6000)),
  ];
}

/** The master's agent is so slow that its target is gone before the lease is. */
function undone(random: Random, atMs: number): readonly Fault[] {
  const slowMs = random.between(30, 120);
  return [
    at({ kind: 'agent_slow', node: 'r1', slowMs }, atMs - 200, 1500),
    ordered({ kind: 'order_switchover', asks: 'r2', to: 'r2', aheadMs: 0 }, atMs),
    at({ kind: 'redis_killed', node: 'r2', data: 'kept' }, atMs + random.between(0.5, 4) * slowMs, 4000),
  ];
}

/** The target can hardly keep up with its master. */
function lagging(random: Random, atMs: number): readonly Fault[] {
  const bytesPerMs = random.between(8, 20);
  return [
    at({ kind: 'redis_slow', node: 'r2', bytesPerMs }, atMs - random.between(300, 1500), 4000),
    ordered(switchover(random, 'r2'), atMs),
  ];
}

/** For later, to whoever is best then. */
function scheduled(random: Random, atMs: number): readonly Fault[] {
  return [ordered(switchover(random, null, Math.round(random.between(300, 2500))), atMs)];
}

/** Two of them within the time that an order takes. */
function twoOperators(random: Random, atMs: number): readonly Fault[] {
  return [
    ordered(switchover(random, 'r2'), atMs),
    ordered(switchover(random, 'r3'), atMs + random.between(0, 12)),
    at({ kind: 'delayed', hosts: ['r1'], delayMs: random.between(1, 40) }, atMs - 100, 2000),
  ];
}

/** The master's agent is another one by now, and the asker over its slow link does not know. */
function lateAnswers(random: Random, atMs: number): readonly Fault[] {
  const askedMs = atMs + random.between(560, 760);
  return [
    at({ kind: 'agent_killed', node: 'r1' }, atMs, random.between(300, 500)),
    at({ kind: 'delayed', hosts: ['r2'], delayMs: random.between(120, 200) }, atMs + 200, 1000),
    ordered({ kind: 'order_switchover', asks: 'r2', to: null, aheadMs: 0 }, askedMs),
  ];
}

/** A master dies while the service is paused, and perhaps its agent restarts. */
function paused(random: Random, atMs: number): readonly Fault[] {
  const pausedForMs = random.between(6000, 9000);
  return [
    { kind: 'service_paused', asks: random.pick(NODES), atMs, forMs: pausedForMs },
    at({ kind: 'redis_killed', node: 'r1', data: 'kept' }, atMs + random.between(1600, 2500), pausedForMs + 3000),
  ];
}

/** A replica is to copy everything anew; often its agent ends in the middle, or stands still when it is asked. */
function copiedAnew(random: Random, atMs: number): readonly Fault[] {
  const order = ordered({ kind: 'order_reinitialize', asks: 'r1', to: 'r3', force: true }, atMs);
  if (random.chance(0.2)) return [order];
  if (random.chance(0.5)) {
    return [at({ kind: 'agent_frozen', node: 'r3' }, atMs - 50, random.between(13_500, 18_000)), order];
  }
  const sends = random.below(12);
  return [at({ kind: 'agent_halted', node: 'r3', how: 'kill', sends }, atMs, random.between(100, 600)), order];
}

export const OPERATION_GROUNDS = {
  switched_over: { ...SCRIPTED, script: switchedOver },
  cut_short: { ...SCRIPTED, script: cutShort },
  undone: { ...SCRIPTED, script: undone },
  lagging: { ...SCRIPTED, script: lagging },
  scheduled: { ...SCRIPTED, script: scheduled },
  two_operators: { ...SCRIPTED, script: twoOperators },
  late_answers: { ...SCRIPTED, script: lateAnswers },
  paused: { ...SCRIPTED, script: paused },
  copied_anew: { ...SCRIPTED, script: copiedAnew },
} as const;
