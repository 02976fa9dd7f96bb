/**
 * The master's side of replication: feeding the stream, taking replicas in, full syncs, acknowledgements.
 *
 * Traps of Redis 7.0 that live here: without a backlog and replicas nothing is counted; the first replica of a server
 * without a backlog gives it a new replication id; a diskless full sync starts at a tick of the one-second cron, and
 * its replica counts as good from the end of the transfer on, before it has loaded anything, while the stream itself
 * begins at its next acknowledgement.
 */
import type { Connection, ReplicaSide } from './connection.ts';
import { NO_MASTER_LINK } from './errors.ts';
import type { FullCopy, MasterMessage, PsyncRequest } from './messages.ts';
import type { RedisState } from './state.ts';
import { BYTES } from './stream.ts';
import type { Op, OpKind } from './stream.ts';

const NO_IDS: readonly number[] = [];
const REPL_TIMEOUT_SECONDS = 60;
/** The child that sent a full sync is noticed to have ended within this time; a small replica is up before. */
const REAP_MS = 100;

/** Adds to the stream what this top-level master did; `state.data` is the dataset behind it. */
export function feed(state: RedisState, kind: OpKind, bytes: number, ids: readonly number[] = NO_IDS): void {
  if (state.target !== null) return;
  if (state.backlog === null && state.replicas.size === 0) return;
  const changes = kind === 'write' || kind === 'flush' || kind === 'expire';
  if (changes && state.selectNext) {
    state.selectNext = false;
    append(state, 'select', BYTES.select, NO_IDS);
  }
  append(state, kind, bytes, ids);
}

function append(state: RedisState, kind: OpKind, bytes: number, ids: readonly number[]): void {
  const op: Op = { kind, bytes, endOffset: state.offset + bytes, ids, data: state.data };
  proxy(state, op);
}

/** Takes an entry over into this server's own history, and passes it on to its replicas at the end of the turn. */
export function proxy(state: RedisState, op: Op): void {
  state.offset = op.endOffset;
  state.backlog?.push(op);
  if (state.replicas.size > 0) {
    // Mostly a turn produces one: a list of one needs no room for sixteen more.
    if (state.produced.length === 0) state.produced = [op];
    else state.produced.push(op);
  }
  state.shownStale = true;
}

/** At the end of a turn: everything new goes to every replica, as one segment. */
export function sendProduced(state: RedisState): void {
  if (state.produced.length === 0) return;
  const message: MasterMessage = { kind: 'stream', ops: state.produced };
  for (const { replica, end } of state.replicas) {
    if (replica === null) continue;
    if (replica.state === 'online' && !replica.startsOnAck) end.send(message);
    else if (replica.sending) replica.kept.push(...message.ops);
  }
  state.produced = [];
}

/** A replica asks to continue where it stands, or for everything; the answer is written at once, past the buffers. */
export function takeReplica(state: RedisState, connection: Connection, request: PsyncRequest): void {
  if (state.target !== null && !state.linkUp) {
    connection.end.send({ kind: 'refused', error: NO_MASTER_LINK });
    return;
  }
  const ops = continuation(state, request);
  const { second } = state;
  const { host, port } = request;
  const replica: ReplicaSide = {
    host, port, state: ops === null ? 'wait_bgsave' : 'online', sending: false, startsOnAck: false, kept: [],
    ackOffset: 0, ackSecond: second, sinceSecond: second,
  };
  connection.replica = replica;
  state.replicas.add(connection);
  state.note(ops === null ? 'full sync asked' : 'partial sync', port);
  if (ops !== null) {
    connection.end.send({ kind: 'continue', replid: state.replid, ops });
    state.refreshGoodReplicas();
  } else if (state.backlog === null) {
    if (state.replicas.size === 1) state.replaceReplid();
    state.createBacklog();
  }
  state.touch();
  if (!state.options.disklessSync) startFullSyncs(state);
}

function continuation(state: RedisState, { replid, nextOffset }: PsyncRequest): readonly Op[] | null {
  const known = replid === state.replid || (replid === state.replid2 && nextOffset <= state.secondOffset);
  // Continuing from the middle of this turn would deliver the turn's own entries twice.
  if (!known || state.backlog === null) return null;
  const unsent = state.produced.length === 0 ? state.offset : firstUnsent(state.produced);
  const ops = state.backlog.from(nextOffset);
  return ops === null || unsent === state.offset ? ops : ops.filter((op) => op.endOffset <= unsent);
}

