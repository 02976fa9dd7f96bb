/**
 * Actions on ZooKeeper: each is one transaction, followed on the same connection by a read of what it changed.
 *
 * The reads are submitted behind the transaction without waiting for it, so the core sees the new records at the
 * earliest moment at which anybody can, as the server has them and not as we meant them. The outcome is reported
 * behind the reads: when an action is done, what it did is known.
 */
import type { ActionBody, ActionKind } from '../core/actions.ts';
import type { Outcome } from '../core/inputs.ts';
import { encodeMasterRecord, encodeRecord } from '../records/codec.ts';
import type { ServicePaths } from '../records/paths.ts';
import type { MultiOp, ZkPort } from '../zookeeper/index.ts';
import type { Mirror } from './mirror.ts';

export type ZooKeeperAction = Extract<
  ActionBody,
  {
    kind:
      | 'heartbeat'
      | 'write_member'
      | 'write_node'
      | 'cast_ballot'
      | 'withdraw_ballot'
      | 'claim'
      | 'release'
      | 'write_term'
      | 'announce'
      | 'store_order'
      | 'write_order'
      | 'end_order'
      | 'write_pause'
      | 'write_settings';
  }
>;

const KINDS: readonly ActionKind[] = [
  'heartbeat',
  'write_member',
  'write_node',
  'cast_ballot',
  'withdraw_ballot',
  'claim',
  'release',
  'write_term',
  'announce',
  'store_order',
  'write_order',
  'end_order',
  'write_pause',
  'write_settings',
];

export function isZooKeeperAction<A extends ActionBody>(action: A): action is A & ZooKeeperAction {
  return KINDS.includes(action.kind);
}

interface Target {
  readonly zk: ZkPort;
  readonly paths: ServicePaths;
  readonly mirror: Mirror;
  readonly self: string;
  readonly now: () => number;
}

function put(path: string, data: string, version: number | null, ephemeral = false): MultiOp {
  return version === null ? { op: 'create', path, data, ephemeral } : { op: 'setData', path, data, version };
}

/** Creates an ephemeral record, or overwrites our own. */
function putOwn(path: string, data: string, exists: boolean): MultiOp {
  return exists ? { op: 'setData', path, data } : { op: 'create', path, data, ephemeral: true };
}

function claimOps(action: Extract<ActionBody, { kind: 'claim' }>, paths: ServicePaths): readonly MultiOp[] {
  const ops: MultiOp[] = [];
  if (action.removeLease) ops.push({ op: 'delete', path: paths.lease });
  if (action.removeRecord) ops.push({ op: 'delete', path: paths.masterRecord });
  ops.push({ op: 'create', path: paths.lease, data: encodeRecord(action.lease), ephemeral: true });
  ops.push(put(paths.term, encodeRecord(action.term), action.termVersion));
  if (action.settings !== null) ops.push(put(paths.settings, encodeRecord(action.settings), null));
  else if (action.settingsVersion !== null) {
    ops.push({ op: 'check', path: paths.settings, version: action.settingsVersion });
  }
  if (action.record !== null) {
    ops.push({ op: 'create', path: paths.masterRecord, data: encodeMasterRecord(action.record), ephemeral: true });
  }
  return ops;
}

function releaseOps(action: Extract<ActionBody, { kind: 'release' }>, target: Target): readonly MultiOp[] {
  const { paths, self } = target;
  const ops: MultiOp[] = [];
  const term = action.term === null ? null : put(paths.term, encodeRecord(action.term.term), action.term.version);
  // Whoever hears of a planned switchover must know whose turn it is before it hears that the lease is gone.
  const { order } = action;
  const isPlanned = (action.term?.term.handOver ?? null) !== null;
  if (isPlanned && term !== null) ops.push(term);
  // The record first: who sees the lease gone has then seen the record go, and need not wait for it.
  if (action.removeRecord) ops.push({ op: 'delete', path: paths.masterRecord });
  ops.push({ op: 'delete', path: paths.lease });
  if (action.ballot !== null) {
    ops.push(putOwn(paths.of('ballots', self), encodeRecord(action.ballot), action.ballotExists));
  }
  if (order !== undefined) ops.push(put(paths.order, encodeRecord(order.order), order.version));
  if (isPlanned) return ops;
  if (term !== null) ops.push(term);
  else if (action.termVersion !== null) ops.push({ op: 'check', path: paths.term, version: action.termVersion });
  return ops;
}

