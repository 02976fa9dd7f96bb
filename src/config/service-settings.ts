/**
 * Settings of a service as an operator writes them: flat names of the configuration file, `nodes.NAME.TAG`, and
 * `redis.PARAMETER`. Checked here, completely, before anything is stored: a document has all of its faults or none.
 *
 * A parameter of Redis may be set for all nodes unless Dictator itself owns it, it holds a secret, or it says where and
 * who one server is. That list is closed and written down with its reasons, so that a refusal tells what to do instead.
 */
import type { SettingFault, SettingsDocument } from '../contract/settings.ts';
import { SETTINGS_NODES_MAX, SETTINGS_REDIS_MAX, SETTINGS_TEXT_MAX, ZONE_RULES } from '../contract/settings.ts';
import { shown } from './faults.ts';
import { fromText } from './sources.ts';
import { KEYS } from './keys.ts';
import { nearest } from './nearest.ts';
import { check } from './schemas.ts';

/** Keys of the configuration file that a service may set for all its nodes. */
export const SERVICE_KEYS = [
  'durability',
  'wait_replicas',
  'on_ensemble_loss',
  'priority_lag_bytes',
  'down_after_ms',
  'election_settle_ms',
  'recovery_grace_ms',
  'complaint_after_ms',
  'failover_budget',
  'failover_calm_ms',
  'unwritable_after_ms',
  'forget_after_ms',
] as const;

export type ServiceKey = (typeof SERVICE_KEYS)[number];

/** The first four are part of every record: they can be changed, and not be taken away. */
const SHARED_KEYS: readonly ServiceKey[] = SERVICE_KEYS.slice(0, 4);

const TAGS = ['priority', 'zone', 'never_master', 'no_read'] as const;
export type Tag = (typeof TAGS)[number];

const PARALLEL_SYNCS_MAX = 63;
const NODE_NAME = /^[^/\u0000-\u001f]{1,255}$/;
const PARAMETER_NAME = /^[a-z][a-z0-9-]{1,63}$/;

const PARAMETER_FIX = 'Use the name and the value as for CONFIG SET, such as redis.maxmemory=1gb.';

const OWNED = 'Dictator sets it itself';
const SECRET = 'it holds a secret, and settings are readable by everybody';
const OF_ONE_SERVER = 'it says where or who one server is';

const USE_PRIORITY = 'Use nodes.NAME.priority.';
const USE_PASSWORD = 'Use node.password_file of each node, and the configuration of Redis.';
const USE_FILE = 'Set it in the configuration file of each Redis.';
const LEAVE = 'Leave it to Dictator; docs/operations.md says what it does with it.';

