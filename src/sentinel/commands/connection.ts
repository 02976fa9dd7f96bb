/** Commands about the connection itself: who asks, in which protocol, and small talk. */
import { DEFAULT_USER } from '../access.ts';
import type { Answer, Call, Command } from '../call.ts';
import { wrongCount } from '../call.ts';
import { NOTHING, OK, SYNTAX_ERROR, array, bulk, error, integer, map, push, status } from '../reply.ts';
import type { Reply } from '../reply.ts';

/**
 * The Redis whose Sentinel this is like: clients look at the version before they use what is new. Redis, not Dictator:
 * that one is in INFO under a name of its own.
 */
export const LIKE_REDIS = '7.2.0';

const WRONG_PASS = error('WRONGPASS invalid username-password pair or user is disabled.');
const NO_DEFAULT_PASSWORD = error(
  'ERR AUTH <password> called without any password configured for the default user. ' +
  'Are you sure your configuration is correct?',
);
const HELLO_NEEDS_AUTH = error(
  'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> ' +
  'option can be used to authenticate the client and select the RESP protocol version at the same time',
);

function logIn({ client, house }: Call, user: string, password: string): boolean {
  if (house.access.admits(user, password)) {
    client.user = user;
    return true;
  }
  client.authFailures += 1;
  if (client.authFailures >= house.limits.authFailuresMax) client.leaving = true;
  return false;
}

function auth(call: Call): Answer {
  const [, first = '', second] = call.args;
  if (call.args.length > 3) return SYNTAX_ERROR;
  const { access } = call.house;
  if (second === undefined && (access.isOpen || !access.hasDefaultPassword)) return NO_DEFAULT_PASSWORD;
  const admitted = second === undefined ? logIn(call, DEFAULT_USER, first) : logIn(call, first, second);
  return admitted ? OK : WRONG_PASS;
}

interface Greeting {
  readonly auth: readonly [string, string] | null;
  readonly name: string | null;
}

/** The options of HELLO, or the one that is wrong. */
function greetingOf(options: readonly string[]): Greeting | { readonly wrong: string } {
  let given: Greeting = { auth: null, name: null };
  for (let at = 0; at < options.length;) {
    const option = options[at] ?? '';
    const [one, two] = [options[at + 1], options[at + 2]];
    if (option.toUpperCase() === 'AUTH' && one !== undefined && two !== undefined) {
      given = { ...given, auth: [one, two] };
      at += 3;
    } else if (option.toUpperCase() === 'SETNAME' && one !== undefined) {
      given = { ...given, name: one };
      at += 2;
    } else {
      return { wrong: option };
    }
  }
  return given;
}

function hello(call: Call): Answer {
  const { args, client } = call;
  const asked = args[1];
  if (asked !== undefined && !/^\d+$/.test(asked)) {
    return error('ERR Protocol version is not an integer or out of range');
  }
  if (asked !== undefined && asked !== '2' && asked !== '3') return error('NOPROTO unsupported protocol version');
  const greeting = greetingOf(args.slice(2));
  if ('wrong' in greeting) return error(`ERR Syntax error in HELLO option '${greeting.wrong}'`);
  if (greeting.auth !== null && !logIn(call, ...greeting.auth)) return WRONG_PASS;
  if (client.isGuest) return HELLO_NEEDS_AUTH;
  if (greeting.name !== null) {
    const refused = setName(call, greeting.name);
    if (refused !== null) return refused;
  }
  if (asked !== undefined) client.protocol = asked === '3' ? 3 : 2;
  return map([
    ['server', bulk('redis')],
    ['version', bulk(LIKE_REDIS)],
    ['proto', integer(client.protocol)],
    ['id', integer(client.id)],
    ['mode', bulk('sentinel')],
    ['modules', NOTHING],
  ]);
}

/** Null when it was set. */
export function setName({ client, house }: Call, name: string): Reply | null {
  if (/[^!-~]/.test(name)) {
    return error('ERR Client names cannot contain spaces, newlines or special characters.');
  }
  if (name.length > house.limits.keptTextMax) return error('ERR Client names cannot be so long.');
  client.name = name;
  return null;
}

function ping({ args, client }: Call): Answer {
  if (args.length > 2) return wrongCount('ping');
  const message = args[1];
  if (client.onlyListens) return push([bulk('pong'), bulk(message ?? '')]);
  return message === undefined ? status('PONG') : bulk(message);
}

function quit({ client }: Call): Answer {
  client.leaving = true;
  return OK;
}

function reset({ client }: Call): Answer {
  client.reset();
  return status('RESET');
}

/** There is one database here, and nothing in it. */
function select({ args }: Call): Answer {
  return args[1] === '0' ? OK : error('ERR DB index is out of range');
}

function role({ house }: Call): Answer {
  return array([bulk('sentinel'), array(house.served().map(({ name }) => bulk(name)))]);
}

function shutdown(): Answer {
  return error('ERR SHUTDOWN is not taken here: this is a Dictator agent. Stop its service on its host');
}

export const CONNECTION_COMMANDS: readonly (readonly [string, Command])[] = [
  ['auth', { arity: -2, run: auth, guests: true }],
  ['hello', { arity: -1, run: hello, guests: true }],
  ['quit', { arity: -1, run: quit, guests: true, listeners: true }],
  ['reset', { arity: 1, run: reset, guests: true, listeners: true }],
  ['ping', { arity: -1, run: ping, listeners: true }],
  ['echo', { arity: 2, run: ({ args }) => bulk(args[1] ?? '') }],
  ['select', { arity: 2, run: select }],
  ['role', { arity: 1, run: role }],
  ['shutdown', { arity: -1, run: shutdown }],
];
