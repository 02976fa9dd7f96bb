/** One request on its way to its answer: what a command may look at, and what it may give back. */
import type { OperationAnswer, OperationRequest } from '../contract/operations.ts';
import type { Access } from './access.ts';
import type { Speaking } from './entries.ts';
import type { SentinelEvent } from './announce.ts';
import type { Client } from './client.ts';
import type { SentinelLimits } from './limits.ts';
import type { Served } from './book.ts';
import type { Picture } from './picture.ts';
import { array, error, status } from './reply.ts';
import type { Reply } from './reply.ts';

/** The server as its commands see it. Nothing here waits, but for an operation or a master. */
export interface House {
  /** What is known of the master of this name at this moment; null: there is none of that name. */
  find(name: string): Picture | null;
  /** The same once there is a master, or nothing can be known; or after so many milliseconds. */
  untilClear(name: string, maxMs: number): Promise<Picture | null>;
  /** Every master that is answered for. */
  served(): readonly Served[];
  /** The service of the agent itself; null where there is no agent beside it. */
  own(): Picture | null;
  /** Run id, by which clients tell Sentinels apart. */
  id(): string;
  /** Since when it knows nothing (TILT), in its own milliseconds; null while it does. */
  blindSinceMs(): number | null;
  readonly show: Speaking['show'];
  /** Host names are told as they are. */
  readonly announceHostnames: boolean;
  readonly access: Access;
  readonly limits: SentinelLimits;
  readonly clients: ReadonlyMap<number, Client>;
  readonly clientsMax: number;
  /** Ends its connection. */
  disconnect(client: Client): void;
  /** Where others reach it; port 0 before it listens. */
  readonly address: { readonly host: string; readonly port: number };
  readonly counts: { connections: number; commands: number; rejected: number };
  /** What all clients together were sent and have not read. */
  readonly unread: { bytes: number };
  readonly startedAtMs: number;
  readonly version: string;
  now(): number;
  operate(asked: Omit<OperationRequest, 'id' | 'askedAt'>): Promise<OperationAnswer>;
  /** Tells all subscribers. */
  publish(events: readonly SentinelEvent[]): void;
}

export interface Call {
  /** The request as it came; [0] is the command. */
  readonly args: readonly string[];
  readonly client: Client;
  readonly house: House;
}

export type Answer = Reply | readonly Reply[] | Promise<Reply>;

export interface Command {
  /** As Redis counts: the command itself included; negative = at least so many. */
  readonly arity: number;
  readonly run: (call: Call) => Answer;
  /** Also for whoever has not said who it is. */
  readonly guests?: true;
  /** Also for a subscriber of RESP2. */
  readonly listeners?: true;
}

export type Commands = ReadonlyMap<string, Command>;

export function fits(count: number, arity: number): boolean {
  return arity < 0 ? count >= -arity : count === arity;
}

export function wrongCount(name: string): Reply {
  return error(`ERR wrong number of arguments for '${name}' command`);
}

/** The subcommand that lists the others, a line each. */
export function help(lines: readonly string[]): Command {
  return { arity: 2, run: () => array(lines.map(status)) };
}

/** Subcommands of one command, as Redis words what is wrong with them. */
export function withSubcommands(name: string, table: Commands): Command['run'] {
  return (call) => {
    const asked = call.args[1] ?? '';
    const command = table.get(asked.toLowerCase());
    if (command === undefined) return error(`ERR unknown subcommand '${asked}'. Try ${name.toUpperCase()} HELP.`);
    if (!fits(call.args.length, command.arity)) return wrongCount(`${name}|${asked.toLowerCase()}`);
    return command.run(call);
  };
}

/** An order that harms others: a port that asks nobody who he is takes it from its own host only. Null: it is taken. */
export function refusedFromElsewhere({ client, house }: Call, command: string): Reply | null {
  if (!house.access.isOpen || client.isLocal) return null;
  return error(`NOPERM User default has no permissions to run the '${command}' command from another host`);
}

/** The speaking of one name at this moment. */
export function speaking(house: House, name: string): Speaking {
  return { name, show: house.show, nowMs: house.now() };
}
