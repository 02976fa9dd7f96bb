/**
 * The command line as a value: which verb, with which flags and words, or why it is none.
 *
 * Flags may be written as Go's flag package takes them (`-config FILE`, `-version=true`), since users of the original
 * have them so in their units and scripts. They are turned into the double-dash form first; Node's own parser does
 * the rest.
 */
import { parseArgs } from 'node:util';
import { nearest } from '../config/nearest.ts';
import { FLAGS, FLAG_NAMES, FlagValues, isFlagName } from './flags.ts';
import type { FlagName } from './flags.ts';
import type { Verb } from './verb.ts';

/** Running the agent has no name on the command line: it is what no verb means. */
const AGENT_FLAGS = ['config', 'log-level'] as const satisfies readonly FlagName[];

/** Flags that are verbs in disguise, as other programs have them. */
const VERBS_AS_FLAGS = ['help', 'version'] as const;

export type Parsed =
  | { readonly ok: true; readonly verb: Verb; readonly args: readonly string[]; readonly flags: FlagValues }
  /** `verb`: whose help would tell more. */
  | { readonly ok: false; readonly reason: string; readonly verb?: Verb };

interface Given {
  readonly values: Map<FlagName, string>;
  readonly words: string[];
}

/** The flags of a call that runs the agent, or null where a verb, or an error, has to be looked for. */
export function parseAgentRun(args: readonly string[]): FlagValues | null {
  const given = readFlags(args);
  if (typeof given === 'string' || given.words.length > 0) return null;
  const known: readonly FlagName[] = AGENT_FLAGS;
  return [...given.values.keys()].every((name) => known.includes(name)) ? new FlagValues(given.values) : null;
}

export function parse(args: readonly string[], verbs: readonly Verb[]): Parsed {
  const given = readFlags(args);
  if (typeof given === 'string') return { ok: false, reason: given };
  const found = verbOf(given, verbs);
  if (typeof found === 'string') return { ok: false, reason: found };
  const { verb, args: words } = found;
  const fault = faultOf(verb, words, given.values);
  if (fault !== undefined) return { ok: false, reason: fault, verb };
  return { ok: true, verb, args: words, flags: new FlagValues(given.values) };
}

/** Flags and words, or what is wrong with them. */
function readFlags(args: readonly string[]): Given | string {
  const options = Object.fromEntries(
    FLAG_NAMES.map((name) => {
      const type = FLAGS[name].value === null ? 'boolean' as const : 'string' as const;
      return [name, name === 'help' ? { type, short: 'h' } : { type }];
    }),
  );
  const { tokens } = parseArgs({ args: withDoubleDash(args), options, strict: false, tokens: true });
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
  readonly value?: string | undefined;
}

function takeFlag(values: Map<FlagName, string>, { name, rawName, value }: FlagToken): string | undefined {
  if (!isFlagName(name)) {
    const meant = nearest(name, FLAG_NAMES);
    return `unknown flag ${rawName}${meant === undefined ? '' : `, did you mean --${meant}?`}`;
  }
  if (FLAGS[name].value === null) {
    if (value !== undefined && value !== 'true' && value !== 'false') return `--${name} takes no value`;
    if (value === 'false') values.delete(name);
    else values.set(name, 'true');
    return undefined;
  }
  // `--config --version` is a forgotten value, not a file of that name.
  if (value === undefined || value === '' || isFlagName(value.replace(/^--/, ''))) return `--${name} needs a value`;
  values.set(name, value);
  return undefined;
}

const SINGLE_DASH = /^-[A-Za-z][\w-]+(?:=|$)/;

/** Whether the argument after this one is its value. */
function takesNext(arg: string): boolean {
  const name = arg.slice(2);
  return arg.startsWith('--') && isFlagName(name) && FLAGS[name].value !== null;
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

interface Found {
  readonly verb: Verb;
  readonly args: readonly string[];
}

function verbOf({ values, words }: Given, verbs: readonly Verb[]): Found | string {
  const named = (name: string): Verb | undefined => verbs.find((verb) => verb.name === name || verb.alias === name);
  // `list --help` is `help list`, and `help` takes whatever else stands there.
  if (values.has('help')) words.unshift('help');
  const disguised = VERBS_AS_FLAGS.find((name) => values.has(name) && words.length === 0);
  const [first = disguised ?? '', second] = words;
  const longer = second === undefined ? undefined : named(`${first} ${second}`);
  if (longer !== undefined) return { verb: longer, args: words.slice(2) };
  const verb = named(first);
  if (verb !== undefined) return { verb, args: words.slice(1) };
  if (words.length === 0) return withoutVerb(values);
  return unknownVerb(words, verbs);
}

/** Flags alone that do not run the agent: the first that does not is named. */
function withoutVerb(values: ReadonlyMap<FlagName, string>): string {
  const known: readonly FlagName[] = AGENT_FLAGS;
  const stray = [...values.keys()].find((name) => !known.includes(name));
  return stray === undefined ? 'no command is given' : `--${stray} does not belong here`;
}

function unknownVerb(words: readonly string[], verbs: readonly Verb[]): string {
  const [first = ''] = words;
  const family = verbs.filter(({ name }) => name.startsWith(`${first} `)).map(({ name }) => name);
  if (family.length > 0) return `${first} needs a second word: ${family.join(', ')}`;
  const meant = nearest(first, verbs.flatMap(({ name, alias }) => alias === undefined ? [name] : [name, alias]));
  return `unknown command ${JSON.stringify(first)}${meant === undefined ? '' : `, did you mean ${meant}?`}`;
}

function faultOf(verb: Verb, words: readonly string[], values: ReadonlyMap<FlagName, string>): string | undefined {
  if (verb.name === 'help') return undefined;
  const extra = words[verb.argsMax];
  if (extra !== undefined) return `unexpected argument ${JSON.stringify(extra)}`;
  if (words.length < verb.argsMin) return `${verb.name} needs ${verb.args}`;
  const takes: readonly string[] = [...verb.flags, verb.name];
  const stray = [...values.keys()].find((name) => !takes.includes(name));
  if (stray !== undefined) return `--${stray} does not belong to ${verb.name}`;
  const missing = verb.needs?.find((name) => !values.has(name));
  return missing === undefined ? undefined : `${verb.name} needs --${missing} ${FLAGS[missing].value ?? ''}`.trimEnd();
}
