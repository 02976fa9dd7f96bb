/** `dictator remove SERVICE`: the records of a service that is gone. */
import { EXIT } from '../../contract/errors.ts';
import type { ExitCode } from '../../contract/errors.ts';
import { looking } from '../look.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import { printable, printJson } from '../terminal.ts';
import type { Call, Verb } from '../verb.ts';
import type { Ensemble } from '../ensemble.ts';
import { unlessSilent } from '../facts.ts';

export const remove: Verb = {
  name: 'remove',
  group: 'Act',
  args: 'SERVICE',
  argsMin: 1,
  argsMax: 1,
  summary: 'delete the records of a service that is gone',
  details: [
    'Everything that ZooKeeper knows of it: term, lineage, registry, settings, results. The Redis servers and their '
    + 'data are not touched. An agent that is started afterwards forms the service anew, from what it finds.',
    'Refused while an agent of it lives, or while anybody publishes its master record. Asks for the name of the '
    + 'service; a script gives --yes.',
  ],
  flags: ['config', 'zk', 'json', 'yes'],
  examples: ['dictator remove old-cache --zk zk1:2181', 'dictator remove old-cache --yes'],
  run: (call) => looking(call, async ({ ensemble }) => {
    if (ensemble === null) return report({ code: 'ensemble_unreachable' }, call.io);
    return removeFrom(call, ensemble);
  }),
};

async function removeFrom(call: Call, ensemble: Ensemble): Promise<ExitCode> {
  const { io, flags, args: [service = ''] } = call;
  const read = unlessSilent(async () => {
    const services = await ensemble.services();
    return { known: services.includes(service), records: await ensemble.read(service, 'all') };
  });
  const found = await withProgress('reading the service', io, read);
  if (found === null) return report({ code: 'ensemble_unreachable' }, io);
  if (!found.known) return report({ code: 'service_unknown', details: [service] }, io);
  const { records } = found;
  const users = [
    ...records.live.map((name) => `the agent of ${name} lives`),
    ...(records.lease === null ? [] : [`${records.lease.value.node} holds the lease`]),
    ...(records.masterRecord === null ? [] : [`${records.masterRecord.value.name} is published as master`]),
  ];
  if (users.length > 0) return report({ code: 'service_in_use', details: [service, ...users] }, io);
  const nodes = records.term?.value.nodes ?? [];
  const about = `${service}: epoch ${records.term?.value.epoch ?? 0}, ${nodes.join(', ') || 'no nodes'}.`;
  io.stderr(`${printable(about)}\n`);
  io.stderr('What ZooKeeper knows of it is deleted, and cannot be brought back. No Redis is touched.\n');
  if (!flags.on('yes')) {
    const answer = await io.ask(`Type the name of the service to delete its records: `);
    if (answer === null) return report({ code: 'confirmation_needed' }, io);
    if (answer.trim() !== service) return report({ code: 'not_confirmed' }, io);
  }
  const removed = await withProgress('deleting the records', io, unlessSilent(() => ensemble.remove(service)));
  if (removed === null) return report({ code: 'order_unknown', details: [service] }, io);
  if (!removed) return report({ code: 'service_in_use', details: [service, 'somebody wrote to it meanwhile'] }, io);
  if (flags.on('json')) printJson({ v: 1, service, operation: 'remove', outcome: 'done' }, io);
  else io.stdout(`${printable(service)}: its records are deleted\n`);
  return EXIT.done;
}
