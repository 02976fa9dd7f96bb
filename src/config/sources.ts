/**
 * Reads the three places where a value can be given - file, environment, flags - into settings of one shape: key,
 * value, and the place to name in a fault. Nothing is checked here but the names.
 */
import { HIDDEN, shown } from './faults.ts';
import type { Fault } from './faults.ts';
import { readJson } from './json.ts';
import { GROUPS, KEY_NAMES, envNameOf, isKeyName, keyOf } from './keys.ts';
import type { KeyName } from './keys.ts';
import { nearest } from './nearest.ts';
import type { ReadFile } from './read-file.ts';

/** One value that somebody gave. */
export interface Setting {
  readonly key: KeyName;
  readonly value: unknown;
  readonly source: string;
}

export interface Gathered {
  readonly settings: readonly Setting[];
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
}

const BYTE_ORDER_MARK = '\uFEFF';

/** Reads the file: syntax, duplicate and unknown keys. A `null` is a value that was not given. */
export function fromFile(path: string, readFile: ReadFile): Gathered {
  const failed = (reason: string, fix: string): Gathered => {
    return { settings: [], faults: [{ source: path, path: '', reason, fix }], warnings: [] };
  };
  const read = readFile(path);
  if (!read.ok) return failed(read.reason, 'Correct --config, or the permissions of the file.');
  const text = read.text.startsWith(BYTE_ORDER_MARK) ? read.text.slice(1) : read.text;
  const json = readJson(text);
  if (!json.ok) {
    const { line, column, reason } = json.fault;
    return failed(`not JSON at line ${line}, column ${column}: ${reason}`, 'Correct the syntax at that place.');
  }
  if (!isObject(json.value)) return failed('is not a JSON object', 'Write the keys between { and }.');
  const faults: Fault[] = json.duplicates.map((key) => ({
    source: path,
    path: key.path,
    reason: `stands there twice, again in line ${key.line}`,
    fix: 'Remove one of them.',
  }));
  const settings = [...settingsOf(json.value, path, faults)];
  const passwordInside = settings.some((setting) => keyOf(setting.key).secret === true);
  const warnings =
    passwordInside && read.othersMayRead ? [`${path}: holds a secret and every user of this host can read it.`] : [];
  return { settings, faults, warnings };
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function* settingsOf(file: Readonly<Record<string, unknown>>, source: string, faults: Fault[]): Generator<Setting> {
  for (const [name, value] of Object.entries(file)) {
    if (!GROUPS.has(name)) {
      yield* settingOf(name, value, { source, faults });
    } else if (isObject(value)) {
      for (const [inner, innerValue] of Object.entries(value)) {
        yield* settingOf(`${name}.${inner}`, innerValue, { source, faults });
      }
    } else if (value !== null) {
      const example = KEY_NAMES.find((key) => key.startsWith(`${name}.`))?.slice(name.length + 1);
      faults.push({ source, path: name, reason: 'must be an object', fix: `Write "${name}": {"${example}": ...}.` });
    }
  }
}

interface Place {
  readonly source: string;
  readonly faults: Fault[];
}

function* settingOf(name: string, value: unknown, { source, faults }: Place): Generator<Setting> {
  if (!isKeyName(name)) faults.push({ source, path: shownName(name), ...unknownName(name, KEY_NAMES, 'key') });
  else if (value !== null) yield { key: name, value, source };
}

/** An unknown name is printed as it stands only where it cannot break the line or the terminal. */
const shownName = (name: string): string => (/^[\w.-]{1,64}$/.test(name) ? name : shown(name));

function unknownName(name: string, known: readonly string[], what: string): Omit<Fault, 'source' | 'path'> {
  const meant = nearest(name, known) ?? byLastPart(name, known);
  const said = { reason: `unknown ${what}`, fix: `Correct or remove it.` };
  return meant === undefined ? said : { ...said, nearest: meant };
}

/** `port` at the top level, or `redis.port`, is most likely `node.port`. */
function byLastPart(name: string, known: readonly string[]): string | undefined {
  const last = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  return known.find((key) => key === last) ?? known.find((key) => key.endsWith(`.${last}`));
}

const PREFIX = 'DICTATOR_';

/** Names with our prefix that are not keys: the file to read, for where no flag can be given. */
export const ENV_CONFIG_FILE = 'DICTATOR_CONFIG';

/**
 * Kubernetes and old Docker links give every container variables named after neighbouring services: a service called
 * `dictator-http` yields `DICTATOR_HTTP_PORT=tcp://10.0.0.7:80`. They are nobody's setting.
 */
const LINK_NAME = /_SERVICE_HOST$|_SERVICE_PORT(?:_\w+)?$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_PROTO|_PORT|_ADDR)?$/;
const LINK_VALUE = /^(?:tcp|udp|sctp):\/\//;

/** Reads every `DICTATOR_*` variable. An empty one is not set: that is how many tools leave something out. */
export function fromEnvironment(env: Readonly<Record<string, string | undefined>>): Gathered {
  const keyByEnvName = new Map<string, KeyName>(KEY_NAMES.map((key) => [envNameOf(key), key]));
  const settings: Setting[] = [];
  const faults: Fault[] = [];
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || name === ENV_CONFIG_FILE || text === undefined || text === '') continue;
    if (LINK_VALUE.test(text) && name.endsWith('_PORT')) continue;
    const key = keyByEnvName.get(name);
    if (key !== undefined) settings.push({ key, value: fromText(key, text), source: name });
    else if (!LINK_NAME.test(name)) {
      faults.push({ source: name, path: '', ...unknownName(name, [...keyByEnvName.keys()], 'variable') });
    }
  }
  return { settings, faults, warnings: [] };
}

/** Text from outside a file, in the shape its key wants; left as text where it has not that shape, to be faulted. */
export function fromText(key: KeyName, text: string): unknown {
  switch (keyOf(key).kind) {
    case 'text':
      return text;
    case 'integer':
      return /^\s*-?\d+\s*$/.test(text) ? Number(text) : text;
    case 'boolean':
      return booleanOf(text);
    case 'list':
      return listOf(text);
    case 'integer_or_text':
      return /^\s*-?\d+\s*$/.test(text) ? Number(text) : text;
    case 'integer_or_list':
      return /^\s*\d+\s*$/.test(text) ? Number(text) : listOf(text);
    case 'any':
      return text;
  }
}

function booleanOf(text: string): unknown {
  const word = text.trim().toLowerCase();
  if (word === 'true') return true;
  return word === 'false' ? false : text;
}

function listOf(text: string): unknown {
  const trimmed = text.trim();
  // An IPv6 address stands in brackets as well: what is not JSON is a list with commas.
  if (trimmed.startsWith('[')) {
    const json = readJson(trimmed);
    if (json.ok) return json.value;
  }
  return trimmed.split(',').map((entry) => entry.trim());
}

/** The value of a fault, where it may be shown. */
export const shownValue = (key: KeyName, value: unknown): string =>
  keyOf(key).secret === true ? HIDDEN : shown(value);
