/** `dictator settings edit`: the whole document in an editor, or from a file. */
import type { ExitCode } from '../../contract/errors.ts';
import { EXIT } from '../../contract/errors.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import { carryOut, refuse } from '../settings/change.ts';
import { atSettingsDesk } from '../settings/desk.ts';
import type { SettingsDesk } from '../settings/desk.ts';
import { patchBetween, readDocument, renderDocument } from '../settings/text.ts';
import type { Call, Verb } from '../verb.ts';

const STDIN = '/dev/stdin';

export const settingsEdit: Verb = {
  name: 'settings edit',
  group: 'Act',
  args: '',
  argsMin: 0,
  argsMax: 0,
  summary: 'edit the settings of the service as one document',
  details: [
    'Opens $VISUAL, $EDITOR or vi on a document that explains itself. With --file it is read from there (- for stdin), '
    + 'as lines "key = value" or as JSON; what it does not name is taken away.',
    'Checked before anything is stored, all faults at once with their lines. If somebody else changed the settings '
    + 'meanwhile nothing is stored. Stored in the ensemble, from any host; with --agent by that agent, on its own '
    + 'host.',
  ],
  flags: ['config', 'agent', 'zk', 'json', 'service', 'file'],
  examples: ['dictator settings edit', 'dictator settings edit --file cache.settings'],
  run: (call) => atSettingsDesk(call, (desk) => edit(call, desk)),
};

async function edit(call: Call, desk: SettingsDesk): Promise<ExitCode> {
  const { io, flags } = call;
  const told = await withProgress('reading the settings', io, desk.read());
  if (!told.ok) return report(told.failure, io);
  const before = told.settings;
  const written = await textOf(call, renderDocument(desk.service, before.version, before.document));
  if ('exitCode' in written) return written.exitCode;
  const read = readDocument(written.text);
  if (!read.ok) {
    const kept = written.file === null ? undefined : `Your text is in ${written.file}: correct it, then use --file.`;
    const { faults } = read;
    const isNew = ([name, value]: readonly [string, string]): boolean => before.document[`redis.${name}`] !== value;
    const parameters = Object.fromEntries(Object.entries(read.parameters).filter(isNew));
    return refuse(desk, { faults, parameters, next: kept }, call);
  }
  const patch = patchBetween(before.document, read.values);
  const exitCode = await carryOut({ desk, before, patch }, call);
  if (exitCode === EXIT.done) written.discard();
  else if (written.file !== null && !flags.on('json')) io.stderr(`  Your text is in ${written.file}.\n`);
  return exitCode;
}

type Written =
  | { readonly text: string; readonly file: string | null; readonly discard: () => void }
  | { readonly exitCode: ExitCode };

async function textOf({ io, flags }: Call, document: string): Promise<Written> {
  const file = flags.text('file');
  if (file !== undefined) {
    const read = io.readFile(file === '-' ? STDIN : file);
    if (read.ok) return { text: read.text, file: null, discard: () => undefined };
    return { exitCode: report({ code: 'usage', details: [`--file ${file}: ${read.reason}`] }, io) };
  }
  const edited = await io.edit(document);
  if (edited !== null) return edited;
  return { exitCode: report({ code: 'usage', details: ['no editor could be used here; name a --file'] }, io) };
}
