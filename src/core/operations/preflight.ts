/** What the master publishes of a switchover before anybody orders one: `contract/switchover.ts` judges by it. */
import type { PublishedView } from '../../contract/view.ts';
import { ownFacts } from '../queries.ts';
import type { State } from '../state.ts';
import { candidatesOf } from './switchover.ts';

/** Measured gaps that say what to expect: the latest. */
const GAPS_MAX = 5;

type SwitchoverView = NonNullable<PublishedView['switchover']>;

/** What the master publishes of it; null of a node that is not master. */
export function switchoverView(state: State): SwitchoverView | null {
  const { records, role } = state;
  const facts = ownFacts(state);
  const term = records.term?.value;
  if (role.name !== 'master' || facts === null || term === undefined) return null;
  const gaps = (records.results?.value.list ?? []).flatMap(({ kind, gapMs }) => {
    return kind === 'switchover' && gapMs !== null ? [gapMs] : [];
  });
  return { candidates: candidatesOf(state, term, facts), gapsMs: gaps.slice(-GAPS_MAX) };
}
