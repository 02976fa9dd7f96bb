/**
 * Zones: where the successor of a master shall stand, compared with where that master stands.
 *
 * A rule is about two nodes that both say where they are: a zone that nobody named keeps nobody out. Freshness comes
 * first whatever the rule says (I3); it decides among equals, before the priority, or keeps a node from being promoted
 * by itself. What an operator names is not asked.
 */
import type { Term } from './records.ts';
import { operatorSettings } from './service-settings.ts';
import type { State } from './state.ts';

export type ZoneVerdict = 'fits' | 'unwanted' | 'excluded';

/** As the node says now, as the service says, or as it said last. */
function zoneOf(state: State, name: string): string | null {
  if (name === state.settings.name) return state.settings.zone;
  const { members, nodes } = state.records;
  const member = members.get(name)?.value;
  return member === undefined ? (nodes.get(name)?.value.zone ?? null) : member.zone;
}

/** Whether this node is where the successor of the term's master shall be. */
export function zoneVerdict(state: State, name: string, term: Term): ZoneVerdict {
  const { zones } = operatorSettings(state);
  // The master of the term itself comes back to where it was.
  if (zones === 'ignore' || term.master === null || term.master.name === name) return 'fits';
  const [zone, former] = [zoneOf(state, name), zoneOf(state, term.master.name)];
  if (zone === null || former === null) return 'fits';
  const wantsSame = zones === 'prefer_same' || zones === 'require_same';
  if ((zone === former) === wantsSame) return 'fits';
  return zones === 'require_same' || zones === 'require_other' ? 'excluded' : 'unwanted';
}
