/** `dictator history [SERVICE]`: the epochs and planned operations that the records still know. */
import { EXIT } from '../../contract/errors.ts';
import { timeOf } from '../act/times.ts';
import { unlessSilent } from '../facts.ts';
import { looking } from '../look.ts';
import { operationText } from '../operation-text.ts';
import { readPast } from '../past.ts';
import type { Past } from '../past.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import { painter, printable, printJson, table } from '../terminal.ts';
import type { Paint } from '../terminal.ts';
import type { Call, Verb } from '../verb.ts';

export const history: Verb = {
  name: 'history',
  group: 'Look',
  args: '[SERVICE]',
  argsMin: 0,
  argsMax: 1,
  summary: 'epochs, planned operations and changed settings',
  details: [
    'The epochs are those of the lineage: each begins with the replication history of a new master, at an offset. An '
    + 'epoch in which the same Redis went on as master begins none and is not listed. Of operations the latest 32 are '
    + 'kept, and as many changes of settings. dictator events tells what happened around them.',
  ],
  flags: ['config', 'zk', 'json'],
  examples: ['dictator history', 'dictator history cache --json'],
  run: (call) => looking(call, async (lookout) => {
    const { io } = call;
    const { ensemble, silence } = lookout;
    const meant = await lookout.serviceNamed(call.args[0]);
    if (ensemble === null || meant === null) return report(silence, io);
    if (!meant.ok) return report(meant.failure, io);
    const service = meant.value;
    const read = unlessSilent(async () => ({ past: await readPast(ensemble, service) }));
    const answer = await withProgress('reading the service', io, read);
    if (answer === null) return report(silence, io);
    if (answer.past === null) return report({ code: 'service_unknown', details: [service] }, io);
    print(answer.past, call);
    return EXIT.done;
  }),
};

function print(past: Past, { flags, io }: Call): void {
  if (flags.on('json')) printJson({ v: 1, ...past }, io);
  else io.stdout(renderPast(past, painter(io)));
}

export function renderPast(past: Past, paint: Paint): string {
  const { epochs, operations, order, pause } = past;
  const heading = (...names: string[]): string[] => names.map((name) => paint('bold', name));
  const rows = epochs.map(({ epoch, offset, replid }) => [String(epoch), String(offset), printable(replid)]);
  const parts = [headOf(past), '\n', table([heading('EPOCH', 'BEGAN AT OFFSET', 'REPLICATION ID'), ...rows])];
  if (operations.length > 0) {
    const ended = operations.map(({ endedAt, kind, target, outcome, reason, gapMs, master, asker }) => [
      timeOf(endedAt), kind, target ?? '-', outcome, reason ?? '-', gapMs === null ? '-' : `${gapMs} ms`, master ?? '-',
      asker ?? '-',
    ].map(printable));
    const headings = heading('ENDED', 'OPERATION', 'NODE', 'OUTCOME', 'REASON', 'GAP', 'MASTER', 'BY');
    parts.push('\n', table([headings, ...ended]));
  }
  parts.push(renderSettingsChanges(past, heading));
  if (order !== null) {
    const at = order.scheduledAt === null ? '' : `, due ${timeOf(order.scheduledAt)}`;
    const who = printable(order.asker ?? 'somebody');
    parts.push(`\n${printable(operationText(order.kind, order.target ?? 'the best replica'))}: `
      + `${printable(order.phase ?? 'stands')}${at}, asked by ${who}\n`);
  }
  if (pause !== null) {
    parts.push(`\npaused by ${printable(pause.owner)} until ${timeOf(pause.until)}: ${printable(pause.reason)}\n`);
  }
  return parts.join('');
}

function renderSettingsChanges({ changes }: Past, heading: (...names: string[]) => string[]): string {
  const value = (text: string | null): string => text ?? 'not set';
  const rows = changes.flatMap((change) => change.changes.map(({ key, old, new: now }) => [
    timeOf(change.at), String(change.version), key, value(old), value(now), change.asker,
  ].map(printable)));
  if (rows.length === 0) return '';
  return `\n${table([heading('CHANGED', 'VERSION', 'SETTING', 'OLD', 'NEW', 'BY'), ...rows])}`;
}

function headOf({ service, epoch, master, termWrittenAt }: Past): string {
  const name = printable(service);
  if (epoch === null) return `${name} has no term yet\n`;
  const who = master === null ? 'no master' : `master ${printable(master)}`;
  return `${name}: epoch ${epoch}, ${who}; its term was last written ${timeOf(termWrittenAt)}\n`;
}
