/** Named situations as text: code, whom it concerns, what it means. Pure. */
import { SITUATIONS } from './situations.ts';
import type { FoundSituation, Severity } from './situations.ts';
import { printable, table, wrapped } from './terminal.ts';
import type { Paint, Style } from './terminal.ts';

export const SEVERITY_STYLE: Readonly<Record<Severity, Style>> = { error: 'red', warning: 'yellow', info: 'cyan' };

const WIDTH = 80;

/** One line each. */
export function renderSituations(found: readonly FoundSituation[], paint: Paint): string {
  return table(found.map(({ code, about }) => {
    const { severity } = SITUATIONS[code];
    return [paint(SEVERITY_STYLE[severity], severity), code, printable(about.join(', '))];
  }));
}

/** With what it means and what to do. */
export function renderSituationsInFull(found: readonly FoundSituation[], paint: Paint): string {
  return found.map(({ code, about }) => {
    const { severity, what, next } = SITUATIONS[code];
    const head = `${paint(SEVERITY_STYLE[severity], severity)}  ${paint('bold', code)}\n`;
    const whom = about.map((each) => `    - ${printable(each)}\n`).join('');
    return `${head}${wrapped(what, WIDTH, '    ')}${whom}${wrapped(`Next: ${next}`, WIDTH, '    ')}`;
  }).join('\n');
}
