/** What the simulator prints: coverage, and what a reader needs to understand one failure. */
import { describeFault } from '../plan/faults.ts';
import type { Plan } from '../plan/plan.ts';
import type { Coverage } from '../world/coverage.ts';
import type { Finding, FindingKind } from './run.ts';

/** Lines of the trace that are shown up to the violation. */
export const TRACE_LINES = 60;
/** What one run says may repeat itself; the first findings tell it. */
const FINDINGS_SHOWN = 5;

function counts(title: string, map: ReadonlyMap<string, number>): string {
  const sorted = [...map].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return `${title}: ${sorted.map(([name, times]) => `${name} ${times}`).join(', ') || 'none'}`;
}

export function coverageText(coverage: Coverage): string {
  return [
    counts('faults', coverage.faults),
    counts('role edges', coverage.edges),
    counts('events', coverage.events),
    counts('orders', coverage.orders),
    `acknowledged writes: ${coverage.acknowledged}`,
  ].join('\n');
}

/** Kinds of faults and edges never seen are what a change of the plans has to be looked at for. */
export function invariantsOf(findings: readonly Finding[]): readonly FindingKind[] {
  return [...new Set(findings.map(({ invariant }) => invariant))];
}

export function findingsText(findings: readonly Finding[]): string {
  const shown = findings.slice(0, FINDINGS_SHOWN);
  const lines = shown.map(({ invariant, atMs, text }) => `  ${invariant} at ${atMs.toFixed(0)} ms: ${text}`);
  if (findings.length > shown.length) lines.push(`  and ${findings.length - shown.length} more`);
  return lines.join('\n');
}

export function planText(plan: Plan): string {
  const { nodes, faults, seed, servers, settledMs, healAtMs, endMs, ...rest } = plan;
  const each = nodes.map(({ name, clockRate, persistence, priority }) => {
    const special = priority === 100 ? '' : ` priority ${priority}`;
    return `${name} (clock ${clockRate.toFixed(3)}, ${persistence}${special})`;
  });
  const settings = Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`);
  return [
    `  seed ${seed}: ${each.join(', ')}; ${servers.join(' ')}; from ${settledMs} to ${healAtMs}, ends at ${endMs} ms`,
    `  ${settings.join(' ')}`,
    ...faults.map((fault) => `  ${describeFault(fault)}`),
  ].join('\n');
}

/** The trace up to the moment of the finding; every line of it with `all`. */
export function traceText(lines: readonly string[], untilMs: number, all: boolean): string {
  if (all) return lines.join('\n');
  // A line begins with its moment, to a tenth of a millisecond.
  const before = lines.filter((line) => Number.parseFloat(line) <= untilMs + 0.1);
  return before.slice(-TRACE_LINES).join('\n');
}
