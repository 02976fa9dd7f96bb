/**
 * `dictator bootstrap --master NAME`: the operator decides whose data is right, when two servers hold unrelated data
 * and no agent may. The order goes to the agent of this node, which carries it out or says why not.
 */
import { EXIT } from '../../contract/errors.ts';
import { confirm } from '../confirm.ts';
import { order } from '../order.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import { orderTargetOf } from '../source.ts';
import { printable, printJson } from '../terminal.ts';
import type { Verb } from '../verb.ts';

export const bootstrap: Verb = {
  name: 'bootstrap',
  group: 'Act',
  args: '',
  argsMin: 0,
  argsMax: 0,
  summary: 'decide whose data is right',
  details: [
    'For a service without a master whose nodes hold unrelated data (conflicting_datasets), or that lost more than the '
    + 'agents may decide about. The named node becomes master; the others follow it, and copy their own data aside '
    + 'first (rescue.mode).',
    'Run it on a node of the service: the order goes to the agent of that node, which takes it from its own host '
    + 'alone.',
  ],
  flags: ['config', 'agent', 'json', 'master', 'yes'],
  needs: ['master'],
  examples: ['dictator bootstrap --master redis1', 'dictator bootstrap --master redis1 --yes'],
  async run(call) {
    const { flags, io } = call;
    const master = flags.text('master') ?? '';
    const found = orderTargetOf(call);
    if (!found.ok) return found.exitCode;
    const plan = `${master} becomes the master, whatever the others hold; they replace their data by its own.`;
    const declined = await confirm(call, [plan]);
    if (declined !== null) return declined;
    const path = `/v1/bootstrap?master=${encodeURIComponent(master)}`;
    const result = await withProgress('waiting for the bootstrap', io, order(found.target, path));
    if (!result.ok) return report(result.failure, io);
    const { service } = found;
    if (flags.on('json')) printJson({ v: 1, service, operation: 'bootstrap', outcome: 'done', master }, io);
    else io.stdout(`${printable(master)} is the master${service === null ? '' : ` of ${service}`}\n`);
    return EXIT.done;
  },
};
