/**
 * Would a switchover succeed? Asked of the master's published view, so that whoever may look may ask: nothing is stored
 * and nothing touched. The same plan decides when the order comes; between the two a replica may fall behind.
 */

export interface Wanted {
  /** Null = the best replica. */
  readonly target: string | null;
  /** Node that must be master; null = whoever is. */
  readonly from: string | null;
}

export type Judgement = { readonly target: string } | { readonly refusal: string };

/** What is needed of a view, which may come from another agent. */
export interface Judged {
  readonly node: { readonly name: string };
  readonly pause: object | null;
  readonly operation: object | null;
  readonly switchover: {
    readonly candidates: readonly {
      readonly node: string;
      readonly refusal: string | null;
      readonly byNameOnly: boolean;
    }[];
  } | null;
}

/** Who would take the office now, or the reason code of the refusal. */
export function judgeSwitchover(
  { node, pause, operation, switchover }: Judged,
  { target, from }: Wanted,
): Judgement {
  if (switchover === null) return { refusal: 'no_master' };
  if (operation !== null) return { refusal: 'operation_running' };
  if (from !== null && from !== node.name) return { refusal: 'master_differs' };
  const { candidates } = switchover;
  if (target === null) {
    if (pause !== null) return { refusal: 'service_paused' };
    const best = candidates.find(({ refusal, byNameOnly }) => refusal === null && !byNameOnly);
    return best === undefined ? { refusal: 'no_candidate' } : { target: best.node };
  }
  if (target === node.name) return { refusal: 'target_is_master' };
  const named = candidates.find((candidate) => candidate.node === target);
  if (named === undefined) return { refusal: 'unknown_node' };
  return named.refusal === null ? { target } : { refusal: named.refusal };
}

/** The middle of what was measured lately, in milliseconds; null where nothing was. */
export function expectedGapMs(gapsMs: readonly number[]): number | null {
  const sorted = gapsMs.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
