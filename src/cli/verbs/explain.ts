/** `dictator explain [SERVICE]`: why is there no failover, why this master, what would happen now. */
import { EXIT } from '../../contract/errors.ts';
import { explanationOf } from '../explanation.ts';
import type { Explanation } from '../explanation.ts';
import { SOURCE_FLAGS } from '../flags.ts';
import { lookingAtService } from '../look.ts';
import { renderSituationsInFull } from '../render-situations.ts';
import { explained } from '../render-topology.ts';
import { duration, painter, printable, printJson, table } from '../terminal.ts';
import type { Paint } from '../terminal.ts';
import type { Verb } from '../verb.ts';

export const explain: Verb = {
  name: 'explain',
  group: 'Understand',
  args: '[SERVICE]',
  argsMin: 0,
  argsMax: 1,
  summary: 'why no failover, why this master, what if',
  details: [
    'Names what holds out of a closed list of situations (docs/cli.md lists them), then who could take over and why '
    + 'the others could not, the ballots of the election as far as they are still there, and the reasons of every '
    + 'agent.',
  ],
  flags: SOURCE_FLAGS,
  examples: ['dictator explain', 'dictator explain cache --json'],
  run: (call) => lookingAtService(call, (facts) => {
    const explanation = explanationOf(facts);
    if (call.flags.on('json')) printJson({ v: 1, ...explanation }, call.io);
    else call.io.stdout(renderExplanation(explanation, painter(call.io)));
    return EXIT.done;
  }),
};

export function renderExplanation(explanation: Explanation, paint: Paint): string {
  const { situations, reasons, successors, passedOver } = explanation;
  const title = (text: string): string => `\n${paint('bold', text)}\n`;
  const calm = reasons.length === 0 ? 'everything is as it should be' : 'what the agents say is below';
  const parts = [headOf(explanation)];
  if (situations.length === 0) parts.push(`\nNo situation to name: ${calm}.\n`);
  if (situations.length > 0) parts.push(title('Situations'), renderSituationsInFull(situations, paint));
  if (explanation.ballots.length > 0) parts.push(title(ballotsTitle(explanation)), ballotsTable(explanation));
  if (explanation.master !== null) {
    const names = successors.map(printable).join(', ');
    parts.push(title('If the master went now'), successors.length === 0
      ? '  nobody would take over\n'
      : `  ${names} would stand; the furthest position wins, then priority, then name\n`);
  }
  if (passedOver.length > 0) {
    const rows = passedOver.map(({ node, why }) => [`  ${printable(node)}`, explained(why)]);
    parts.push(title('Who would not'), table(rows));
  }
  if (reasons.length > 0) {
    parts.push(title('Reasons'), table(reasons.map(({ node, reason }) => [`  ${printable(node)}`, explained(reason)])));
  }
  return parts.join('');
}

function headOf({ service, master, epoch, termAgeMs, promoting }: Explanation): string {
  const name = printable(service);
  const since = termAgeMs === null ? '' : `; its term was last written ${duration(termAgeMs)} ago`;
  if (master === null) return `${name} has no master; the last epoch is ${epoch}${since}.\n`;
  const half = promoting === null ? '' : ', and has not finished its promotion';
  return `${name}: ${printable(master)} is the master of epoch ${epoch}${half}${since}.\n`;
}

function ballotsTitle({ master, epoch }: Explanation): string {
  if (master === null) return 'Ballots of the election under way';
  return `Why ${printable(master)}: the ballots of epoch ${epoch}`;
}

function ballotsTable({ ballots }: Explanation): string {
  return table(ballots.map(({ node, offset, priority, standing, refusal }) => [
    `  ${printable(node)}`,
    `offset ${offset}`,
    `priority ${priority}`,
    standing,
    refusal === null ? 'stands' : `does not stand: ${refusal}`,
  ]));
}
