/** `dictator settings show [SERVICE]`: what holds for the whole service, and what of this node's file it overrides. */
import { EXIT } from '../../contract/errors.ts';
import { documentOf } from '../../records/settings.ts';
import { unlessSilent } from '../facts.ts';
import { SOURCE_FLAGS } from '../flags.ts';
import { looking } from '../look.ts';
import type { Lookout } from '../look.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import type { Failure } from '../report.ts';
import { askSettings } from '../settings/agent.ts';
import { overriddenBy, renderSettings } from '../settings/render.ts';
import type { ShownSettings } from '../settings/render.ts';
import { painter, printJson } from '../terminal.ts';
import type { Call, Verb } from '../verb.ts';

export const settingsShow: Verb = {
  name: 'settings show',
  group: 'Look',
  args: '[SERVICE]',
  argsMin: 0,
  argsMax: 1,
  summary: 'settings of the service, and what they override',
  details: [
    'Settings hold for every node, whatever its file says; what is not set here, each file says. Values of this '
    + 'node\'s own configuration that the service overrides stand beside them.',
  ],
  flags: SOURCE_FLAGS,
  examples: ['dictator settings show', 'dictator settings show cache --json'],
  run: (call) => looking(call, async (lookout) => {
    const { io, flags } = call;
    const read = await withProgress('reading the settings', io, settingsOf(call, lookout));
    if ('code' in read) return report(read, io);
    const { config } = lookout;
    const overridden = overriddenBy(read.document, config?.svcName === read.service ? config : null);
    if (flags.on('json')) printJson({ v: 1, ...read, overridden }, io);
    else io.stdout(renderSettings(read, overridden, painter(io)));
    return EXIT.done;
  }),
};

async function settingsOf(call: Call, lookout: Lookout): Promise<ShownSettings | Failure> {
  const { ensemble } = lookout;
  const [named] = call.args;
  const meant = await lookout.serviceNamed(named);
  if (ensemble === null || meant === null) return ofAgent(lookout, named);
  if (!meant.ok) return meant.failure;
  const service = meant.value;
  const found = await unlessSilent(() => ensemble.settings(service));
  if (found === null) return ofAgent(lookout, service);
  const { settings, changes } = found;
  if (settings === null) return { code: 'service_unknown', details: [service] };
  const { value } = settings;
  return { service, version: value.version, document: documentOf(value), last: changes?.value.list.at(-1) ?? null };
}

/** Where the ensemble is silent, or not to be asked. */
async function ofAgent(lookout: Lookout, named: string | undefined): Promise<ShownSettings | Failure> {
  const { agent } = lookout.source;
  const looked = await lookout.facts(named);
  if (!looked.ok) return looked.failure;
  if (agent === null) return lookout.silence;
  const told = await askSettings(agent);
  return told.ok ? { service: looked.value.service, ...told.settings, last: null } : told.failure;
}
