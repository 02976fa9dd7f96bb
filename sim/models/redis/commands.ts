/**
 * Commands as agents and operators send them. Each names when it is answered at all: while the dataset loads, while a
 * script keeps the server busy. A reader should learn what a fence meets on its way into a Redis that is not well.
 */
import type { Command, Reply } from '../../../src/redis/link.ts';
import type { Connection } from './connection.ts';
import { Data } from './dataset.ts';
import {
  BUSY, EXEC_ABORT, failure, LOADING, NOT_BUSY, OK, QUEUED, UNBLOCKED, UNKILLABLE, UNKNOWN, WAIT_ON_REPLICA,
} from './errors.ts';
import type { Info } from './info.ts';
import type { MasterLink } from './master-link.ts';
import { beginSaving, saveNow } from './persistence.ts';
import { feed } from './replicas.ts';
import type { RedisState } from './state.ts';
import { BYTES } from './stream.ts';
import { refuseWaits, waitFor } from './waits.ts';

/** What a command works on. */
export interface Machine {
  readonly state: RedisState;
  readonly link: MasterLink;
  readonly info: Info;
  /** Ends the process at the end of the turn. */
  exit(): void;
  setPause(pause: RedisState['pause']): void;
  endScript(): void;
}

/** `blocked`: the answer comes later. */
export type Result = Reply | 'blocked';

interface Spec {
  readonly loading?: boolean;
  readonly busy?: boolean;
  readonly write?: boolean;
  readonly run: (machine: Machine, args: readonly string[], connection: Connection) => Result;
}

const integer = (value: number): Reply => ({ ok: true, value });

const COMMANDS: Readonly<Record<string, Spec>> = {
  INFO: { loading: true, run: ({ info }, args) => info.sections(args) },
  CONFIG: { loading: true, run: config },
  REPLICAOF: { run: replicaOf },
  CLIENT: { loading: true, run: client },
  PING: { run: () => ({ ok: true, value: 'PONG' }) },
  AUTH: { loading: true, busy: true, run: () => OK },
  ROLE: { loading: true, run: role },
  DBSIZE: { run: ({ state }) => integer(state.data.size) },
  GET: { run: ({ state }, [key]) => ({ ok: true, value: state.data.has(Number(key)) ? 'x' : null }) },
  SET: { write: true, run: set },
  FLUSHALL: { write: true, run: flushAll },
  WAIT: { run: wait },
  SCRIPT: { busy: true, run: script },
  BGSAVE: { run: ({ state }) => (beginSaving(state) ? OK : failure('ERR Background save already in progress')) },
  SAVE: { run: ({ state }) => (saveNow(state) ? OK : failure('ERR')) },
  SHUTDOWN: { loading: true, run: shutdown },
};

/**
 * Runs one command or queues it. Its order of refusals is that of Redis: disk, replicas, role, loading, busy.
 * `blocked` where the answer comes later.
 */
export function execute(machine: Machine, connection: Connection, command: Command): Result {
  const [name] = command;
  if (name === 'MULTI') {
    connection.transaction = [];
    connection.transactionBroken = false;
    return OK;
  }
  if (name === 'EXEC') return exec(machine, connection);
  const spec = COMMANDS[name];
  const refused = spec === undefined ? UNKNOWN : refusalOf(machine.state, spec, name);
  if (connection.transaction !== null) {
    if (refused !== null) connection.transactionBroken = true;
    else connection.transaction.push(command);
    return refused ?? QUEUED;
  }
  return refused ?? spec?.run(machine, command.slice(1), connection) ?? UNKNOWN;
}

function refusalOf(state: RedisState, spec: Spec, name: string): Reply | null {
  if (spec.write === true) return state.refusal();
  if (name === 'PING') {
    const misconf = state.misconf();
    if (misconf !== null) return misconf;
  }
  if (state.loading && spec.loading !== true) return LOADING;
  return state.busy && spec.busy !== true ? BUSY : null;
}

function exec(machine: Machine, connection: Connection): Result {
  const { transaction, transactionBroken } = connection;
  connection.transaction = null;
  if (transaction === null) return failure('ERR EXEC without MULTI');
  const writes = transaction.some(([name]) => COMMANDS[name]?.write === true);
  const refused = machine.state.busy ? BUSY : writes ? machine.state.refusal() : null;
  if (refused !== null) return failure(`EXECABORT Transaction discarded because of: ${refused.message}`);
  if (transactionBroken) return EXEC_ABORT;
  const replies = transaction.map((command) => execute(machine, connection, command));
  return { ok: true, value: replies.map((reply) => (reply === 'blocked' ? null : reply.ok ? reply.value : reply)) };
}

/** Whether a pause for writes holds this command back, inside a transaction too. */
export function mayReplicate(connection: Connection, [name]: Command): boolean {
  if (name !== 'EXEC') return COMMANDS[name]?.write === true;
  return connection.transaction?.some(([queued]) => COMMANDS[queued]?.write === true) ?? false;
}

