/**
 * Settings that the command line itself stores in the ensemble, as an agent would store them: checked completely,
 * written over the version that was read, in one transaction with the entry of the history.
 */
import { randomBytes } from 'node:crypto';
import { parametersIn } from '../../config/service-settings.ts';
import type { WallClock } from '../../contract/clock.ts';
import type { ReasonCode } from '../../contract/reasons.ts';
import type { SettingFault } from '../../contract/settings.ts';
import { withChange } from '../../core/operations/settings.ts';
import { RECORD_FORMAT } from '../../core/records.ts';
import type { SettingsRecord } from '../../core/records.ts';
import { encodeRecord } from '../../records/codec.ts';
import { servicePaths } from '../../records/paths.ts';
import { changedSettings } from '../../records/settings-change.ts';
import { documentOf } from '../../records/settings.ts';
import { isZooKeeperError } from '../../zookeeper/index.ts';
import { putOp } from '../act/ensemble-desk.ts';
import { RACED } from '../ensemble.ts';
import type { Ensemble, StoredSettings } from '../ensemble.ts';
import { unlessSilent } from '../facts.ts';
import { reasonText } from '../topology.ts';
import type { Told } from './agent.ts';
import type { SettingsDesk } from './desk.ts';
import type { Trial } from './trial.ts';

const ID_BYTES = 6;
/** For so long the ensemble is asked what became of a write whose answer was lost. */
const SILENCE_MAX_MS = 10_000;
const LOOK_EVERY_MS = 250;

type Stored = StoredSettings & { readonly settings: NonNullable<StoredSettings['settings']> };

export class EnsembleSettings implements SettingsDesk {
  readonly service: string;
  readonly trial: Trial;
  readonly #ensemble: Pick<Ensemble, 'settings' | 'transact'>;
  readonly #clock: WallClock;

  constructor(ensemble: Pick<Ensemble, 'settings' | 'transact'>, service: string, { clock, trial }: {
    readonly clock: WallClock;
    readonly trial: Trial;
  }) {
    this.#ensemble = ensemble;
    this.service = service;
    this.#clock = clock;
    this.trial = trial;
  }

  async read(): Promise<Told> {
    const stored = await this.#stored();
    return 'ok' in stored ? stored : told(stored.settings.value);
  }

  async change(
    patch: Readonly<Record<string, unknown>>,
    { version, asker }: { readonly version: number; readonly asker: string },
  ): Promise<Told> {
    const stored = await this.#stored();
    if ('ok' in stored) return stored;
    const before = stored.settings.value;
    if (stored.settings.format > RECORD_FORMAT) return refused('record_newer');
    const by = { id: `cli-${randomBytes(ID_BYTES).toString('hex')}`, at: Math.round(this.#clock.wallNow()) };
    const changed = changedSettings(before, { patch, asker, version }, by);
    if (changed.is === 'faulty') return invalid(changed.faults);
    if (changed.is === 'outdated') return refused('settings_changed');
    const { record, change } = changed;
    if (change.changes.length === 0) return told(before);
    const parameters = parametersIn(patch);
    const faults = Object.keys(parameters).length === 0 ? [] : await this.trial(parameters);
    if (faults === null) return untried(this.service, Object.keys(parameters));
    if (faults.length > 0) return invalid(faults);
    return this.#write(stored, record, { list: withChange(stored.changes?.value.list ?? [], change) });
  }

  async #stored(): Promise<Stored | Told> {
    const found = await unlessSilent(() => this.#ensemble.settings(this.service));
    if (found === null) return failed('ensemble_unreachable');
    if (found.isUnreadable) return refused('record_unreadable');
    const { settings } = found;
    return settings === null ? failed('service_unknown', this.service) : { ...found, settings };
  }

  async #write(before: Stored, after: SettingsRecord, changes: object): Promise<Told> {
    const { settings, changes: history } = servicePaths(this.service);
    const ops = [
      putOp(settings, encodeRecord(after), before.settings.version),
      putOp(history, encodeRecord(changes), before.changes?.version ?? null),
    ];
    try {
      const written = await unlessSilent(() => this.#ensemble.transact(ops).then(() => true));
      return written === null ? await this.#lookFor(after) : told(after);
    } catch (error) {
      if (RACED.some((code) => isZooKeeperError(error, code))) return refused('settings_changed');
      throw error;
    }
  }

  /** The answer was lost: what stands there was written. What does not may still come. */
  async #lookFor(after: SettingsRecord): Promise<Told> {
    const endMs = this.#clock.now() + SILENCE_MAX_MS;
    while (this.#clock.now() < endMs) {
      await new Promise<void>((resolve) => this.#clock.after(LOOK_EVERY_MS, resolve));
      const found = await unlessSilent(() => this.#ensemble.settings(this.service));
      const isWritten = found?.changes?.value.list.some(({ id }) => id === after.change) === true;
      if (isWritten) return told(after);
    }
    return failed('order_unknown', `${this.service}: the ensemble fell silent while it took the settings`);
  }
}

function told(record: SettingsRecord): Told {
  return { ok: true, settings: { version: record.version, document: documentOf(record) } };
}

function invalid(faults: readonly SettingFault[]): Told {
  return { ok: false, failure: { code: 'settings_invalid' }, faults };
}

function untried(service: string, names: readonly string[]): Told {
  const details = [`${service}: no agent could ask its Redis whether it takes ${names.join(', ')}`];
  const next = 'Repeat it when a Redis of the service and its agent answer: dictator show.';
  return { ok: false, failure: { code: 'order_refused', details, next }, faults: [] };
}

function failed(code: 'ensemble_unreachable' | 'service_unknown' | 'order_unknown', ...details: string[]): Told {
  return { ok: false, failure: { code, details }, faults: [] };
}

function refused(reason: ReasonCode): Told {
  const known = reasonText(reason);
  const details = [`${reason}: ${known?.what ?? ''}`];
  return { ok: false, failure: { code: 'order_refused', details, next: known?.next }, faults: [] };
}
