/** What `settings set` and `settings edit` do alike: hand a change to whoever stores it, and say what became of it. */
import { EXIT } from '../../contract/errors.ts';
import type { ExitCode } from '../../contract/errors.ts';
import { changesBetween } from '../../records/settings.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import type { Call } from '../verb.ts';
import type { ToldSettings } from './agent.ts';
import type { SettingsDesk } from './desk.ts';
import { renderChanges } from './render.ts';
import { faultLine } from './text.ts';
import type { Parameters } from './trial.ts';

interface Change {
  readonly desk: SettingsDesk;
  readonly before: ToldSettings;
  readonly patch: Readonly<Record<string, string | number | boolean | null>>;
}

/** Faults that are known already, and those that Redis finds in the rest: all of them at once. */
export async function refuse(
  desk: SettingsDesk,
  { faults, parameters, next }: {
    readonly faults: readonly string[];
    readonly parameters: Parameters;
    readonly next?: string | undefined;
  },
  { io }: Call,
): Promise<ExitCode> {
  const isAsked = Object.keys(parameters).length > 0;
  const more = isAsked ? await withProgress('asking Redis', io, desk.trial(parameters)) : [];
  const details = [...faults, ...(more ?? []).map((each) => faultLine('', each))];
  return report({ code: 'settings_invalid', details, next }, io);
}

export async function carryOut({ desk, before, patch }: Change, { io, flags }: Call): Promise<ExitCode> {
  const sent = desk.change(patch, { version: before.version, asker: io.whoami });
  const told = await withProgress('writing the settings', io, sent);
  if (!told.ok) {
    const details = told.faults.map((fault) => faultLine('', fault));
    return report(details.length > 0 ? { ...told.failure, details } : told.failure, io);
  }
  const { version, document } = told.settings;
  const changes = changesBetween(before.document, document);
  if (flags.on('json')) io.stdout(`${JSON.stringify({ v: 1, version, changes })}\n`);
  else io.stdout(changes.length === 0 ? 'nothing to change\n' : `${renderChanges(changes)}now version ${version}\n`);
  return EXIT.done;
}