/** Why a parameter of Redis cannot be a setting of the service. Old names of the same are there as well. */
export const REFUSED_PARAMETERS: Readonly<Record<string, readonly [reason: string, fix: string]>> = {
  'min-replicas-to-write': [OWNED, LEAVE],
  'min-replicas-max-lag': [OWNED, LEAVE],
  'min-slaves-to-write': [OWNED, LEAVE],
  'min-slaves-max-lag': [OWNED, LEAVE],
  'repl-diskless-sync-max-replicas': [OWNED, LEAVE],
  'repl-backlog-ttl': [OWNED, LEAVE],
  'repl-backlog-size': [OWNED, 'Set it in the configuration file of each Redis; Dictator raises it to 64 MB at least.'],
  'replicaof': [OWNED, 'Use dictator switchover.'],
  'slaveof': [OWNED, 'Use dictator switchover.'],
  'replica-read-only': [OWNED, LEAVE],
  'slave-read-only': [OWNED, LEAVE],
  'replica-announce-ip': [OWNED, 'Use node.host of each node.'],
  'replica-announce-port': [OWNED, 'Use node.port of each node.'],
  'slave-announce-ip': [OWNED, 'Use node.host of each node.'],
  'slave-announce-port': [OWNED, 'Use node.port of each node.'],
  'replica-priority': [OWNED, USE_PRIORITY],
  'slave-priority': [OWNED, USE_PRIORITY],
  'masterauth': [SECRET, USE_PASSWORD],
  'masteruser': [OWNED, USE_PASSWORD],
  'requirepass': [SECRET, USE_PASSWORD],
  'tls-key-file-pass': [SECRET, USE_FILE],
  'tls-client-key-file-pass': [SECRET, USE_FILE],
  'user': [SECRET, USE_FILE],
  'aclfile': [OF_ONE_SERVER, USE_FILE],
  'port': [OF_ONE_SERVER, USE_FILE],
  'tls-port': [OF_ONE_SERVER, USE_FILE],
  'bind': [OF_ONE_SERVER, USE_FILE],
  'bind-source-addr': [OF_ONE_SERVER, USE_FILE],
  'protected-mode': [OF_ONE_SERVER, USE_FILE],
  'unixsocket': [OF_ONE_SERVER, USE_FILE],
  'unixsocketperm': [OF_ONE_SERVER, USE_FILE],
  'dir': [OF_ONE_SERVER, USE_FILE],
  'dbfilename': [OF_ONE_SERVER, USE_FILE],
  'appendfilename': [OF_ONE_SERVER, USE_FILE],
  'appenddirname': [OF_ONE_SERVER, USE_FILE],
  'logfile': [OF_ONE_SERVER, USE_FILE],
  'pidfile': [OF_ONE_SERVER, USE_FILE],
  'daemonize': [OF_ONE_SERVER, USE_FILE],
  'supervised': [OF_ONE_SERVER, USE_FILE],
  'include': [OF_ONE_SERVER, USE_FILE],
  'loadmodule': [OF_ONE_SERVER, USE_FILE],
  'rename-command': [OF_ONE_SERVER, USE_FILE],
  'enable-debug-command': [OF_ONE_SERVER, USE_FILE],
  'enable-module-command': [OF_ONE_SERVER, USE_FILE],
  'enable-protected-configs': [OF_ONE_SERVER, USE_FILE],
  'cluster-enabled': ['a server in cluster mode is not managed', 'Leave it off.'],
  'cluster-config-file': [OF_ONE_SERVER, USE_FILE],
};

/** Where a value belongs, by its flat name. */
type Place =
  | { readonly of: 'service'; readonly key: ServiceKey }
  | { readonly of: 'zones' }
  | { readonly of: 'parallel_syncs' }
  | { readonly of: 'node'; readonly node: string; readonly tag: Tag }
  | { readonly of: 'redis'; readonly parameter: string };

const isServiceKey = (name: string): name is ServiceKey => (SERVICE_KEYS as readonly string[]).includes(name);
const isTag = (name: string): name is Tag => (TAGS as readonly string[]).includes(name);

/** A node's name may hold dots; a tag does not. */
export function placeOf(key: string): Place | null {
  if (isServiceKey(key)) return { of: 'service', key };
  if (key === 'zones' || key === 'parallel_syncs') return { of: key };
  if (key.startsWith('redis.')) return { of: 'redis', parameter: key.slice('redis.'.length) };
  if (!key.startsWith('nodes.')) return null;
  const end = key.lastIndexOf('.');
  const [node, tag] = [key.slice('nodes.'.length, end), key.slice(end + 1)];
  return end > 'nodes.'.length && isTag(tag) ? { of: 'node', node, tag } : null;
}

type Verdict = { readonly value: string | number | boolean } | { readonly reason: string; readonly fix: string };

function byKey(key: Parameters<typeof check>[0], value: unknown): Verdict {
  const checked = check(key, value);
  if (checked.ok) return { value: checked.value as string | number | boolean };
  return { reason: checked.faults[0]?.reason ?? 'is not valid', fix: KEYS[key].fix };
}

const ZONES_FIX = `Use ${ZONE_RULES.join(', ')}.`;
const ZONES: readonly unknown[] = ZONE_RULES;

