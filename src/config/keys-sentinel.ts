/** The keys of the Sentinel protocol, a part of the table in `keys.ts`. */
import type { Key } from './key.ts';

export const SENTINEL_KEYS = {
  'sentinel.port': {
    kind: 'integer_or_text',
    default: 26379,
    meaning: 'port of the Sentinel protocol, or `off`',
    fix: 'Use a port from 1 to 65535, or "off".',
  },
  'sentinel.bind': {
    kind: 'list',
    default: null,
    defaultText: 'all addresses',
    meaning: 'addresses to listen on',
    fix: 'Use a list of addresses such as ["127.0.0.1", "::1"]; leave the key out for all addresses.',
  },
  'sentinel.master_name': {
    kind: 'list',
    default: null,
    defaultText: '`svc_name`',
    meaning: 'name of the master towards Sentinel clients, or a list of names: each is answered and told of',
    fix: 'Use a name without blanks such as "mymaster", or a list of such names.',
  },
  'sentinel.password': {
    kind: 'text',
    default: null,
    meaning: 'password of the Sentinel port (of its user `default`)',
    fix: 'Use text, or leave the key out.',
    secret: true,
  },
  'sentinel.password_file': {
    kind: 'text',
    default: null,
    meaning: 'file that holds that password, one line; instead of `sentinel.password`',
    fix: 'Name a file with one line that this user may read.',
  },
  'sentinel.users': {
    kind: 'any',
    default: null,
    meaning: 'users of the Sentinel port: `[{"name": ..., "password": ...}]`; whoever connects must be one of them',
    fix: 'Use a list of objects with name and password.',
    secret: true,
  },
  'sentinel.announce_host': {
    kind: 'text',
    default: null,
    defaultText: '`node.host`',
    meaning: 'address under which clients reach this Sentinel port, as the other agents name it',
    fix: 'Use a host name or an address, without a port.',
  },
  'sentinel.announce_port': {
    kind: 'integer',
    default: null,
    defaultText: '`sentinel.port`',
    meaning: 'port to that address',
    fix: 'Use a port from 1 to 65535.',
  },
  'sentinel.announce_hostnames': {
    kind: 'boolean',
    default: false,
    meaning: 'tell clients host names as they are recorded, instead of their addresses',
    fix: 'Use true or false.',
  },
  'sentinel.services': {
    kind: 'list',
    default: null,
    defaultText: 'the own one',
    meaning: 'services of the ensemble that are answered for beside the own one: names or patterns such as `["*"]`',
    fix: 'Use a list of names or patterns such as ["cache-*"]; leave the key out for the own service alone.',
  },
  'sentinel.aliases': {
    kind: 'boolean',
    default: true,
    meaning: 'also publish `switch-master` and `+replica-reconf-done`, on which some clients listen',
    fix: 'Use true or false.',
  },
  'sentinel.clients_max': {
    kind: 'integer',
    default: 1000,
    meaning: 'clients of the Sentinel port at one time; more are turned away',
    fix: 'Use a number from 1 to 10000.',
  },
} as const satisfies Record<string, Key>;
