/**
 * Builds the configuration: default, file, environment, flag, where later wins. Either one frozen `Config` or *every*
 * fault of every source; a value that a later source overrides is checked, too, since it would bite the day that
 * source goes away.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Config, SentinelConfig } from './config.ts';
import { FAULT_RULES, WARNING_RULES } from './cross-checks.ts';
import type { Contradiction } from './cross-checks.ts';
import { formatFault } from './faults.ts';
import type { Fault } from './faults.ts';
import { KEYS, KEY_NAMES, keyOf } from './keys.ts';
import type { KeyName } from './keys.ts';
import type { ReadFile } from './read-file.ts';
import { SCHEMAS, check, isImplemented } from './schemas.ts';
import type { ImplementedKey, Values } from './schemas.ts';
import { Secret } from './secret.ts';
import { fromEnvironment, fromFile, fromText, shownValue } from './sources.ts';
import type { Gathered, Setting } from './sources.ts';

export interface LoadOptions {
  /** Path of the JSON file; without it there is none, and that is no fault. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Values of flags that set a key, as text. */
  readonly flags?: Readonly<Partial<Record<KeyName, string>>>;
  readonly readFile: ReadFile;
}

export type Loaded =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly faults: readonly Fault[] };

/** Reads all sources once. Never throws and never writes. */
export function loadConfig(options: LoadOptions): Loaded {
  const gathered = [
    ...(options.file === undefined ? [] : [fromFile(options.file, options.readFile)]),
    fromEnvironment(options.env),
    fromFlags(options.flags ?? {}),
  ];
  const faults = gathered.flatMap((source) => source.faults);
  const warnings = gathered.flatMap((source) => source.warnings);
  const given = new Given();
  for (const setting of gathered.flatMap((source) => source.settings)) faults.push(...given.take(setting));
  faults.push(...given.contradictions(FAULT_RULES).map((found) => given.faultOf(found)));
  const findings = { options, faults, warnings };
  const password = passwordOf(given, 'node', findings);
  const sentinelPassword = passwordOf(given, 'sentinel', findings);
  if (faults.length > 0) return { ok: false, faults };
  for (const found of given.contradictions(WARNING_RULES)) warnings.push(formatFault(given.faultOf(found)));
  return { ok: true, config: deepFreeze(compose(given.values as Values, { password, sentinelPassword })), warnings };
}

function fromFlags(flags: Readonly<Partial<Record<KeyName, string>>>): Gathered {
  const settings = KEY_NAMES.flatMap((key): Setting[] => {
    const text = flags[key];
    const source = `--${key.replaceAll('_', '-')}`;
    return text === undefined ? [] : [{ key, value: fromText(key, text), source }];
  });
  return { settings, faults: [], warnings: [] };
}

/** The values so far, and where each came from. A key with a faulty value has none, so that no rule judges it. */
class Given {
  values: Readonly<Partial<Record<ImplementedKey, unknown>>> = {};
  readonly #sources: Partial<Record<ImplementedKey, string>> = {};

  constructor() {
    for (const key of Object.keys(SCHEMAS) as ImplementedKey[]) {
      const value = KEYS[key].default;
      const checked = value === null ? { ok: true as const, value } : check(key, value);
      if (checked.ok) this.#set(key, checked.value);
    }
  }

  take(setting: Setting): Fault[] {
    const { key, value, source } = setting;
    if (!isImplemented(key)) return notYet(setting);
    const checked = check(key, value);
    this.#sources[key] = source;
    this.#set(key, checked.ok ? checked.value : undefined);
    if (checked.ok) return [];
    return checked.faults.map((fault) => ({
      source,
      path: fault.index === undefined ? key : `${key}[${fault.index}]`,
      value: shownValue(key, fault.value),
      reason: fault.reason,
      fix: keyOf(key).fix,
    }));
  }

  #set(key: ImplementedKey, value: unknown): void {
    this.values = { ...this.values, [key]: value };
  }

  contradictions(rules: typeof FAULT_RULES): Contradiction[] {
    return rules.flatMap((rule) => rule(this.values as Partial<Values>) ?? []);
  }

  faultOf(found: Contradiction): Fault {
    return { source: this.#sources[found.path] ?? 'default', ...found };
  }
}

/** A key of a later version does no harm while it asks for what this version does anyway. */
function notYet({ key, value, source }: Setting): Fault[] {
  const row = keyOf(key);
  if (row.default !== null && isDeepStrictEqual(value, row.default)) return [];
  return [{ source, path: key, reason: 'is known, but not available in this version', fix: row.fix }];
}