function byRedis(parameter: string, value: unknown): Verdict {
  const refused = Object.hasOwn(REFUSED_PARAMETERS, parameter) ? REFUSED_PARAMETERS[parameter] : undefined;
  if (refused !== undefined) return { reason: `cannot be set for a service: ${refused[0]}`, fix: refused[1] };
  const fix = PARAMETER_FIX;
  if (!PARAMETER_NAME.test(parameter)) return { reason: 'is no name of a parameter of Redis', fix };
  const text = typeof value === 'number' ? String(value) : typeof value === 'boolean' ? (value ? 'yes' : 'no') : value;
  if (typeof text !== 'string' || /[\u0000-\u001f]/.test(text)) return { reason: 'must be text in one line', fix };
  if (text.length > SETTINGS_TEXT_MAX) return { reason: `is longer than ${SETTINGS_TEXT_MAX} characters`, fix };
  return { value: text };
}

function judge(place: Place, value: unknown): Verdict {
  switch (place.of) {
    case 'service':
      return byKey(place.key, value);
    case 'zones':
      if (ZONES.includes(value)) return { value: value as string };
      return { reason: 'is no rule for zones', fix: ZONES_FIX };
    case 'parallel_syncs': {
      const isCount = Number.isInteger(value) && (value as number) >= 0 && (value as number) <= PARALLEL_SYNCS_MAX;
      if (isCount) return { value: value as number };
      const reason = `must be an integer from 0 to ${PARALLEL_SYNCS_MAX}`;
      return { reason, fix: 'Use the number of replicas that may be in a full sync at once, 0 for no bound.' };
    }
    case 'node':
      if (!NODE_NAME.test(place.node) || place.node in Object.prototype) {
        return { reason: 'names no node', fix: 'Use node.name of a node.' };
      }
      return byKey(`node.${place.tag}`, value);
    case 'redis':
      return byRedis(place.parameter, value);
  }
}

/** What an operator may have meant by a name that is none. */
function meantBy(key: string): string {
  const names = [...SERVICE_KEYS, 'zones', 'parallel_syncs'];
  const near = nearest(key, names);
  if (near !== undefined) return `Did you mean ${near}?`;
  const [, tag = ''] = /^nodes\.[^.]+\.(.+)$/.exec(key) ?? [];
  const nearTag = nearest(tag, TAGS);
  if (nearTag !== undefined) return `Did you mean ${nearTag}?`;
  return 'docs/operations/settings.md lists what a service can set: its keys, nodes.NAME.TAG and redis.PARAMETER.';
}

export type CheckedPatch =
  | { readonly ok: true; readonly patch: Readonly<Record<string, string | number | boolean | null>> }
  | { readonly ok: false; readonly faults: readonly SettingFault[] };

/** Checks new values by their flat names; null takes a value away. All faults at once. */
export function checkPatch(patch: Readonly<Record<string, unknown>>): CheckedPatch {
  const faults: SettingFault[] = [];
  const good: Record<string, string | number | boolean | null> = {};
  for (const [key, value] of Object.entries(patch)) {
    const place = placeOf(key);
    if (place === null) {
      faults.push({ key, value: null, reason: 'unknown setting', fix: meantBy(key) });
    } else if (value === null) {
      if (place.of !== 'service' || !SHARED_KEYS.includes(place.key)) good[key] = null;
      else faults.push({ key, value: null, reason: 'cannot be taken away', fix: KEYS[place.key].fix });
    } else {
      const verdict = judge(place, value);
      if ('value' in verdict) good[key] = verdict.value;
      else faults.push({ key, value: shownOf(place, value), reason: verdict.reason, fix: verdict.fix });
    }
  }
  return faults.length > 0 ? { ok: false, faults } : { ok: true, patch: good };
}

/** The parameters of Redis that a patch sets, flat or nested, as text: those that have no fault of themselves. */
export function parametersIn(patch: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  const good = Object.entries(flattened(patch)).flatMap(([key, value]) => {
    const place = placeOf(key);
    if (place?.of !== 'redis' || value === null) return [];
    const verdict = byRedis(place.parameter, value);
    return 'value' in verdict ? [[place.parameter, String(verdict.value)] as const] : [];
  });
  return Object.fromEntries(good.slice(0, SETTINGS_REDIS_MAX));
}

