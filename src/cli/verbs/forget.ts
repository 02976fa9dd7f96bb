/** `dictator forget NODE`: a node that is gone for good is neither counted any more, nor asked for promises. */
import { EXIT } from '../../contract/errors.ts';
import { confirm } from '../confirm.ts';
import { order } from '../order.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import { orderTargetOf } from '../source.ts';
import { printable } from '../terminal.ts';
import type { Verb } from '../verb.ts';

export const forget: Verb = {
  name: 'forget',
  group: 'Act',
  args: 'NODE',
  argsMin: 1,
  argsMax: 1,
  summary: 'take a node that is gone for good off the service',
  details: [
    'Refused while the node has a live agent or is in the in-sync set. By itself it happens after forget_after_ms. A '
    + 'node that comes back is registered again when it follows.',
    'Run it on the host of the master: its agent alone takes the order, and from its own host.',
  ],
  flags: ['config', 'agent', 'yes'],
  examples: ['dictator forget redis3', 'dictator forget redis3 --yes'],
  async run(call) {
    const { io, args: [node = ''] } = call;
    const found = orderTargetOf(call);
    if (!found.ok) return found.exitCode;
    const declined = await confirm(call, [`${node} will no longer be counted among the nodes of the service.`]);
    if (declined !== null) return declined;
    const path = `/v1/forget?node=${encodeURIComponent(node)}`;
    const result = await withProgress('waiting for the agent', io, order(found.target, path));
    if (!result.ok) return report(result.failure, io);
    io.stdout(`${printable(node)} is forgotten\n`);
    return EXIT.done;
  },
};
