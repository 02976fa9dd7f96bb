/** The subcommands of `SENTINEL` by which operators and set-up scripts configure a real one. */
import type { Answer, Call, Command } from '../call.ts';
import { matches } from '../glob.ts';
import { OK, error, fields } from '../reply.ts';
import { ofMaster } from './of-master.ts';

const ELSEWHERE = 'it is a Dictator agent; ZooKeeper and its own file say what it answers for';

/** Options of SET with the number of their values; those that must be positive numbers. */
interface Option {
  readonly values: 1 | 2;
  readonly isNumber: boolean;
}

const OPTIONS: ReadonlyMap<string, Option> = new Map<string, Option>([
  ...['down-after-milliseconds', 'failover-timeout', 'parallel-syncs', 'quorum'].map((name) => (
    [name, { values: 1, isNumber: true }] as const
  )),
  ...['notification-script', 'client-reconfig-script', 'auth-pass', 'auth-user', 'master-reboot-down-after-period'].map(
    (name) => [name, { values: 1, isNumber: false }] as const,
  ),
  ['rename-command', { values: 2, isNumber: false }] as const,
]);

function set({ args }: Call): Answer {
  for (let at = 3; at < args.length;) {
    const name = args[at] ?? '';
    const option = OPTIONS.get(name.toLowerCase());
    if (option === undefined || at + option.values >= args.length) {
      return error(`ERR Unknown option or number of arguments for SENTINEL SET '${name}'`);
    }
    const value = args[at + 1] ?? '';
    if (option.isNumber && !/^[1-9]\d{0,9}$/.test(value)) {
      return error(`ERR Invalid argument '${value}' for SENTINEL SET '${name}'`);
    }
    at += 1 + option.values;
  }
  return OK;
}

function monitor({ args, house }: Call): Answer {
  if (house.find(args[2] ?? '') !== null) return error('ERR Duplicate master name.');
  return error(`ERR No master can be added here: ${ELSEWHERE}`);
}

function config({ args, house }: Call): Answer {
  const verb = args[2]?.toLowerCase();
  if (verb === 'set' && args.length >= 5) return error(`ERR No parameter can be set here: ${ELSEWHERE}`);
  if (verb !== 'get' || args.length < 4) {
    return error('ERR Only SENTINEL CONFIG GET <option> / SET <option> <value> are supported.');
  }
  const { host, port } = house.address;
  const known: readonly (readonly [string, string])[] = [
    ['resolve-hostnames', 'yes'],
    ['announce-hostnames', house.announceHostnames ? 'yes' : 'no'],
    ['announce-ip', host],
    ['announce-port', String(port)],
    ['sentinel-user', ''],
    ['sentinel-pass', ''],
    ['loglevel', ''],
  ];
  return fields(known.filter(([name]) => args.slice(3).some((pattern) => matches(pattern.toLowerCase(), name))));
}

export const CONFIG_COMMANDS: readonly [string, Command][] = [
  ['set', { arity: -5, run: ofMaster(set) }],
  ['monitor', { arity: 6, run: monitor }],
  ['remove', { arity: 3, run: ofMaster(() => error(`ERR No master can be removed here: ${ELSEWHERE}`)) }],
  ['config', { arity: -3, run: config }],
  ['flushconfig', { arity: 2, run: () => OK }],
];
