/** `CLIENT`: what client libraries say of themselves, and what operators look up. */
import { help, withSubcommands } from '../call.ts';
import type { Answer, Call, Command } from '../call.ts';
import type { Client } from '../client.ts';
import { NOTHING, NOT_AN_INTEGER, NULL, OK, SYNTAX_ERROR, bulk, bulks, error, integer, map } from '../reply.ts';
import { kill, typeTest } from './client-kill.ts';
import { setName } from './connection.ts';

const MS_PER_S = 1000;

function line(client: Client, nowMs: number): string {
  const seconds = (sinceMs: number): number => Math.max(0, Math.floor((nowMs - sinceMs) / MS_PER_S));
  return [
    `id=${client.id}`, `addr=${client.remote}`, `laddr=${client.local}`, `name=${client.name}`,
    `age=${seconds(client.connectedAtMs)}`, `idle=${seconds(client.lastAtMs)}`,
    `flags=${client.subscriptions > 0 ? 'P' : 'N'}`, 'db=0',
    `sub=${client.channels.size}`, `psub=${client.patterns.size}`, 'multi=-1',
    `cmd=${client.lastCommand}`, `user=${client.user ?? ''}`,
    `lib-name=${client.libName}`, `lib-ver=${client.libVersion}`, `resp=${client.protocol}`,
  ].join(' ');
}

/** All clients, those of a type, or those of these numbers. */
function list({ args, house }: Call): Answer {
  const nowMs = house.now();
  const [, , filter, ...values] = args;
  const lines = (wanted: (client: Client) => boolean): Answer => (
    bulk([...house.clients.values()].filter(wanted).map((client) => `${line(client, nowMs)}\n`).join(''))
  );
  if (filter === undefined) return lines(() => true);
  if (/^id$/i.test(filter) && values.length > 0) return lines(({ id }) => values.includes(String(id)));
  if (!/^type$/i.test(filter) || values.length !== 1) return SYNTAX_ERROR;
  const test = typeTest(values[0] ?? '');
  return typeof test === 'function' ? lines((one) => test(one, nowMs)) : test;
}

/** Nobody writes here, so that a pause of writes is one; a pause of everything would hide the master. */
function pause({ args }: Call): Answer {
  const [, , timeout = '', mode = 'all'] = args;
  if (args.length > 4) return SYNTAX_ERROR;
  if (!/^-?\d{1,15}$/.test(timeout)) return error('ERR timeout is not an integer or out of range');
  if (timeout.startsWith('-')) return error('ERR timeout is negative');
  if (/^write$/i.test(mode)) return OK;
  if (!/^all$/i.test(mode)) return error('ERR CLIENT PAUSE mode must be WRITE or ALL');
  return error('ERR Clients of a Dictator agent are not paused: they would not find the master');
}

/** Nobody is ever blocked. */
function unblock({ args }: Call): Answer {
  const [, , id = '', why = 'timeout'] = args;
  if (args.length > 4) return SYNTAX_ERROR;
  if (!/^(timeout|error)$/i.test(why)) return error('ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR');
  return /^-?\d{1,18}$/.test(id) ? integer(0) : NOT_AN_INTEGER;
}

function setInfo({ args, client, house }: Call): Answer {
  const [, , attribute = '', value = ''] = args;
  const known = /^lib-(name|ver)$/i.exec(attribute)?.[1]?.toLowerCase();
  if (known === undefined) return error(`ERR Unrecognized option '${attribute}'`);
  if (/[^!-~]/.test(value) || value.length > house.limits.keptTextMax) {
    return error(`ERR ${attribute} cannot contain spaces, newlines or special characters.`);
  }
  if (known === 'name') client.libName = value;
  else client.libVersion = value;
  return OK;
}

function reply({ args, client }: Call): Answer {
  switch ((args[2] ?? '').toLowerCase()) {
    case 'on':
      client.replies = 'on';
      return OK;
    case 'off':
      client.replies = 'off';
      return [];
    case 'skip':
      client.replies = client.replies === 'off' ? 'off' : 'skip next';
      return [];
    default:
      return SYNTAX_ERROR;
  }
}

function onOrOff({ args }: Call): Answer {
  return /^(on|off)$/i.test(args[2] ?? '') ? OK : SYNTAX_ERROR;
}

/** Nothing is ever cached of a Sentinel. */
function trackingInfo(): Answer {
  return map([['flags', bulks(['off'])], ['redirect', integer(-1)], ['prefixes', NOTHING]]);
}

const HELP = [
  'CLIENT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'GETNAME', 'ID', 'INFO', 'KILL <ip:port>|<option> <value> [...]', 'LIST [TYPE|ID ...]',
  'NO-EVICT (ON|OFF)', 'NO-TOUCH (ON|OFF)', 'REPLY (ON|OFF|SKIP)',
  'SETINFO <option> <value>', 'SETNAME <name>', 'TRACKING (ON|OFF) [...]', 'HELP',
];

const ok = (): Answer => OK;

const SUBCOMMANDS = new Map<string, Command>([
  ['id', { arity: 2, run: ({ client }) => integer(client.id) }],
  ['info', { arity: 2, run: ({ client, house }) => bulk(`${line(client, house.now())}\n`) }],
  ['list', { arity: -2, run: list }],
  ['getname', { arity: 2, run: ({ client }) => (client.name === '' ? NULL : bulk(client.name)) }],
  ['setname', { arity: 3, run: (call) => setName(call, call.args[2] ?? '') ?? OK }],
  ['setinfo', { arity: 4, run: setInfo }],
  ['reply', { arity: 3, run: reply }],
  ['no-evict', { arity: 3, run: onOrOff }],
  ['no-touch', { arity: 3, run: onOrOff }],
  ['tracking', { arity: -3, run: onOrOff }],
  ['trackinginfo', { arity: 2, run: trackingInfo }],
  ['caching', { arity: 3, run: ok }],
  ['getredir', { arity: 2, run: () => integer(-1) }],
  ['kill', { arity: -3, run: kill }],
  ['pause', { arity: -3, run: pause }],
  ['unpause', { arity: 2, run: ok }],
  ['unblock', { arity: -3, run: unblock }],
  ['help', help(HELP)],
]);

export const CLIENT_COMMANDS: readonly (readonly [string, Command])[] = [
  ['client', { arity: -2, run: withSubcommands('client', SUBCOMMANDS) }],
];
