/** The result of a big run, as it is kept in a page. */
import type { Total } from './pool.ts';
import { invariantsOf } from './report.ts';

export interface Result {
  readonly seeds: number;
  readonly from: number;
  readonly tookMs: number;
  readonly jobs: number;
  readonly date: Date;
  readonly total: Total;
}

function table(title: string, map: ReadonlyMap<string, number>): readonly string[] {
  const rows = [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, times]) => `| \`${name}\` | ${times} |`);
  return [`| ${title} | times |`, '|---|---|', ...rows, ''];
}

export function resultText({ seeds, from, tookMs, jobs, date, total }: Result): string {
  const { coverage, failures, runs, events } = total;
  const violated = new Set(failures.flatMap(({ findings }) => invariantsOf(findings)));
  const what =
    failures.length === 0 ? 'nothing was violated' : `${[...violated].join(', ')} violated in ${failures.length} runs`;
  return [
    `${date.toISOString().slice(0, 10)}: ${seeds} seeds from ${from}, ${runs - seeds} regressions; ${what}.`,
    `${coverage.acknowledged} acknowledged writes, ${events} events,`,
    `${Math.round(tookMs / 1000)} s on ${jobs} threads.`,
    '',
    ...table('fault', coverage.faults),
    ...table('role edge', coverage.edges),
  ].join('\n');
}
