/** The table of all commands, and how one request is answered: known, complete, permitted, carried out. */
import { fits, help, withSubcommands, wrongCount } from '../call.ts';
import type { Answer, Call, Command, Commands } from '../call.ts';
import { matches } from '../glob.ts';
import { NOTHING, NULL, SYNTAX_ERROR, array, bulk, bulks, error, integer, map } from '../reply.ts';
import type { Reply } from '../reply.ts';
import { ACL_COMMANDS } from './acl.ts';
import { CLIENT_COMMANDS } from './client.ts';
import { CONNECTION_COMMANDS } from './connection.ts';
import { INFO_COMMANDS } from './info.ts';
import { PUBSUB_COMMANDS } from './pubsub.ts';
import { SENTINEL_COMMANDS } from './sentinel.ts';

const NO_AUTH = error('NOAUTH Authentication required.');
/** How much of a stranger's request is repeated to it. */
const QUOTED_MAX = 128;
/** The name of a request by which a browser betrays itself: an HTTP header. Such a connection is closed. */
const HTTP_WORDS: readonly string[] = ['post', 'host:'];
const WITH_SUBCOMMANDS: readonly string[] = ['sentinel', 'client', 'command', 'acl'];

/** `COMMAND`'s description of one command: no keys, no flags. */
function described(name: string, { arity }: Command): Reply {
  const none = integer(0);
  return array([bulk(name), integer(arity), NOTHING, none, none, none, NOTHING, NOTHING, NOTHING, NOTHING]);
}

const HELP = [
  'COMMAND [<subcommand> [<arg> [value] [opt] ...]]. Subcommands are:',
  'COUNT', 'DOCS', 'GETKEYS', 'GETKEYSANDFLAGS', 'INFO [<command-name> ...]', 'LIST [FILTERBY PATTERN <pattern>]',
  'HELP',
];

const SUBCOMMANDS_OF_COMMAND: Commands = new Map<string, Command>([
  ['count', { arity: 2, run: () => integer(COMMANDS.size) }],
  ['list', { arity: -2, run: list }],
  ['getkeys', { arity: -3, run: keysOf }],
  ['getkeysandflags', { arity: -3, run: keysOf }],
  ['docs', { arity: -2, run: () => map([]) }],
  ['help', help(HELP)],
  ['info', {
    arity: -2,
    run: ({ args }) => array((args.length > 2 ? args.slice(2) : [...COMMANDS.keys()]).map((asked) => {
      const found = COMMANDS.get(asked.toLowerCase());
      return found === undefined ? NULL : described(asked.toLowerCase(), found);
    })),
  }],
]);

/** Every name, or those that match a pattern; nothing here belongs to a module or a category. */
function list({ args }: Call): Answer {
  const names = [...COMMANDS.keys()];
  if (args.length === 2) return bulks(names);
  const [, , filter = '', by = '', of = ''] = args.map((arg) => arg.toLowerCase());
  if (args.length !== 5 || filter !== 'filterby') return SYNTAX_ERROR;
  if (by === 'module' || by === 'aclcat') return NOTHING;
  return by === 'pattern' ? bulks(names.filter((name) => matches(of, name))) : SYNTAX_ERROR;
}

/** There are no keys here. */
function keysOf({ args }: Call): Answer {
  const known = COMMANDS.has((args[2] ?? '').toLowerCase());
  return error(known ? 'ERR The command has no key arguments' : 'ERR Invalid command specified');
}

function command(call: Call): Answer {
  if (call.args.length > 1) return withSubcommands('command', SUBCOMMANDS_OF_COMMAND)(call);
  return array([...COMMANDS].map(([name, each]) => described(name, each)));
}

const COMMANDS: Commands = new Map<string, Command>([
  ...CONNECTION_COMMANDS,
  ...ACL_COMMANDS,
  ...CLIENT_COMMANDS,
  ...PUBSUB_COMMANDS,
  ...INFO_COMMANDS,
  ...SENTINEL_COMMANDS,
  ['command', { arity: -1, run: command }],
]);

function unknown(args: readonly string[]): Reply {
  let quoted = '';
  for (const arg of args.slice(1)) {
    if (quoted.length >= QUOTED_MAX) break;
    quoted += `'${arg.slice(0, QUOTED_MAX - quoted.length)}' `;
  }
  return error(`ERR unknown command '${(args[0] ?? '').slice(0, QUOTED_MAX)}', with args beginning with: ${quoted}`);
}

/** As Redis names it in an error: with its subcommand, where it has some. */
function fullName(asked: string, [, second]: readonly string[]): string {
  if (second === undefined || !WITH_SUBCOMMANDS.includes(asked)) return asked;
  return `${asked}|${second.slice(0, QUOTED_MAX).toLowerCase()}`;
}

/** The answer to one request. */
export function answer(call: Call): Answer {
  const { args, client, house } = call;
  const asked = (args[0] ?? '').toLowerCase();
  const found = COMMANDS.get(asked);
  client.lastCommand = found === undefined ? 'NULL' : asked;
  client.lastAtMs = house.now();
  if (HTTP_WORDS.includes(asked)) {
    client.leaving = true;
    return [];
  }
  if (client.isGuest && found?.guests !== true) return NO_AUTH;
  if (found === undefined) return unknown(args);
  if (!fits(args.length, found.arity)) return wrongCount(asked);
  if (client.onlyListens && found.listeners !== true) {
    return error(
      `ERR Can't execute '${fullName(asked, args)}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET ` +
      'are allowed in this context',
    );
  }
  return found.run(call);
}