function firstUnsent(produced: readonly Op[]): number {
  const [first] = produced;
  return first === undefined ? 0 : first.endOffset - first.bytes;
}

export function hearAck(state: RedisState, connection: Connection, offset: number): void {
  const { replica } = connection;
  if (replica === null) return;
  if (offset > replica.ackOffset) replica.ackOffset = offset;
  replica.ackSecond = state.second;
  state.touch();
  if (!replica.startsOnAck || replica.state !== 'online') return;
  replica.startsOnAck = false;
  if (replica.kept.length > 0) connection.end.send({ kind: 'stream', ops: replica.kept.splice(0) });
}

/** How many replicas have acknowledged this offset. */
export function countAcks(state: RedisState, offset: number): number {
  let count = 0;
  for (const { replica } of state.replicas) {
    if (replica?.state === 'online' && replica.ackOffset >= offset) count += 1;
  }
  return count;
}

/** Begins one full sync for all that wait for one, once enough of them wait or the longest has waited long enough. */
export function startFullSyncs(state: RedisState): void {
  if (state.child !== null || state.loading) return;
  const waiting = [...state.replicas].filter(({ replica }) => replica?.state === 'wait_bgsave' && !replica.sending);
  if (waiting.length === 0) return;
  const { disklessSync, disklessDelaySeconds, transferMs } = state.options;
  const longest = Math.max(...waiting.map(({ replica }) => state.second - (replica?.sinceSecond ?? 0)));
  const { syncsWithWaiting } = state.settings;
  const enough = syncsWithWaiting > 0 && waiting.length >= syncsWithWaiting;
  if (disklessSync && !enough && longest < disklessDelaySeconds) return;
  sendProduced(state);
  const { data, replid, offset, runId, around } = state;
  const snapshot: FullCopy = { data, replid, offset, runId };
  state.selectNext = true;
  for (const { replica, end } of waiting) {
    if (replica === null) continue;
    replica.sending = true;
    end.send({ kind: 'fullresync', snapshot });
  }
  state.note('full sync', waiting.length);
  state.say(() => `full sync of ${data.size} keys at ${replid}:${offset} to `
    + waiting.map(({ replica }) => replica?.host).join(', '));
  const ms = transferMs * (0.5 + around.random.unit());
  let cancel = around.process.timer(ms, () => {
    for (const { end } of waiting) end.send({ kind: 'rdb', snapshot });
    cancel = around.process.timer(around.random.between(0, REAP_MS), () => {
      state.child = null;
      for (const connection of waiting) bringOnline(state, connection);
      state.refreshGoodReplicas();
    });
  });
  state.child = { kind: 'sync', cancel: () => cancel() };
}

function bringOnline(state: RedisState, { replica, freed }: Connection): void {
  if (freed || replica === null) return;
  replica.state = 'online';
  replica.startsOnAck = true;
  replica.ackSecond = state.second;
  state.touch();
}

/** The master's share of the one-second cron. */
export function masterCron(state: RedisState, pingDue: boolean): void {
  const { second } = state;
  if (pingDue && state.replicas.size > 0) feed(state, 'ping', BYTES.ping);
  for (const connection of [...state.replicas]) {
    const { replica } = connection;
    if (replica?.state === 'online' && second - replica.ackSecond > REPL_TIMEOUT_SECONDS) state.free(connection);
  }
  if (state.replicas.size === 0) expireBacklog(state, second);
  state.refreshGoodReplicas();
  startFullSyncs(state);
}

/** A master that was alone for long gives up its history: nobody can continue from it any more. */
function expireBacklog(state: RedisState, second: number): void {
  const { backlogTtlSeconds } = state.settings;
  if (backlogTtlSeconds === 0 || state.backlog === null || state.target !== null) return;
  if (second - state.noReplicasSince <= backlogTtlSeconds) return;
  state.replaceReplid();
  state.backlog = null;
  state.say(() => 'backlog expired, new replication id');
}
