/**
 * Putting the term back into an ensemble that lost everything.
 *
 * The problem: without a term nobody knows who was in sync, whose history is the service's, or which process was its
 * master, and a first start takes what it finds: a master that came back empty, while its replicas hold the data. The
 * agents that live through the loss know all of that. So whoever remembers the latest term writes it again, under its
 * old epoch, and an ordinary election follows, with every rule that it has; the epoch after it is above everything
 * that anybody remembers (I1). Where no agent remembers anything, a first start is all that is left.
 */
import { RECORD_FORMAT } from './records.ts';
import type { Kept, Member, SettingsRecord, Term } from './records.ts';
import { timeoutMs } from './queries.ts';
import { isUnreadable } from './service-settings.ts';
import type { RoleOf } from './role.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';

/** The last term that this agent read, with the version that tells how late it was, and the service's settings. */
export interface Memory {
  readonly term: Term;
  readonly version: number;
  readonly settings: SettingsRecord | null;
}

/**
 * What stands, unless it was put back by somebody who had missed a change: then a later version is remembered, and no
 * operator gave this one in the ensemble as it is, whose list of changes began anew with the loss.
 */
function latest({ settings, changes }: State['records'], remembers: SettingsRecord | null): SettingsRecord | null {
  const stands = settings?.value ?? null;
  if (stands === null) return remembers;
  const isGiven = changes?.value.list.some(({ id }) => id === stands.change) === true;
  return isGiven || remembers === null || remembers.version <= stands.version ? stands : remembers;
}

/** What is remembered after a read; a term that is gone is not forgotten. */
export function remembered(before: Memory | null, records: State['records']): Memory | null {
  const { term } = records;
  if (term === null) return before;
  const kept = latest(records, before?.settings ?? null);
  if (before?.term === term.value && before.settings === kept) return before;
  return { term: term.value, version: term.znode.version, settings: kept };
}

/** Of those who remember a term: the latest first, then by name, so that everybody agrees. */
function byLateness({ value: a }: Kept<Member>, { value: b }: Kept<Member>): number {
  const later = b.rememberedEpoch - a.rememberedEpoch || (b.rememberedVersion ?? 0) - (a.rememberedVersion ?? 0);
  return later || (a.name < b.name ? -1 : 1);
}

/** Whether a term is remembered by anybody here, so that there is no first start; its best witness writes it. */
export function restoreTerm(turn: Turn, { sinceMs }: RoleOf<'starting'>): boolean {
  const { memory, records, settings, connectedAtMs } = turn.state;
  const witnesses = [...records.members.values()].filter(({ value }) => value.rememberedVersion !== null);
  const best = witnesses.toSorted(byLateness)[0]?.value.name;
  if (best === undefined && memory === null) return false;
  // A master that has not heard of the loss goes on for a part of the session timeout; who is here has heard of it.
  const holderEndsMs = Math.max(sinceMs, connectedAtMs) + timeoutMs(turn.state);
  const untilMs = Math.max(sinceMs + settings.bootstrapSettleMs, holderEndsMs);
  const allHere = memory?.term.nodes.every((name) => records.members.has(name)) === true;
  if (best !== settings.name || memory === null || (!allHere && turn.now < untilMs)) {
    turn.wakeAt(untilMs);
    turn.refuse('awaiting_bootstrap');
    return true;
  }
  const lost = records.settings === null ? memory.settings : null;
  const { term } = memory;
  const issued = turn.emit({ kind: 'write_term', term, version: null, ...(lost === null ? {} : { settings: lost }) });
  if (issued) turn.report('term_restored', { epoch: term.epoch, in_sync: term.inSync, nodes: term.nodes });
  return true;
}

/**
 * Who put the term back may have missed a change of the settings, which names a version of its own: whoever remembers
 * a later one writes it over theirs. A version is never given twice, so that what operators removed does not come back.
 */
export function restoreSettings(turn: Turn): void {
  const { memory, records: { settings: stands, changes } } = turn.state;
  const known = latest(turn.state.records, memory?.settings ?? null);
  if (stands === null || known === null || known === stands.value) return;
  if (stands.znode.format > RECORD_FORMAT || (changes?.znode.format ?? 0) > RECORD_FORMAT) return;
  if (isUnreadable(turn.state, 'changes')) return;
  const issued = turn.emit({
    kind: 'write_settings',
    settings: known,
    version: stands.znode.version,
    changes: changes?.value ?? { list: [] },
    changesVersion: changes?.znode.version ?? null,
  });
  if (issued) turn.report('settings_restored', { version: known.version, instead_of: stands.value.version });
}
