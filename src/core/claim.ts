/**
 * The claim: one transaction that makes this node the lease holder of the next epoch.
 *
 * Everything that an epoch means is decided here and nowhere else: its number, who it knows as registered, who
 * counts as in sync from its first moment, and what has become of the lineage.
 */
import type { LineageEntry } from './lineage.ts';
import { appendEntry, positionOf } from './lineage.ts';
import type { RedisFacts } from './facts.ts';
import { sameAddress } from './facts.ts';
import { keepsOut } from './promises.ts';
import type { Address, Ballot, Kept, Lease, MasterRecord, Term, TermMaster } from './records.ts';
import { settingsOfClaim } from './service-settings.ts';
import type { State } from './state.ts';
import type { Turn } from './turn.ts';

/** One above every epoch that anybody remembers: a wiped ensemble cannot make epochs go back (I1). */
export function nextEpoch(state: State): number {
  let highest = Math.max(state.rememberedEpoch, state.records.term?.value.epoch ?? 0);
  for (const { value } of state.records.members.values()) highest = Math.max(highest, value.rememberedEpoch);
  return highest + 1;
}

function leaseOf(state: State, epoch: number, facts: RedisFacts): Lease {
  const { name, instance, http, redis } = state.settings;
  return { epoch, node: name, instance, http, redis, runId: facts.runId };
}

export function masterRecordOf(state: State): MasterRecord {
  const { name, redis } = state.settings;
  return { host: redis.host, port: String(redis.port), name };
}

export interface ClaimPlan {
  /** The term that is succeeded, or null at a first start. */
  readonly term: Kept<Term> | null;
  readonly facts: RedisFacts;
  readonly inSync: readonly string[];
  /** The old master, when it is another node; `takeover`: its living Redis is asked for its last write. */
  readonly deposed: TermMaster | null;
  readonly takeover: boolean;
  /** Delete the present lease in the same transaction: its holder is proved dead, or it is our own earlier one. */
  readonly removeLease: boolean;
  /** It succeeds a master that fell: one more in the series. */
  readonly fell?: boolean;
  /** It succeeds a master that hands over to it: until it serves, that one may have to again. */
  readonly planned?: boolean;
  /** What the claim before this one added to the lineage, if its master fell before it wrote that down. */
  readonly pendingEntry?: LineageEntry | null;
  /** The term that goes on in an ensemble which lost everything. */
  readonly restored?: Term | null;
  /** An operator decided for this node's data, wherever in the lineage it ends. */
  readonly ordered?: boolean;
  /** Adoption: the promotion is already true, so the record is replaced at once. */
  readonly adopt: boolean;
}

function knownLineage(before: Term, { pendingEntry = null }: ClaimPlan): readonly LineageEntry[] {
  return pendingEntry === null ? before.lineage : appendEntry(before.lineage, pendingEntry);
}

/** A designated node begins a lineage of its own; one that was ordered to stand goes on from where its data ends. */
function continuedLineage(before: Term, plan: ClaimPlan): readonly LineageEntry[] {
  const known = knownLineage(before, plan);
  if (plan.ordered !== true) return before.designated === null ? known : [];
  const position = positionOf(plan.facts, before);
  return position === null ? [] : known.slice(0, position.entry + 1);
}

/** The term that a claim writes. */
export function claimedTerm(state: State, plan: ClaimPlan, epoch: number): Term {
  const { name, redis } = state.settings;
  const before = plan.term?.value ?? plan.restored ?? null;
  return {
    epoch,
    master: { name, runId: plan.facts.runId, redis },
    nodes: [...new Set([...(before?.nodes ?? []), name])].sort(),
    inSync: plan.inSync.filter((member) => member !== name),
    lineage: before === null ? [] : continuedLineage(before, plan),
    pending: { epoch, node: name, former: plan.deposed, inSync: before?.inSync ?? [] },
    designated: null,
    handOver: plan.planned === true ? (before?.handOver ?? null) : null,
    falls: plan.ordered === true ? 0 : (before?.falls ?? 0) + (plan.fell === true ? 1 : 0),
    settingsVersion: settingsOfClaim(state).version,
  };
}

/** Whoever promised to keep out of elections claims nothing, except the lease that its own node held already. */
export function emitClaim(turn: Turn, plan: ClaimPlan): void {
  if (!plan.adopt && keepsOut(turn)) return;
  const { state } = turn;
  const epoch = nextEpoch(state);
  const { lease, masterRecord } = state.records;
  const goesWithLease = plan.removeLease && masterRecord?.znode.owner === lease?.znode.owner;
  const outlivedIt = lease === null && foreignRecord(state) === null;
  const removeRecord = masterRecord !== null && (goesWithLease || outlivedIt);
  const settings = settingsOfClaim(state);
  const issued = turn.emit({
    kind: 'claim',
    lease: leaseOf(state, epoch, plan.facts),
    term: claimedTerm(state, plan, epoch),
    termVersion: plan.term?.znode.version ?? null,
    settings: settings.create,
    settingsVersion: settings.check,
    removeLease: plan.removeLease,
    removeRecord,
    record: plan.adopt ? masterRecordOf(state) : null,
  });
  if (!issued) return;
  // One of several attempts at the same epoch may be the one that stands: the first was certainly not sent later.
  const atMs = state.claimed?.epoch === epoch ? state.claimed.atMs : turn.now;
  const { takeover, adopt, term } = plan;
  const deposed = plan.deposed?.redis ?? null;
  const former = term === null ? null : { ...term.value, lineage: knownLineage(term.value, plan) };
  turn.update({ claimed: { epoch, deposed, takeover, fenced: false, adopt, former, atMs } });
}

/**
 * A master record that nobody of ours explains, neither a lease nor a living agent: an original agent of the service is
 * at work. An agent may own one without a lease: announced late, it can outlive the office by a moment.
 *
 * Records are read one after the other. An agent that stood still may learn of two leases, and of their end, before it
 * reads the master record again, which is by then the one of a lease before the last.
 */
export function foreignRecord(state: State): Kept<MasterRecord> | null {
  const { masterRecord, lease, members } = state.records;
  if (masterRecord === null) return null;
  const { owner } = masterRecord.znode;
  const ofLease = owner === lease?.znode.owner || owner === state.lastLease?.znode.owner;
  if (ofLease || owner === state.explainedOwner || owner === state.session?.id) return null;
  return [...members.values()].some(({ znode }) => znode.owner === owner) ? null : masterRecord;
}

export function foreignAddress(state: State): Address | null {
  const record = foreignRecord(state)?.value ?? null;
  return record === null ? null : { host: record.host, port: Number(record.port) };
}

/** Our own record of an earlier session of this node: gone with that session, and replaceable before. */
export function isOwnEarlierRecord(state: State, record: MasterRecord): boolean {
  const ours = masterRecordOf(state);
  return (
    record.name === ours.name &&
    sameAddress({ host: record.host, port: Number(record.port) }, state.settings.redis)
  );
}

/** The ballot of this node as the mirror has it, when it speaks of this term. */
export function ownBallot(state: State, term: Term): Ballot | null {
  const cast = state.records.ballots.get(state.settings.name)?.value ?? null;
  return cast?.epoch === term.epoch ? cast : null;
}
