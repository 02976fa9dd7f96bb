/**
 * Living beside agents of the original: a master record stands that no lease of ours explains.
 *
 * While it stands, its master is the master: ours follow it and do not claim. They also keep the term true of it
 * (who was master, who streams from it), so that when the record goes the ordinary election works as after any other
 * master, including the lossless takeover from its Redis, which the original leaves running and writable.
 */
import { foreignAddress, foreignRecord, ownBallot } from './claim.ts';
import type { RedisFacts } from './facts.ts';
import { sameAddress } from './facts.ts';
import { appendEntry, shareHistory } from './lineage.ts';
import { isFrozen, isLinkedTo } from './queries.ts';
import type { Address, Term } from './records.ts';
import { mayDiscard, reportDiscarded } from './rescue.ts';
import type { State } from './state.ts';
import { expectStragglers } from './stragglers.ts';
import type { Turn } from './turn.ts';

/** The term as it must be while a foreign master serves; null when the present one is right. */
export function foreignTerm(state: State, facts: RedisFacts, name: string): Term | null {
  const { records, remote, settings, remoteTarget } = state;
  const master = remote.facts;
  if (master === null || remoteTarget === null || facts.link?.up !== true || name === settings.name) return null;
  const before = records.term?.value ?? emptyTerm(state.rememberedEpoch);
  const same = before.master?.name === name && before.master.runId === master.runId;
  const inSync = [...new Set([...(same ? before.inSync : []), settings.name])].sort();
  const nodes = [...new Set([...before.nodes, ...inSync])].sort();
  const { epoch } = before;
  const lineage = appendEntry(before.lineage, { epoch, replid: master.replid, offset: facts.offset });
  if (same && before.inSync.includes(settings.name) && lineage === before.lineage) return null;
  const redis = remoteTarget;
  const present = { name, runId: master.runId, redis };
  return { ...before, master: present, nodes, inSync, lineage, pending: null, designated: null, handOver: null };
}

function emptyTerm(epoch: number): Term {
  return {
    epoch,
    master: null,
    nodes: [],
    inSync: [],
    lineage: [],
    pending: null,
    designated: null,
    handOver: null,
    falls: 0,
    settingsVersion: 0,
  };
}

function keepTermTrue(turn: Turn, facts: RedisFacts, name: string): void {
  const term = foreignTerm(turn.state, facts, name);
  if (term === null) return;
  turn.emit({ kind: 'write_term', term, version: turn.state.records.term?.znode.version ?? null });
}

export function followForeign(turn: Turn, facts: RedisFacts): void {
  const { state } = turn;
  const record = foreignRecord(state);
  const target = foreignAddress(state);
  if (record === null || target === null) return;
  turn.refuse('foreign_master_record');
  const { remote } = state;
  const master = remote.facts;
  const open = sameAddress(state.remoteTarget, target) && remote.link === 'open' && remote.current;
  if (!open || master?.role !== 'master' || sameAddress(target, state.settings.redis)) return;
  if (isLinkedTo(facts, target) && !state.mustRelink) return keepTermTrue(turn, facts, record.value.name);
  if (facts.keys > 0 && !shareHistory(facts, master) && !isFrozen(facts)) return turn.refuse('conflicting_datasets');
  const term = state.records.term?.value;
  if (term !== undefined && ownBallot(state, term) !== null) return void turn.emit({ kind: 'withdraw_ballot' });
  if (isLinkedTo(facts, target)) return void turn.emit({ kind: 'freeze' });
  replicateFrom(turn, facts, target, record.value.name);
}

function replicateFrom(turn: Turn, facts: RedisFacts, target: Address, master: string): void {
  if (!mayDiscard(turn, facts)) return;
  const kind = facts.role === 'master' ? 'fence_hard' : 'follow';
  if (!turn.emit({ kind, target })) return;
  if (kind === 'fence_hard') expectStragglers(turn);
  reportDiscarded(turn, facts);
  turn.report('following', { master, epoch: null });
}
