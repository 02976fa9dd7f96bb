/**
 * `dictator bootstrap --master NAME`: the operator decides whose data is right, when two servers hold unrelated data
 * and no agent may. The order goes to the agent of this node, which carries it out or says why not.
 */
import { EXIT } from '../../contract/errors.ts';
import { configureNode } from '../configuration.ts';
import { order, targetOf } from '../order.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import type { Verb } from '../verb.ts';

export const bootstrap: Verb = {
  name: 'bootstrap',
  group: 'Act',
  args: '',
  argsMin: 0,
  argsMax: 0,
  summary: 'decide whose data is right, where the agents may not',
  details: [
    'For a service without a master whose nodes hold unrelated data (conflicting_datasets), or that lost more than the '
    + 'agents may decide about. The named node becomes master; the others follow it, and copy their own data aside '
    + 'first (rescue.mode).',
    'Run it on a node of the service: the order goes to the agent of that node.',
  ],
  flags: ['config', 'master'],
  needs: ['master'],
  examples: ['dictator bootstrap --master redis1'],
  async run({ flags, io }) {
    const master = flags.text('master') ?? '';
    const configured = configureNode(flags.text('config'), io);
    if (!configured.ok) return configured.exitCode;
    const path = `/v1/bootstrap?master=${encodeURIComponent(master)}`;
    const result = await withProgress('waiting for the bootstrap', io, order(targetOf(configured.config), path));
    if (!result.ok) return report(result.failure, io);
    io.stdout(`${master} is the master of ${configured.config.svcName}\n`);
    return EXIT.done;
  },
};
