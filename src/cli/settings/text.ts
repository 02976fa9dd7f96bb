/**
 * Settings as text that people edit: one `key = value` per line, `#` before what is only said. What nobody set stands
 * there as a comment with its meaning, so that the document explains itself.
 *
 * JSON is read as well, for programs. Every fault names its line.
 */
import { readJson } from '../../config/json.ts';
import { KEYS } from '../../config/keys.ts';
import { checkPatch, flattened, parametersIn, SERVICE_KEYS, valueOfText } from '../../config/service-settings.ts';
import type { SettingFault, SettingsDocument } from '../../contract/settings.ts';
import { ZONE_RULES } from '../../contract/settings.ts';
import type { Parameters } from './trial.ts';

type Values = Readonly<Record<string, string | number | boolean | null>>;

export type ReadValues =
  | { readonly ok: true; readonly values: Values }
  /** Each is one line for a person. `parameters`: those of Redis without a fault of their own. */
  | { readonly ok: false; readonly faults: readonly string[]; readonly parameters: Parameters };

/** One line: `line 7: redis.bind: cannot be set for a service: ... Set it in ...` */
export function faultLine(place: string, { key, value, reason, fix }: SettingFault): string {
  const where = [place, key].filter((part) => part !== '').join(': ');
  return `${where}: ${value === null ? reason : `${value} ${reason}`}. ${fix}`;
}

interface Entry {
  readonly key: string;
  readonly value: unknown;
  readonly place: string;
}

function checkedEntries(entries: readonly Entry[], faults: readonly string[]): ReadValues {
  const places = new Map<string, string>();
  const twice: string[] = [];
  for (const { key, place } of entries) {
    if (places.has(key)) twice.push(`${place}: ${key}: stands there twice. Remove one of them.`);
    places.set(key, place);
  }
  const patch = Object.fromEntries(entries.map(({ key, value }) => [key, value]));
  const checked = checkPatch(patch);
  const wrong = checked.ok ? [] : checked.faults.map((fault) => faultLine(places.get(fault.key) ?? '', fault));
  const all = [...faults, ...twice, ...wrong];
  if (checked.ok && all.length === 0) return { ok: true, values: checked.patch };
  return { ok: false, faults: all, parameters: parametersIn(patch) };
}

const ASSIGNMENT = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/;

/** `key=value` of a command line; nothing behind the sign takes the value away. */
export function readAssignments(words: readonly string[]): ReadValues {
  const faults: string[] = [];
  const entries = words.flatMap((word): Entry[] => {
    const [, key, text] = ASSIGNMENT.exec(word) ?? [];
    if (key === undefined || text === undefined) {
      faults.push(`${JSON.stringify(word)} is not KEY=VALUE. Write the key, = and the value, as one word.`);
      return [];
    }
    return [{ key, value: text === '' ? null : valueOfText(key, text), place: '' }];
  });
  return checkedEntries(entries, faults);
}

/** A whole document, as lines or as JSON: what it does not name is not set. */
export function readDocument(text: string): ReadValues {
  return text.trimStart().startsWith('{') ? readJsonDocument(text) : readLines(text);
}

function readJsonDocument(text: string): ReadValues {
  const json = readJson(text);
  if (!json.ok) {
    const { line, column, reason } = json.fault;
    const faults = [`line ${line}, column ${column}: ${reason}. Correct the syntax at that place.`];
    return { ok: false, faults, parameters: {} };
  }
  const twice = json.duplicates.map(({ path, line }) => {
    return `line ${line}: ${path}: stands there twice. Remove one of them.`;
  });
  // A document that was read over HTTP names its version.
  const values = Object.entries(flattened(json.value as Readonly<Record<string, unknown>>));
  const entries = values.filter(([key]) => key !== 'version').map(([key, value]) => ({ key, value, place: '' }));
  return checkedEntries(entries, twice);
}

function readLines(text: string): ReadValues {
  const faults: string[] = [];
  const entries = text.split('\n').flatMap((line, index): Entry[] => {
    if (line.trim() === '' || line.trimStart().startsWith('#')) return [];
    const place = `line ${index + 1}`;
    const [, key, value] = ASSIGNMENT.exec(line) ?? [];
    if (key !== undefined && value !== undefined && value !== '') {
      return [{ key, value: valueOfText(key, value), place }];
    }
    faults.push(`${place}: is not "key = value". Write one setting per line, or # before a comment.`);
    return [];
  });
  return checkedEntries(entries, faults);
}

/** What makes `before` into `after`: new values, and null for what is not there any more. */
export function patchBetween(before: SettingsDocument, after: Values): Values {
  const gone = Object.keys(before).filter((key) => !Object.hasOwn(after, key)).map((key) => [key, null] as const);
  const changed = Object.entries(after).filter(([key, value]) => before[key] !== value);
  return Object.fromEntries([...changed, ...gone]);
}

const HEAD = [
  'Lines that begin with # say something and set nothing.',
  'What is not set here, the configuration of each node says. Nothing is stored before all of it was checked.',
];

const OTHERS: readonly (readonly [key: string, meaning: string])[] = [
  ['zones', `where the successor of a master shall be: ${ZONE_RULES.join(', ')}`],
  ['parallel_syncs', 'most replicas in a full sync at the same time; 0 for no bound'],
];

/** The document as an editor opens it. */
export function renderDocument(service: string, version: number, document: SettingsDocument): string {
  const lines = [`# Settings of ${service}, version ${version}.`, ...HEAD.map((line) => `# ${line}`), ''];
  const meanings = [...SERVICE_KEYS.map((key) => [key, KEYS[key].meaning] as const), ...OTHERS];
  for (const [key, meaning] of meanings) {
    const value = document[key];
    lines.push(`# ${meaning}`, value === undefined ? `# ${key} =` : `${key} = ${String(value)}`, '');
  }
  const below = (group: string): string[] => Object.entries(document)
    .filter(([key]) => key.startsWith(group))
    .map(([key, value]) => `${key} = ${String(value)}`);
  lines.push('# of one node: nodes.NAME.priority, .zone, .never_master, .no_read', ...below('nodes.'));
  lines.push('', '# of every Redis, by CONFIG SET: redis.PARAMETER', ...below('redis.'));
  return `${lines.join('\n')}\n`;
}
