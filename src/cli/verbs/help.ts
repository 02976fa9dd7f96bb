/** `dictator help [VERB]`: everything needed to start, on one screen; about one verb, everything there is. */
import { EXIT } from '../../contract/errors.ts';
import { nearest } from '../../config/nearest.ts';
import { FLAGS } from '../flags.ts';
import type { FlagName } from '../flags.ts';
import { report } from '../report.ts';
import { painter, table, wrapped } from '../terminal.ts';
import type { Paint } from '../terminal.ts';
import { VERB_GROUPS } from '../verb.ts';
import type { Verb } from '../verb.ts';

const WIDTH = 80;

const OPENING = `Dictator keeps a Redis service writable: one agent beside each server.
They elect a master through ZooKeeper, promote it, and fence the others.
`;

const CLOSING = `Without a verb the agent of this node runs. It logs to stderr; SIGTERM or SIGINT
stops it in order, a second one at once. A single dash works as well
(-config FILE). Every key of the configuration can come from the environment:
node.port is DICTATOR_NODE_PORT, the file itself DICTATOR_CONFIG.

Verbs that look read ZooKeeper as this node's configuration names it, or --zk
HOSTS, or ask one agent: --agent URL. Data goes to stdout, talk to stderr.

Exit codes: 0 done, 1 failed, 2 usage, 3 refused, 4 not allowed,
5 outcome unknown, 78 faulty configuration.
`;

const USAGE = `  dictator [--config FILE] [--log-level LEVEL]   run the agent of this node
  dictator VERB [WORDS] [OPTIONS]                look, understand, act
`;

export const help: Verb = {
  name: 'help',
  group: 'Set up',
  args: '[VERB]',
  argsMin: 0,
  argsMax: 2,
  summary: 'this text, or everything about one verb',
  details: ['dictator VERB --help is the same.'],
  flags: [],
  examples: ['dictator help show'],
  run({ args, io, verbs }) {
    const paint = painter(io);
    if (args.length === 0) {
      io.stdout(overview(verbs, paint));
      return EXIT.done;
    }
    const named = (name: string): Verb | undefined => verbs.find((verb) => verb.name === name || verb.alias === name);
    const verb = named(args.slice(0, 2).join(' ')) ?? named(args[0] ?? '');
    const family = verbs.filter(({ name }) => name.startsWith(`${args[0] ?? ''} `));
    if (verb === undefined && family.length > 0) {
      io.stdout(rowsOf(family).join(''));
      return EXIT.done;
    }
    if (verb === undefined) {
      const meant = nearest(args[0] ?? '', verbs.map(({ name }) => name));
      const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
      return report({ code: 'usage', details: [`unknown command ${JSON.stringify(args[0])}${hint}`] }, io);
    }
    io.stdout(page(verb, paint));
    return EXIT.done;
  },
};

function overview(verbs: readonly Verb[], paint: Paint): string {
  const lines = rowsOf(verbs);
  const groups = VERB_GROUPS.map((group) => {
    const own = lines.filter((_line, index) => verbs[index]?.group === group);
    return own.length === 0 ? '' : `${paint('bold', group)}\n${own.join('')}\n`;
  });
  const more = 'dictator help VERB tells more about each.\n';
  return `${OPENING}\n${paint('bold', 'Usage')}\n${USAGE}\n${groups.join('')}${more}\n${CLOSING}`;
}

function rowsOf(verbs: readonly Verb[]): string[] {
  return table(verbs.map((verb) => [`  ${usageOf(verb)}`, verb.summary]))
    .trimEnd()
    .split('\n')
    .map((line) => `${line}\n`);
}

/** A verb with its words and with the flags that it cannot do without. */
export function usageOf({ name, args, needs = [] }: Verb): string {
  return [name, args, ...needs.map(flagUsage)].filter((part) => part !== '').join(' ');
}

function flagUsage(name: FlagName): string {
  const { value } = FLAGS[name];
  return value === null ? `--${name}` : `--${name} ${value}`;
}

/** Everything about one verb. */
export function page(verb: Verb, paint: Paint): string {
  const { alias, details, flags, examples, needs = [] } = verb;
  const optional = flags.filter((name) => !needs.includes(name));
  const options = flags.length === 0 ? '' : `\n${paint('bold', 'Options')}\n${flags.map(optionText).join('')}`;
  const also = alias === undefined ? '' : `\nAlso: dictator ${alias}\n`;
  return [
    `dictator ${usageOf(verb)}${optional.length === 0 ? '' : ' [OPTIONS]'}\n\n`,
    wrapped(`${verb.summary.charAt(0).toUpperCase()}${verb.summary.slice(1)}.`, WIDTH),
    ...details.map((paragraph) => `\n${wrapped(paragraph, WIDTH)}`),
    also,
    options,
    `\n${paint('bold', 'Examples')}\n${examples.map((example) => `  ${example}\n`).join('')}`,
  ].join('');
}

const optionText = (name: FlagName): string =>
  `  ${flagUsage(name)}\n${wrapped(FLAGS[name].meaning, WIDTH, '      ')}`;
