/** `dictator forget NODE`: a node that is gone for good is neither counted any more, nor asked for promises. */
import { acting } from '../act/acting.ts';
import { waitFor } from '../act/give.ts';
import { conclude } from '../act/outcome.ts';
import { confirm } from '../confirm.ts';
import type { Verb } from '../verb.ts';

export const forget: Verb = {
  name: 'forget',
  group: 'Act',
  args: 'NODE',
  argsMin: 1,
  argsMax: 1,
  summary: 'take off a node that is gone for good',
  details: [
    'Refused while the node has a live agent or is in the in-sync set. By itself it happens after forget_after_ms. A '
    + 'node that comes back is registered again when it follows.',
  ],
  flags: ['config', 'agent', 'zk', 'json', 'service', 'yes'],
  examples: ['dictator forget redis3', 'dictator forget redis3 --service cache --yes'],
  run: (call) => acting(call, call.flags.text('service'), async ({ service, desk }) => {
    const { args: [node = ''] } = call;
    const plan = `${service}: ${node} will no longer be counted among the nodes of the service.`;
    const declined = await confirm(call, [plan]);
    if (declined !== null) return declined;
    const given = desk.give({ kind: 'forget', target: node });
    const { ended, elapsedMs } = await waitFor(call, `${service}: forgetting ${node}`, given);
    const about = { service, operation: 'forget', target: node, elapsedMs };
    return conclude(ended, about, { call, line: () => `${service}: ${node} is forgotten` });
  }),
};
