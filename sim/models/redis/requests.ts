/**
 * What the event loop does with the first request of an inbox: agents' commands, clients' writes, replicas' words.
 *
 * A request that may not run now (a pause) stays where it is, unread behind it everything else of its connection; it
 * is looked at from the beginning when the pause is over, so a paused client meets the role that the server has then.
 */
import { execute, mayReplicate, write } from './commands.ts';
import type { Machine } from './commands.ts';
import type { Connection } from './connection.ts';
import { BUSY, LOADING, UNBLOCKED } from './errors.ts';
import type { Answer, CommandsRequest, PsyncRequest, Request, WriteRequest } from './messages.ts';
import { hearAck, takeReplica } from './replicas.ts';
import { waitFor } from './waits.ts';

export interface AnsweringMachine extends Machine {
  /** Leaves at the end of the turn. */
  answer(connection: Connection, answer: Answer): void;
}

/** False: the request stays first in the inbox, and is looked at again when what holds it back is over. */
export function handle(machine: AnsweringMachine, connection: Connection, request: Request): boolean {
  const { pause } = machine.state;
  if (request.kind === 'commands') return runCommands(machine, connection, request);
  if (request.kind === 'write' && pause !== null) return false;
  if (request.kind === 'psync' && pause?.kind === 'all') return false;
  connection.inbox.shift();
  if (request.kind === 'write') takeWrite(machine, connection, request);
  else if (request.kind === 'ack') hearAck(machine.state, connection, request.offset);
  else takePsync(machine, connection, request);
  return true;
}

function runCommands(machine: AnsweringMachine, connection: Connection, { commands }: CommandsRequest): boolean {
  const { state } = machine;
  const { replies } = connection;
  while (replies.length < commands.length) {
    const command = commands[replies.length];
    if (command === undefined) break;
    if (state.pause !== null && (state.pause.kind === 'all' || mayReplicate(connection, command))) return false;
    const reply = execute(machine, connection, command);
    if (reply === 'blocked') return false;
    replies.push(reply);
  }
  connection.inbox.shift();
  connection.replies = [];
  machine.answer(connection, { kind: 'replies', replies });
  return true;
}

function takeWrite(machine: AnsweringMachine, connection: Connection, request: WriteRequest): void {
  const { state } = machine;
  const error = state.refusal();
  if (error === null) {
    write(state, request.ids, request.bytes * request.ids.length);
    connection.writtenOffset = state.offset;
  }
  machine.answer(connection, { kind: 'written', request, error });
  if (request.wait === 0 || error !== null) return;
  const waited = (replicas: number): void => machine.answer(
    connection, { kind: 'waited', request, replicas, error: null },
  );
  const count = waitFor(state, connection, {
    replicas: request.wait,
    timeoutMs: request.timeoutMs,
    answer: waited,
    refuse: () => machine.answer(connection, { kind: 'waited', request, replicas: 0, error: UNBLOCKED }),
  });
  if (count !== null) waited(count);
}

function takePsync({ state }: AnsweringMachine, connection: Connection, request: PsyncRequest): void {
  const { loading, busy } = state;
  if (loading || busy) connection.end.send({ kind: 'refused', error: loading ? LOADING : BUSY });
  else takeReplica(state, connection, request);
}