/** Results that are not there cannot be checked for their absence, but created they can be, empty. */
function storeOps(
  { order, resultsVersion: version }: Extract<ActionBody, { kind: 'store_order' }>,
  { order: path, results }: ServicePaths,
): readonly MultiOp[] {
  const known: MultiOp = version === null
    ? put(results, encodeRecord({ list: [] }), null)
    : { op: 'check', path: results, version };
  return [put(path, encodeRecord(order), null), known];
}

function memberOps(action: Extract<ActionBody, { kind: 'write_member' }>, target: Target): readonly MultiOp[] {
  const path = target.paths.of('members', target.self);
  const written = putOwn(path, encodeRecord(action.member), action.how === 'set');
  return action.how === 'replace' ? [{ op: 'delete', path }, written] : [written];
}

function opsOf(action: Exclude<ZooKeeperAction, { kind: 'heartbeat' }>, target: Target): readonly MultiOp[] {
  const { paths, self } = target;
  switch (action.kind) {
    case 'write_member':
      return memberOps(action, target);
    case 'write_node':
      return [put(paths.of('nodes', self), encodeRecord(action.node), action.version)];
    case 'cast_ballot':
      return [putOwn(paths.of('ballots', self), encodeRecord(action.ballot), action.exists)];
    case 'withdraw_ballot':
      return [{ op: 'delete', path: paths.of('ballots', self) }];
    case 'claim':
      return claimOps(action, paths);
    case 'release':
      return releaseOps(action, target);
    case 'write_term': {
      const term = put(paths.term, encodeRecord(action.term), action.version);
      const { settings } = action;
      return settings === undefined ? [term] : [put(paths.settings, encodeRecord(settings), null), term];
    }
    case 'store_order':
      return storeOps(action, paths);
    case 'write_order':
      return [put(paths.order, encodeRecord(action.order), action.version)];
    case 'end_order':
      return [
        { op: 'delete', path: paths.order, version: action.orderVersion },
        put(paths.results, encodeRecord({ list: action.results }), action.resultsVersion),
      ];
    case 'write_pause': {
      const { pause, version } = action;
      if (pause !== null) return [put(paths.pause, encodeRecord(pause), version)];
      return [{ op: 'delete', path: paths.pause, ...(version === null ? {} : { version }) }];
    }
    case 'write_settings':
      return [
        put(paths.settings, encodeRecord(action.settings), action.version),
        put(paths.changes, encodeRecord(action.changes), action.changesVersion),
      ];
    case 'announce': {
      const create: MultiOp = {
        op: 'create',
        path: paths.masterRecord,
        data: encodeMasterRecord(action.record),
        ephemeral: true,
      };
      // The same term says that the lease, if there is one, is still the one that we hold.
      const checks: readonly MultiOp[] = [
        { op: 'check', path: paths.term, version: action.termVersion },
        { op: 'check', path: paths.lease },
      ];
      const make = action.replace ? [{ op: 'delete', path: paths.masterRecord } as const, create] : [create];
      return [...checks, ...make];
    }
  }
}

export function performOnZooKeeper(action: ZooKeeperAction, target: Target, done: (outcome: Outcome) => void): void {
  const sentAtMs = target.now();
  if (action.kind === 'heartbeat') return heartbeat(target, sentAtMs, done);
  const ops = opsOf(action, target);
  let outcome: Outcome = { result: 'failed', code: 'UNANSWERED' };
  target.zk.submit({ op: 'multi', ops }, (answer) => {
    outcome = answer.ok ? { result: 'done', sentAtMs } : { result: 'failed', code: answer.code };
  });
  const changed = [...new Set(ops.map((op) => op.path))];
  let unread = changed.length;
  for (const path of changed) {
    target.mirror.look(path, () => {
      if (--unread === 0) done(outcome);
    });
  }
}

/** `sync` goes through the leader; the read behind it says whether the lease is still ours. */
function heartbeat({ zk, paths, mirror }: Target, sentAtMs: number, done: (outcome: Outcome) => void): void {
  let synced = false;
  zk.submit({ op: 'sync', path: paths.lease }, (answer) => {
    synced = answer.ok;
  });
  zk.submit({ op: 'read', path: paths.lease }, (answer) => {
    mirror.take(paths.lease, answer);
    if (!synced) return done({ result: 'failed', code: 'NOT_SYNCED' });
    if (answer.ok && answer.stat !== undefined) {
      const { ephemeralOwner: owner, czxid } = answer.stat;
      return done({ result: 'heard', sentAtMs, lease: { owner, czxid } });
    }
    if (!answer.ok && answer.code === 'NO_NODE') return done({ result: 'heard', sentAtMs, lease: null });
    done({ result: 'failed', code: answer.ok ? 'NO_STAT' : answer.code });
  });
}
