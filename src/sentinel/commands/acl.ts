/** `ACL`: who there is, and who asks. Users stand in the configuration; each of them may do everything. */
import { DEFAULT_USER } from '../access.ts';
import type { Answer, Call, Command } from '../call.ts';
import { help, withSubcommands } from '../call.ts';
import { NOTHING, OK, bulk, bulks, error } from '../reply.ts';

/** As Redis writes a user, but for what would let its password be guessed. */
function list({ house: { access } }: Call): Answer {
  return bulks(access.names.map((name) => `user ${name} on ${access.isOpen ? 'nopass ' : ''}~* &* +@all`));
}

function refuse({ args }: Call): Answer {
  const asked = (args[1] ?? '').toUpperCase();
  return error(`ERR ACL ${asked} is not taken here: the users are those of sentinel.users in the configuration`);
}

const HELP = ['ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:', 'LIST', 'LOG', 'USERS', 'WHOAMI', 'HELP'];

const SUBCOMMANDS = new Map<string, Command>([
  ['whoami', { arity: 2, run: ({ client }) => bulk(client.user ?? DEFAULT_USER) }],
  ['users', { arity: 2, run: ({ house }) => bulks(house.access.names) }],
  ['list', { arity: 2, run: list }],
  ['log', { arity: -2, run: ({ args }) => (/^reset$/i.test(args[2] ?? '') ? OK : NOTHING) }],
  ['help', help(HELP)],
  ...['cat', 'deluser', 'dryrun', 'genpass', 'getuser', 'load', 'save', 'setuser'].map((name): [string, Command] => (
    [name, { arity: -2, run: refuse }]
  )),
]);

export const ACL_COMMANDS: readonly (readonly [string, Command])[] = [
  ['acl', { arity: -2, run: withSubcommands('acl', SUBCOMMANDS) }],
];
