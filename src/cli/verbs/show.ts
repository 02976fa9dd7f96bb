/** `dictator show [SERVICE]`: the tree of one service, asked of its agents now. */
import { EXIT } from '../../contract/errors.ts';
import { documentOf } from '../../records/settings.ts';
import { SOURCE_FLAGS } from '../flags.ts';
import { lookingAtService } from '../look.ts';
import { renderTopology } from '../render-topology.ts';
import { situationsOf } from '../situations.ts';
import { renderSituations } from '../render-situations.ts';
import { overriddenBy, renderOverridden } from '../settings/render.ts';
import { painter, printJson } from '../terminal.ts';
import { topologyOf } from '../topology.ts';
import type { Verb } from '../verb.ts';

export const show: Verb = {
  name: 'show',
  alias: 'topology',
  group: 'Look',
  args: '[SERVICE]',
  argsMin: 0,
  argsMax: 1,
  summary: 'one service as a tree: role, link, lag, faults',
  details: [
    'Without SERVICE: that of this node\'s configuration, of the agent asked, or the only one of the ensemble.',
    'Every agent is asked over HTTP, sixteen at a time and each for at most a second; lag is what the master sees at '
    + 'that moment. Of an agent that does not answer, the records are shown with their age.',
  ],
  flags: SOURCE_FLAGS,
  examples: ['dictator show', 'dictator topology cache --zk zk1,zk2', 'dictator show --agent http://10.0.0.2:8000'],
  run: (call) => lookingAtService(call, (facts, { config }) => {
    const { io, flags } = call;
    const topology = topologyOf(facts);
    const situations = situationsOf(facts);
    if (flags.on('json')) {
      printJson({ v: 1, ...topology, situations: situations.map(({ code, about }) => ({ code, about })) }, io);
      return EXIT.done;
    }
    const paint = painter(io);
    io.stdout(renderTopology(topology, paint));
    if (situations.length > 0) io.stdout(`\n${renderSituations(situations, paint)}`);
    const record = facts.records?.settings?.value ?? null;
    const own = config?.svcName === facts.service ? config : null;
    if (record !== null) io.stdout(renderOverridden(overriddenBy(documentOf(record), own)));
    return EXIT.done;
  }),
};