/** A parameter that a Redis would not take; `said` is its own word, `node` whose it is. */
export function refusedParameter(
  { name, value, said }: { readonly name: string; readonly value: string; readonly said: string },
  node: string,
): SettingFault {
  const reason = `is refused by the Redis of ${node}: ${said.replace(/\.$/, '')}`;
  return { key: `redis.${name}`, value: shown(value), reason, fix: PARAMETER_FIX };
}

/** What somebody took for a setting may be a password. */
function shownOf(place: Place, value: unknown): string | null {
  return place.of === 'redis' && Object.hasOwn(REFUSED_PARAMETERS, place.parameter) ? null : shown(value);
}

/** The document after a patch; null keys are gone. What two values must be to each other is judged here. */
export function applyPatch(
  document: SettingsDocument,
  patch: Readonly<Record<string, string | number | boolean | null>>,
): { readonly document: SettingsDocument; readonly faults: readonly SettingFault[] } {
  const merged = Object.entries({ ...document, ...patch }).filter((entry) => entry[1] !== null);
  const after = Object.fromEntries(merged) as SettingsDocument;
  return { document: after, faults: tooMany(after) };
}

function tooMany(document: SettingsDocument): readonly SettingFault[] {
  const places = Object.keys(document).map(placeOf);
  const nodes = new Set(places.flatMap((place) => (place?.of === 'node' ? [place.node] : [])));
  const parameters = places.filter((place) => place?.of === 'redis');
  const fix = 'Take some away.';
  return [
    ...(nodes.size <= SETTINGS_NODES_MAX ? [] : [{ key: 'nodes', value: null, reason: 'names too many', fix }]),
    ...(parameters.length <= SETTINGS_REDIS_MAX ? [] : [{ key: 'redis', value: null, reason: 'sets too many', fix }]),
  ];
}

/** A name has three parts, `nodes.NAME.TAG`, and its middle may hold dots. What is nested deeper is no setting. */
const GROUPS_DEEP_MAX = 8;

/** Nested objects as their flat names: `{"redis": {"maxmemory": "1gb"}}`. A group that is null takes nothing away. */
export function flattened(
  value: Readonly<Record<string, unknown>>,
  deepMax = GROUPS_DEEP_MAX,
): Readonly<Record<string, unknown>> {
  const flat: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value)) {
    if (deepMax === 0 || !isGroup(inner)) flat[name] = inner;
    else for (const [key, deeper] of Object.entries(flattened(inner, deepMax - 1))) flat[`${name}.${key}`] = deeper;
  }
  return flat;
}

const isGroup = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A flat document as people and programs read it. */
export function nested(document: SettingsDocument): Readonly<Record<string, unknown>> {
  const root: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(document)) {
    const place = placeOf(key);
    if (place?.of === 'node') {
      const nodes = groupOf(root, 'nodes');
      groupOf(nodes, place.node)[place.tag] = value;
    } else if (place?.of === 'redis') {
      groupOf(root, 'redis')[place.parameter] = value;
    } else {
      root[key] = value;
    }
  }
  return root;
}

function groupOf(parent: Record<string, unknown>, name: string): Record<string, unknown> {
  parent[name] ??= {};
  return parent[name] as Record<string, unknown>;
}

/** Text of a command line or a file, in the shape that its key wants. */
export function valueOfText(key: string, text: string): unknown {
  const place = placeOf(key);
  switch (place?.of) {
    case 'service':
      return fromText(place.key, text);
    case 'parallel_syncs':
      return /^\s*-?\d+\s*$/.test(text) ? Number(text) : text;
    case 'node':
      return fromText(`node.${place.tag}`, text);
    case 'zones':
    case 'redis':
    case undefined:
      return text;
  }
}
