/**
 * Why this master, and what would happen if it went: from the ballots that are left of the election, the term, and
 * what every node says. Pure.
 */
import type { ServiceFacts } from './facts.ts';
import { successorsOf, whyNot } from './situation-rules.ts';
import { situationsOf } from './situations.ts';
import type { FoundSituation } from './situations.ts';
import { epochOf, masterOf, namesOf } from './topology.ts';

export interface BallotShown {
  readonly node: string;
  readonly offset: number;
  readonly priority: number;
  readonly standing: string;
  readonly refusal: string | null;
}

export interface Explanation {
  readonly service: string;
  readonly epoch: number;
  readonly master: string | null;
  /** How long ago the term was written last; null where the records were not read. */
  readonly termAgeMs: number | null;
  /** Node whose mastership is claimed and not complete. */
  readonly promoting: string | null;
  /** Of the election that chose this master, or of the one that is under way; empty where none is left to see. */
  readonly ballots: readonly BallotShown[];
  /** Who would be taken now if the master went: in sync, live, enabled, priority not 0. Positions decide among them. */
  readonly successors: readonly string[];
  /** Why each of the others would not. */
  readonly passedOver: readonly { readonly node: string; readonly why: string }[];
  /** Reasons that each agent names. */
  readonly reasons: readonly { readonly node: string; readonly reason: string }[];
  readonly situations: readonly FoundSituation[];
}

export function explanationOf(facts: ServiceFacts): Explanation {
  const { records, views, nowMs, service } = facts;
  const master = masterOf(facts);
  const epoch = epochOf(facts);
  const term = records?.term ?? null;
  const others = namesOf(facts).filter((name) => name !== master);
  return {
    service,
    epoch,
    master,
    termAgeMs: term === null ? null : Math.max(0, Math.round(nowMs - term.writtenMs)),
    promoting: term?.value.pending?.node ?? null,
    ballots: ballotsOf(facts, master === null ? epoch : epoch - 1),
    successors: successorsOf(facts),
    passedOver: others.flatMap((node) => {
      const why = whyNot(facts, node);
      return why === null ? [] : [{ node, why }];
    }),
    reasons: [...views].flatMap(([node, view]) => view.reasons.map((reason) => ({ node, reason }))),
    situations: situationsOf(facts),
  };
}

/** A ballot names the epoch that it wants to succeed. */
function ballotsOf({ records }: ServiceFacts, epoch: number): BallotShown[] {
  const ballots = [...(records?.ballots ?? [])].filter(([, { value }]) => value.epoch === epoch);
  return ballots
    .map(([node, { value }]) => {
      const { offset, priority, standing, refusal } = value;
      return { node, offset, priority, standing, refusal };
    })
    .toSorted((a, b) => b.offset - a.offset || a.priority - b.priority || (a.node < b.node ? -1 : 1));
}
