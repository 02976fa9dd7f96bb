/** What a switchover would do, as its master's agent sees it now. Pure. */
import { expectedGapMs, judgeSwitchover } from '../../contract/switchover.ts';
import type { ServiceFacts } from '../facts.ts';
import { size } from '../terminal.ts';
import { masterOf, masterViewOf } from '../topology.ts';

export interface SwitchoverPlan {
  readonly service: string;
  /** Null: the service has no master. */
  readonly master: string | null;
  /** Who takes over; null where it would be refused, or nobody can say. */
  readonly target: string | null;
  /** Code of the refusal, or null. */
  readonly refusal: string | null;
  /** Bytes that the target is behind. */
  readonly lagBytes: number | null;
  /** The middle of the gaps that were measured lately; null where none was. */
  readonly expectedGapMs: number | null;
  readonly measuredGapsMs: readonly number[];
  /** Whether the agent of the master was there to judge; if not, it says when it has the order. */
  readonly judged: boolean;
}

export function planOf(facts: ServiceFacts, target: string | null): SwitchoverPlan {
  const master = masterOf(facts);
  const view = masterViewOf(facts);
  const gapsMs = view?.switchover?.gapsMs ?? [];
  const base = {
    service: facts.service, master, lagBytes: null, expectedGapMs: expectedGapMs(gapsMs), measuredGapsMs: gapsMs,
  };
  if (master === null) return { ...base, target, refusal: 'no_master', judged: true };
  if (!view?.switchover) return { ...base, target, refusal: null, judged: false };
  const judgement = judgeSwitchover(view, { target, from: null });
  if ('refusal' in judgement) return { ...base, target, refusal: judgement.refusal, judged: true };
  const lagBytes = view.replicas.find(({ name }) => name === judgement.target)?.lagBytes ?? null;
  return { ...base, target: judgement.target, refusal: null, lagBytes, judged: true };
}

/** Other nodes that could take over, the best first, but for those that `except` names. */
export function ableIn(facts: ServiceFacts, except: (node: string) => boolean): readonly string[] {
  const { candidates } = masterViewOf(facts)?.switchover ?? { candidates: [] };
  return candidates
    .filter(({ node, refusal, byNameOnly }) => refusal === null && !byNameOnly && !except(node))
    .map(({ node }) => node);
}

/** One line for who is asked. */
export function planLine({ service, master, target, lagBytes, expectedGapMs: gapMs, judged }: SwitchoverPlan): string {
  const lag = lagBytes === null ? '' : ` (${size(lagBytes)} behind)`;
  const gap = gapMs === null ? 'for a moment (no gap was measured here yet)' : `for about ${gapMs} ms`;
  const doubt = judged ? '' : '; the agent of the master does not answer here, so it judges when it has the order';
  return `${service}: ${master ?? 'nobody'} hands over to ${target ?? 'the best replica'}${lag}. `
    + `Writes wait ${gap}, none is lost${doubt}.`;
}