interface Findings {
  readonly options: LoadOptions;
  readonly faults: Fault[];
  readonly warnings: string[];
}

/** The password of Redis, or that of the Sentinel port: given itself, or as a file. */
function passwordOf(
  given: Given,
  of: 'node' | 'sentinel',
  { options, faults, warnings }: Findings,
): Secret | null {
  const own = given.values[`${of}.password`];
  if (own instanceof Secret) return own;
  const key = `${of}.password_file` as const;
  const path = given.values[key];
  if (typeof path !== 'string') return null;
  const fault = (reason: string): null => {
    const value = shownValue(key, path);
    faults.push({ ...given.faultOf({ path: key, reason, fix: KEYS[key].fix }), value });
    return null;
  };
  const read = options.readFile(path);
  if (!read.ok) return fault(read.reason);
  const password = read.text.replace(/\r?\n$/, '');
  if (password === '') return fault('holds no password');
  if (/[\r\n]/.test(password)) return fault('holds more than one line');
  if (read.othersMayRead) warnings.push(`${path}: holds a secret and every user of this host can read it.`);
  return new Secret(password);
}

interface Passwords {
  readonly password: Secret | null;
  readonly sentinelPassword: Secret | null;
}

function sentinelOf(values: Values, password: Secret | null): SentinelConfig | null {
  const port = values['sentinel.port'];
  if (port === 'off') return null;
  return {
    port,
    bind: values['sentinel.bind'] ?? [],
    masterNames: values['sentinel.master_name'] ?? [values.svc_name],
    users: [...(password === null ? [] : [{ name: 'default', password }]), ...(values['sentinel.users'] ?? [])],
    announceHost: values['sentinel.announce_host'] ?? values['node.host'],
    announcePort: values['sentinel.announce_port'] ?? port,
    announceHostnames: values['sentinel.announce_hostnames'],
    services: values['sentinel.services'] ?? [],
    aliases: values['sentinel.aliases'],
    clientsMax: values['sentinel.clients_max'],
  };
}

function compose(values: Values, { password, sentinelPassword }: Passwords): Config {
  return {
    svcName: values.svc_name,
    logLevel: values.log_level,
    http: {
      port: values.http_port,
      host: values.http_host,
      announceHost: values.announce_http_host ?? values['node.host'],
    },
    zk: { hosts: values.zk_hosts, sessionTimeoutMs: values.zk_session_timeout_ms },
    node: {
      name: values['node.name'],
      host: values['node.host'],
      port: values['node.port'],
      loadingTimeoutMs: values['node.loading_timeout'] * 1000,
      username: values['node.username'],
      password,
      priority: values['node.priority'],
      neverMaster: values['node.never_master'],
      noRead: values['node.no_read'],
      zone: values['node.zone'],
    },
    downAfterMs: values.down_after_ms,
    fenceMarginMs: values.fence_margin_ms,
    trustRefused: values.trust_refused,
    bootstrapSettleMs: values.bootstrap_settle_ms,
    expectedNodes: values.expected_nodes,
    electionSettleMs: values.election_settle_ms,
    recoveryGraceMs: values.recovery_grace_ms,
    shared: {
      durability: values.durability,
      waitReplicas: values.wait_replicas,
      onEnsembleLoss: values.on_ensemble_loss,
      priorityLagBytes: values.priority_lag_bytes,
    },
    complaintAfterMs: values.complaint_after_ms,
    failoverBudget: values.failover_budget,
    failoverCalmMs: values.failover_calm_ms,
    unwritableAfterMs: values.unwritable_after_ms,
    fenceByKill: values.fence_by_kill,
    publishReplicas: values.publish_replicas,
    rescue: {
      mode: values['rescue.mode'],
      dir: values['rescue.dir'],
      keep: values['rescue.keep'],
      minFreeBytes: values['rescue.min_free_bytes'],
      timeoutMs: values['rescue.timeout_ms'],
    },
    failsafePromiseMs: values.failsafe_promise_ms,
    forgetAfterMs: values.forget_after_ms,
    shutdownTimeoutMs: values.shutdown_timeout_ms,
    onStop: values.on_stop,
    sentinel: sentinelOf(values, sentinelPassword),
  };
}

function deepFreeze<T extends object>(value: T): T {
  for (const part of Object.values(value)) {
    if (typeof part === 'object' && part !== null) deepFreeze(part as object);
  }
  return Object.freeze(value);
}