function config({ state }: Machine, [what, ...args]: readonly string[]): Reply {
  if (what === 'GET') return state.settings.get(args[0] ?? '');
  if (what !== 'SET') return UNKNOWN;
  const refused = state.refusal() !== null;
  const reply = state.settings.set(args);
  if (state.backlog !== null) state.backlog.sizeBytes = state.settings.backlogBytes;
  state.refreshGoodReplicas();
  if (refused && state.refusal() === null) state.around.onOpened();
  state.touch();
  return reply;
}

function replicaOf({ state, link }: Machine, [host = '', port = '']: readonly string[]): Reply {
  if (host.toUpperCase() === 'NO' && port.toUpperCase() === 'ONE') {
    link.promote();
    state.note('promoted');
    if (state.refusal() === null) state.around.onOpened();
    state.say(() => `is a master now, ${state.replid} after ${String(state.replid2)}:${state.offset}`);
    return OK;
  }
  if (state.target?.host === host && state.target.port === Number(port)) {
    return { ok: true, value: 'OK Already connected to specified master' };
  }
  state.note('replicaof', Number(port));
  state.say(() => `is to follow ${host}:${port} from ${state.replid}:${state.offset} on`);
  const blocked = refuseWaits(state);
  link.follow({ host, port: Number(port) });
  for (const connection of blocked) {
    connection.inbox.length = 0;
    connection.ended = true;
    state.wake(connection);
  }
  return OK;
}

function client(machine: Machine, args: readonly string[], caller: Connection): Reply {
  const { state } = machine;
  const [what, first = '', second = ''] = args;
  if (what === 'KILL' && first === 'TYPE') return integer(second === 'normal' ? killOthers(state, caller) : 0);
  if (what === 'UNPAUSE') {
    machine.setPause(null);
    return OK;
  }
  if (what === 'PAUSE') {
    const kind = second.toUpperCase() === 'WRITE' ? 'write' : 'all';
    machine.setPause({ kind, untilMs: state.nowMs + Number(first) });
    return OK;
  }
  return what === 'SETNAME' ? OK : UNKNOWN;
}

/** Everybody's connections but the caller's and the replicas': other agents' too. What they were owed is never sent. */
function killOthers(state: RedisState, caller: Connection): number {
  let killed = 0;
  for (const connection of [...state.connections]) {
    if (connection === caller || connection.replica !== null) continue;
    state.free(connection);
    killed += 1;
  }
  state.note('killed clients', killed);
  return killed;
}

function role({ state, link }: Machine): Reply {
  if (state.target !== null) {
    const status = link.phase === 'connected' ? 'connected' : link.syncing ? 'sync' : 'connect';
    return { ok: true, value: ['slave', state.target.host, state.target.port, status, state.offset] };
  }
  const replicas = [...state.replicas].flatMap(({ replica }) => (replica === null ? [] : [replica]));
  const shown = replicas.map(({ host, port, ackOffset }) => [host, String(port), String(ackOffset)]);
  return { ok: true, value: ['master', state.offset, shown] };
}

/** Writes one batch of new keys; whoever calls has asked whether it may. */
export function write(state: RedisState, ids: readonly number[], bytes: number): void {
  state.data = state.data.with(ids);
  state.changes += ids.length;
  feed(state, 'write', bytes, ids);
}

/** The key is the number of the write. */
function set({ state }: Machine, [key = '', value = '']: readonly string[], connection: Connection): Reply {
  const encoded = ['SET', key, value].map((part) => `$${part.length}\r\n${part}\r\n`).join('');
  write(state, [Number(key)], encoded.length + '*3\r\n'.length);
  connection.writtenOffset = state.offset;
  return OK;
}

function flushAll({ state }: Machine, _args: readonly string[], connection: Connection): Reply {
  state.data = Data.EMPTY;
  state.changes += 1;
  feed(state, 'flush', BYTES.flush);
  connection.writtenOffset = state.offset;
  return OK;
}

function wait({ state }: Machine, args: readonly string[], connection: Connection): Result {
  if (state.target !== null) return WAIT_ON_REPLICA;
  const [replicas = 0, timeoutMs = 0] = args.map(Number);
  const count = waitFor(state, connection, {
    replicas,
    timeoutMs,
    answer: (acknowledged) => void connection.replies.push(integer(acknowledged)),
    refuse: () => void connection.replies.push(UNBLOCKED),
  });
  return count === null ? 'blocked' : integer(count);
}

function script(machine: Machine, [what]: readonly string[]): Reply {
  const { state } = machine;
  if (what !== 'KILL') return UNKNOWN;
  if (!state.busy) return NOT_BUSY;
  if (state.script?.wrote === true) return UNKILLABLE;
  machine.endScript();
  return OK;
}

function shutdown(machine: Machine, [how]: readonly string[]): Result {
  const { state } = machine;
  const saves = how?.toUpperCase() === 'SAVE' || (how === undefined && state.persistsRdb);
  if (saves && !state.loading && !saveNow(state)) return failure('ERR Errors trying to SHUTDOWN. Check logs.');
  machine.exit();
  return 'blocked';
}
