/** The table of mutants, for the terminal and for the page. */
import { ALL_MUTANTS } from '../../mutants/table.ts';
import type { Hunted } from './hunt.ts';

const nameOf = ({ number }: Hunted): string => ALL_MUTANTS[number]?.name ?? 'unknown';

export function huntedLine(hunted: Hunted): string {
  const { finding, seeds, others, tookMs } = hunted;
  const took = `${(tookMs / 1000).toFixed(1)} s`;
  if (finding !== null) return `killed    ${nameOf(hunted)}: ${finding.invariant} after ${seeds} seeds, ${took}`;
  const noticed = others.length === 0 ? '' : `; others: ${others.join(' ')}`;
  return `SURVIVED  ${nameOf(hunted)}: ${seeds} seeds, ${took}${noticed}`;
}

export function mutantsTable(all: readonly Hunted[]): string {
  const rows = all.map((hunted) => {
    const { finding, seeds, number } = hunted;
    const by = finding === null ? 'nobody' : finding.invariant;
    return `| ${nameOf(hunted)} | \`src/${ALL_MUTANTS[number]?.file ?? ''}\` | ${by} | ${seeds} |`;
  });
  return ['| planted bug | where | noticed by | seeds needed |', '|---|---|---|---|', ...rows].join('\n');
}
