/** `dictator reinit NODE...`: replicas copy everything anew, one after the other. */
import { EXIT } from '../../contract/errors.ts';
import type { ExitCode } from '../../contract/errors.ts';
import { acting } from '../act/acting.ts';
import type { Acting } from '../act/acting.ts';
import type { Ended } from '../act/desk.ts';
import { waitFor } from '../act/give.ts';
import { untilInSync } from '../act/in-sync.ts';
import { conclude } from '../act/outcome.ts';
import { confirm } from '../confirm.ts';
import { report } from '../report.ts';
import { duration } from '../terminal.ts';
import type { Call, Verb } from '../verb.ts';

/** Nodes of one command line: more than a service has. */
const NODES_MAX = 64;

export const reinit: Verb = {
  name: 'reinit',
  group: 'Act',
  args: 'NODE...',
  argsMin: 1,
  argsMax: NODES_MAX,
  summary: 'make replicas copy everything anew, one by one',
  details: [
    'In steps that are each seen to have worked: the node leaves its master, then the in-sync set, is fenced, and '
    + 'copies everything from the master (rescue.mode decides what becomes of data that only it has). The next one '
    + 'begins when this one is in sync again; the first failure ends it.',
    'Refused for the master, and for the only replica in sync unless --force is given.',
  ],
  flags: ['config', 'agent', 'zk', 'json', 'service', 'force', 'yes'],
  examples: ['dictator reinit redis3', 'dictator reinit redis2 redis3 --service cache --yes'],
  run: (call) => acting(call, call.flags.text('service'), async (found) => {
    const plan = `${found.service}: ${call.args.join(', then ')}: the dataset is dropped and copied from the master.`;
    const declined = await confirm(call, [plan]);
    if (declined !== null) return declined;
    for (const node of call.args) {
      const code = await one(call, found, node);
      if (code !== EXIT.done) return code;
    }
    return EXIT.done;
  }),
};

async function one(call: Call, { service, desk, lookout }: Acting, node: string): Promise<ExitCode> {
  const beganMs = call.io.clock.now();
  const given = desk.give({ kind: 'reinitialize', target: node, force: call.flags.on('force') });
  const { ended: first } = await waitFor(call, `${service}: ${node} copies everything anew`, given);
  const goesOn = first.ended === 'result' && first.result.reason === 'resync_running';
  // An agent alone shows no in-sync set of others that can be waited for.
  const canWait = lookout.ensemble !== null;
  const isDone = first.ended === 'result' && (first.result.outcome === 'done' || goesOn);
  const why = isDone && canWait ? await untilInSync(call, lookout, { service, node }) : null;
  if (why !== null) {
    return report({ code: 'not_in_time', details: [`${service}: ${node}: ${why}`] }, call.io);
  }
  const ended: Ended = goesOn && canWait
    ? { ...first, result: { ...first.result, outcome: 'done', reason: null } }
    : first;
  const about = { service, operation: 'reinitialize', target: node, elapsedMs: call.io.clock.now() - beganMs };
  return conclude(ended, about, {
    call, line: ({ elapsedMs }) => `${service}: ${node} has copied everything anew, in ${duration(elapsedMs)}`,
  });
}
