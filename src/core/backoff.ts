/**
 * Back-off: masters that fall one after the other are not replaced without end.
 *
 * The problem: a write that kills every Redis that executes it, or a dataset that no host has memory for, takes one
 * master after the other, and each failover costs what had not been replicated, until nobody is left. The wrong
 * answers: to count in the memory of each agent (they disagree, and a restarted one begins anew), or by the wall clock
 * (which may be set). Ours: the term counts. A claim that succeeds a master whose Redis is gone adds one; the master
 * itself writes zero once it has served for `failoverCalmMs` on its own monotonic clock. So everybody reads the same
 * number, whoever was restarted, and in peace nothing is written.
 *
 * The first `failoverBudget` failovers of such a series are not delayed by a millisecond. What loses nothing never is:
 * a takeover from a living Redis, an incumbent, and whoever an operator names.
 */
import type { Ballot, Term } from './records.ts';
import type { RoleOf } from './role.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';

export const BACKOFF_FIRST_MS = 1000;
/** Long enough for an operator to read why, short enough for a service that heals by itself. */
export const BACKOFF_MAX_MS = 30_000;

/** Pause before the failover that follows this term: 0 within the budget, then 1, 2, 4 ... s. */
export function backoffMs(term: Term, budget: number): number {
  const beyond = term.falls - budget;
  if (beyond < 0) return 0;
  return Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(beyond, Math.log2(BACKOFF_MAX_MS)));
}

/** How far the election has got: while it is put off, nobody is passed over for not claiming. */
export function rankedMs(elapsedMs: number, putOffMs: number, settleMs: number): number {
  return Math.max(elapsedMs - putOffMs, Math.min(elapsedMs, settleMs));
}

/** Whether this winner succeeds a master that fell, with whatever its replicas happened to have. */
export function isFall({ standing }: Ballot): boolean {
  return standing === 'frozen';
}

/** Whether the claim of this winner has to wait, which everybody then says. */
export function putsOff(turn: Turn, role: RoleOf<'candidate'>, term: Term, winner: Ballot): boolean {
  const { state } = turn;
  const waitMs = backoffMs(term, state.settings.failoverBudget);
  const untilMs = (role.leaseGoneSinceMs ?? turn.now) + waitMs;
  if (!isFall(winner) || turn.now >= untilMs) return false;
  turn.refuse('failover_backoff');
  turn.wakeAt(untilMs);
  if (!state.reasons.has('failover_backoff')) {
    turn.report('failover_put_off', { epoch: term.epoch, falls: term.falls, wait_ms: waitMs });
  }
  return true;
}

/** When the failover that is being put off may go on, or null. */
export function resumesAtMs(state: State): number | null {
  const { role, records, settings, reasons } = state;
  const term = records.term?.value;
  if (role.name !== 'candidate' || role.leaseGoneSinceMs === null || term === undefined) return null;
  return reasons.has('failover_backoff') ? role.leaseGoneSinceMs + backoffMs(term, settings.failoverBudget) : null;
}

/** The count as the lease holder wants it: a master that has served for long enough ends the series. */
export function fallsNow(state: State, role: RoleOf<'master'>, term: Term): number {
  return state.nowMs - role.sinceMs >= state.settings.failoverCalmMs ? 0 : term.falls;
}
