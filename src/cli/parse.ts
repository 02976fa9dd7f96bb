/**
 * The command line as a value: which verb, with which options, or why it is none.
 *
 * Flags may be written as Go's flag package takes them (`-config FILE`, `-version=true`), since users of the original
 * have them so in their units and scripts. They are turned into the double-dash form first; Node's own parser does
 * the rest.
 */
import { parseArgs } from 'node:util';
import { nearest } from '../config/nearest.ts';

export type Command =
  | { readonly verb: 'run'; readonly config: string | undefined; readonly logLevel: string | undefined }
  | { readonly verb: 'bootstrap'; readonly config: string | undefined; readonly master: string }
  | { readonly verb: 'version' }
  | { readonly verb: 'help' };

export type Verb = Command['verb'];

export type Parsed =
  | { readonly ok: true; readonly command: Command }
  | { readonly ok: false; readonly reason: string };

const FLAGS = {
  config: { type: 'string' },
  'log-level': { type: 'string' },
  master: { type: 'string' },
  version: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Flag = keyof typeof FLAGS;

const FLAG_NAMES = Object.keys(FLAGS) as readonly Flag[];
const isFlag = (name: string): name is Flag => Object.hasOwn(FLAGS, name);

/** Which flags a verb takes; `version` and `help` are verbs in the guise of flags. */
const FLAGS_OF_VERB: Readonly<Record<Verb, readonly Flag[]>> = {
  run: ['config', 'log-level'],
  bootstrap: ['config', 'master'],
  version: ['config', 'log-level'],
  help: FLAG_NAMES,
};

/** Running the agent has no name on the command line: it is what no verb means. */
const VERB_WORDS: readonly Exclude<Verb, 'run'>[] = ['bootstrap', 'version', 'help'];

interface Given {
  readonly values: Map<Flag, string>;
  readonly words: string[];
}

export function parse(args: readonly string[]): Parsed {
  const given = readFlags(args);
  return typeof given === 'string' ? refuse(given) : commandOf(given);
}

const refuse = (reason: string): Parsed => ({ ok: false, reason });

/** Flags and words, or what is wrong with them. */
function readFlags(args: readonly string[]): Given | string {
  const { tokens } = parseArgs({ args: withDoubleDash(args), options: FLAGS, strict: false, tokens: true });
  const given: Given = { values: new Map(), words: [] };
  for (const token of tokens) {
    if (token.kind === 'positional') given.words.push(token.value);
    if (token.kind !== 'option') continue;
    const fault = takeFlag(given.values, token);
    if (fault !== undefined) return fault;
  }
  return given;
}

interface FlagToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
}

function takeFlag(values: Map<Flag, string>, { name, rawName, value }: FlagToken): string | undefined {
  if (!isFlag(name)) {
    const meant = nearest(name, FLAG_NAMES);
    return `unknown flag ${rawName}${meant === undefined ? '' : `, did you mean --${meant}?`}`;
  }
  if (FLAGS[name].type === 'boolean') {
    if (value !== undefined && value !== 'true' && value !== 'false') return `--${name} takes no value`;
    if (value === 'false') values.delete(name);
    else values.set(name, 'true');
    return undefined;
  }
  // `--config --version` is a forgotten value, not a file of that name.
  if (value === undefined || value === '' || isFlag(value.replace(/^--/, ''))) return `--${name} needs a value`;
  values.set(name, value);
  return undefined;
}

const SINGLE_DASH = /^-[A-Za-z][\w-]+(?:=|$)/;

/** Whether the argument after this one is its value. */
function takesNext(arg: string): boolean {
  const name = arg.slice(2);
  return arg.startsWith('--') && isFlag(name) && FLAGS[name].type === 'string';
}

/** `-config` becomes `--config`, up to a `--`; what follows a flag as its value stays as it is. */
function withDoubleDash(args: readonly string[]): string[] {
  const normal: string[] = [];
  let isValue = false;
  for (const [index, arg] of args.entries()) {
    if (!isValue && arg === '--') return [...normal, ...args.slice(index)];
    const written: string = !isValue && SINGLE_DASH.test(arg) ? `-${arg}` : arg;
    normal.push(written);
    isValue = !isValue && takesNext(written);
  }
  return normal;
}

function commandOf({ values, words }: Given): Parsed {
  const verb = verbOf(values, words);
  if (verb === undefined) return refuse(unknownVerb(words[0] ?? ''));
  const extra = words[1];
  if (extra !== undefined && verb !== 'help') return refuse(`unexpected argument ${JSON.stringify(extra)}`);
  const stray = [...values.keys()].find((name) => name !== verb && !FLAGS_OF_VERB[verb].includes(name));
  if (stray !== undefined) return refuse(`--${stray} does not belong ${verb === 'run' ? 'here' : `to ${verb}`}`);
  return withOptions(verb, values);
}

function verbOf(values: ReadonlyMap<Flag, string>, words: readonly string[]): Verb | undefined {
  if (values.has('help')) return 'help';
  if (values.has('version') && words.length === 0) return 'version';
  return words[0] === undefined ? 'run' : VERB_WORDS.find((word) => word === words[0]);
}

function unknownVerb(word: string): string {
  const meant = nearest(word, VERB_WORDS);
  return `unknown command ${JSON.stringify(word)}${meant === undefined ? '' : `, did you mean ${meant}?`}`;
}

function withOptions(verb: Verb, values: ReadonlyMap<Flag, string>): Parsed {
  const config = values.get('config');
  const master = values.get('master');
  switch (verb) {
    case 'run':
      return { ok: true, command: { verb, config, logLevel: values.get('log-level') } };
    case 'bootstrap':
      if (master === undefined) return refuse('bootstrap needs --master NAME');
      return { ok: true, command: { verb, config, master } };
    case 'version':
    case 'help':
      return { ok: true, command: { verb } };
  }
}
