/**
 * What operators do, as data, and how it is drawn: orders, their cancellation, pauses, and the end of a master's agent.
 *
 * Operators act when something is wrong, and two of them at once, so most acts are drawn near faults or near one
 * another. They are drawn from a stream of their own and in a share of the plans only: a plan without operators is the
 * one that its seed always had.
 */
import type { Random } from '../kernel/random.ts';
import type { Fault } from './faults.ts';

export type Act =
  /** To one node, or to the best; `aheadMs`: for later, by the time of day of the agent that is asked; 0 = now. */
  | { readonly kind: 'order_switchover'; readonly asks: string; readonly to: string | null; readonly aheadMs: number }
  | { readonly kind: 'order_failover'; readonly asks: string; readonly to: string; readonly force: boolean }
  | { readonly kind: 'order_reinitialize'; readonly asks: string; readonly to: string; readonly force: boolean }
  | { readonly kind: 'order_cancelled'; readonly asks: string }
  /** For as long as the act lasts. */
  | { readonly kind: 'service_paused'; readonly asks: string }
  | { readonly kind: 'service_resumed'; readonly asks: string }
  /** SIGTERM of the agent that holds the lease just then; it is started again when the act ends. */
  | { readonly kind: 'master_stopped' }
  /** That agent is told to keep out until the act ends. */
  | { readonly kind: 'master_disabled' };

export type ActKind = Act['kind'];

/** Operators are at work in one plan of so many. */
const EVERY = 4;
const ACTS = { from: 2, to: 6 } as const;
/** How often each kind is drawn, relative to the others. */
const WEIGHTS: Readonly<Record<ActKind, number>> = {
  order_switchover: 10,
  order_failover: 3,
  order_reinitialize: 3,
  order_cancelled: 2,
  service_paused: 3,
  service_resumed: 2,
  master_stopped: 2,
  master_disabled: 1,
};
const KINDS = Object.keys(WEIGHTS) as ActKind[];
const TOTAL_WEIGHT = Object.values(WEIGHTS).reduce((sum, weight) => sum + weight, 0);

/** How long what an act began lasts; all others are over at once. */
const LASTS_MS: Readonly<Partial<Record<ActKind, readonly [number, number]>>> = {
  service_paused: [500, 15_000],
  master_stopped: [200, 8000],
  master_disabled: [200, 8000],
};
const MOMENT_MS = 10;
const AHEAD_MS = [200, 8000] as const;

export function isAct(fault: Fault): fault is Act & Fault {
  return KINDS.some((kind) => kind === fault.kind);
}

export interface ActsFrame {
  readonly nodes: readonly string[];
  readonly faults: readonly Fault[];
  readonly settledMs: number;
  readonly healAtMs: number;
}

function drawKind(random: Random): ActKind {
  let left = random.unit() * TOTAL_WEIGHT;
  for (const kind of KINDS) {
    left -= WEIGHTS[kind];
    if (left < 0) return kind;
  }
  return 'order_switchover';
}

function drawAct(random: Random, nodes: readonly string[]): Act {
  const kind = drawKind(random);
  const asks = random.pick(nodes);
  const to = random.pick(nodes);
  const force = random.chance(0.5);
  switch (kind) {
    case 'order_switchover': {
      const aheadMs = random.chance(0.3) ? Math.round(random.between(...AHEAD_MS)) : 0;
      return { kind, asks, to: random.chance(0.4) ? null : to, aheadMs };
    }
    case 'order_failover':
    case 'order_reinitialize':
      return { kind, asks, to, force };
    case 'order_cancelled':
    case 'service_paused':
    case 'service_resumed':
      return { kind, asks };
    case 'master_stopped':
    case 'master_disabled':
      return { kind };
  }
}

function drawMoment(random: Random, beforeMs: number | null, { faults, settledMs, healAtMs }: ActsFrame): number {
  const near = random.unit();
  const freely = random.between(settledMs, healAtMs - 1000);
  if (near < 0.25 && beforeMs !== null) return beforeMs + random.between(0, 60);
  if (near < 0.65 && faults.length > 0) return random.pick(faults).atMs + random.between(-300, 2500);
  return freely;
}

/** Everything that operators do in this plan, in the order of time. */
export function drawActs(random: Random, frame: ActsFrame): readonly Fault[] {
  const { nodes, settledMs, healAtMs } = frame;
  const acts: Fault[] = [];
  const count = ACTS.from + random.below(ACTS.to - ACTS.from + 1);
  let beforeMs: number | null = null;
  for (let i = 0; i < count; i++) {
    const drawnMs = drawMoment(random, beforeMs, frame);
    const atMs = Math.min(Math.max(drawnMs, settledMs), healAtMs - 1000);
    beforeMs = atMs;
    const act = drawAct(random, nodes);
    const [fromMs, toMs] = LASTS_MS[act.kind] ?? [MOMENT_MS, MOMENT_MS];
    const drawnForMs = random.between(fromMs, toMs);
    // A pause may outlast the faults; whoever was told to go is back by then.
    const forMs = act.kind === 'service_paused' ? drawnForMs : Math.min(drawnForMs, healAtMs - atMs);
    acts.push({ ...act, atMs, forMs });
  }
  return acts;
}

/** Whether operators are at work in the plan of this seed. */
export function hasOperators(seed: number): boolean {
  return seed % EVERY === EVERY - 1;
}
