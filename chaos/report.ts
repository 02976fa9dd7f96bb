/** What a run found, as figures and as text. */
import { WRITE_CLASSES } from './clients/book.ts';
import type { Book, WriteClass } from './clients/book.ts';
import type { Fault } from './inject.ts';
import type { CutRound } from './judge/cutoff.ts';
import type { FaultGap } from './judge/gaps.ts';
import type { Broken } from './judge/rules.ts';
import type { FaultKind } from './plan/kinds.ts';
import type { Options } from './plan/options.ts';
import type { RoundResult } from './round.ts';

interface GapRow {
  readonly fault: FaultKind;
  readonly role: Fault['role'];
  readonly count: number;
  readonly medianMs: number;
  readonly maxMs: number;
  /** Faults beside which no other lasted, and their median; null when there was none. */
  readonly alone: number;
  readonly aloneMedianMs: number | null;
}

interface Percentiles {
  readonly count: number;
  readonly medianMs: number;
  readonly maxMs: number;
}

export interface Summary {
  readonly date: string;
  readonly against: string;
  readonly scenario: string;
  readonly seed: number;
  readonly seconds: number;
  readonly network: string;
  readonly durable: boolean;
  readonly sessionMs: number;
  readonly rounds: number;
  readonly faults: number;
  readonly skipped: number;
  readonly leftOut: readonly FaultKind[];
  readonly acknowledged: Readonly<Record<WriteClass, number>>;
  readonly lost: Readonly<Record<WriteClass, number>>;
  readonly lostDuring: Readonly<Record<string, Readonly<Partial<Record<WriteClass, number>>>>>;
  readonly refusals: Readonly<Record<string, number>>;
  readonly gaps: readonly GapRow[];
  /** Time in which a second server certainly acknowledged, ms, and such writes: where I2's conditions held, and not. */
  readonly twoMasters: { readonly withinMs: number; readonly outsideMs: number; readonly longestMs: number;
    readonly writes: number; readonly times: number; };
  readonly healing: Percentiles & { readonly boundMs: number | null; readonly never: number };
  readonly operator: readonly string[];
  readonly events: Readonly<Record<string, number>>;
  readonly everyFault: readonly string[];
  readonly broken: readonly Broken[];
  /** Of the scenario `cutoff`, else empty. */
  readonly cuts: readonly CutRound[];
  /** Further lines of the text. */
  readonly notes: readonly string[];
}

export interface SummaryParts {
  readonly options: Options;
  readonly rounds: readonly RoundResult[];
  readonly book: Book;
  readonly skipped: number;
  readonly network: string;
  readonly leftOut: readonly FaultKind[];
  readonly seconds: number;
  readonly nodes: readonly string[];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

function gapRows(gaps: readonly FaultGap[]): readonly GapRow[] {
  const groups = new Map<string, FaultGap[]>();
  for (const gap of gaps) {
    const key = `${gap.fault.kind} ${gap.fault.role}`;
    groups.set(key, [...groups.get(key) ?? [], gap]);
  }
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const alone = group.filter((gap) => gap.alone).map(({ gapMs }) => gapMs);
    const all = group.map(({ gapMs }) => gapMs);
    return [{
      fault: first.fault.kind, role: first.fault.role, count: group.length, medianMs: median(all),
      maxMs: Math.max(...all), alone: alone.length, aloneMedianMs: alone.length === 0 ? null : median(alone),
    }];
  }).sort((a, b) => a.fault.localeCompare(b.fault) || a.role.localeCompare(b.role));
}

type Counts = Partial<Record<WriteClass, number>>;

function added(a: Counts, b: Counts): Counts {
  return Object.fromEntries(WRITE_CLASSES.flatMap((by) => {
    const sum = (a[by] ?? 0) + (b[by] ?? 0);
    return sum === 0 ? [] : [[by, sum]];
  }));
}

function lostOf(rounds: readonly RoundResult[]): Pick<Summary, 'lost' | 'lostDuring'> {
  const lost: Record<WriteClass, number> = { plain: 0, wait: 0, stale: 0, fixed: 0 };
  const lostDuring: Record<string, Counts> = {};
  for (const { losses } of rounds) {
    for (const by of WRITE_CLASSES) lost[by] += losses.lost[by];
    for (const [kind, row] of Object.entries(losses.during)) lostDuring[kind] = added(lostDuring[kind] ?? {}, row);
  }
  return { lost, lostDuring };
}

function twoMastersOf(rounds: readonly RoundResult[]): Summary['twoMasters'] {
  const all = rounds.flatMap(({ overlaps }) => overlaps)
    .map(({ overlap, conditions }) => ({ conditions, writes: overlap.writes, ms: overlap.toMs - overlap.fromMs }));
  const sum = (conditions: boolean): number => (
    all.filter((each) => each.conditions === conditions).reduce((total, { ms }) => total + ms, 0)
  );
  return {
    withinMs: sum(true),
    outsideMs: sum(false),
    longestMs: Math.max(0, ...all.map(({ ms }) => ms)),
    writes: all.reduce((total, { writes }) => total + writes, 0),
    times: all.length,
  };
}

function eventsOf(rounds: readonly RoundResult[]): Record<string, number> {
  const events = new Map<string, number>();
  for (const round of rounds) {
    for (const [name, count] of round.events) events.set(name, (events.get(name) ?? 0) + count);
  }
  return Object.fromEntries([...events].sort(([a], [b]) => a.localeCompare(b)));
}

function toldFault(fault: Fault, nodes: readonly string[]): string {
  const { id, kind, victim, role, detail, beganMs, endedMs, died } = fault;
  const whom = victim === null ? 'ensemble' : nodes[victim] ?? '';
  const lasted = endedMs === null ? 'to the end' : `${((endedMs - beganMs) / 1000).toFixed(2)} s`;
  const what = [kind, detail, died ? '(its Redis ended by itself)' : ''].filter(Boolean).join(' ');
  return `${id} at ${(beganMs / 1000).toFixed(2)} s: ${what}, ${whom} (${role}), ${lasted}`;
}

export function summarize(parts: SummaryParts): Summary {
  const { options, rounds, book } = parts;
  const healed = rounds.flatMap(({ healMs }) => healMs ?? []);
  return {
    date: new Date().toISOString().slice(0, 10),
    against: options.against,
    scenario: options.scenario,
    seed: options.seed,
    seconds: Math.round(parts.seconds),
    network: parts.network,
    durable: options.durable,
    sessionMs: options.sessionMs,
    rounds: rounds.length,
    faults: rounds.reduce((sum, { faults }) => sum + faults.length, 0),
    skipped: parts.skipped,
    leftOut: parts.leftOut,
    acknowledged: { ...book.totals },
    ...lostOf(rounds),
    refusals: Object.fromEntries(book.refusals),
    gaps: gapRows(rounds.flatMap(({ gaps }) => gaps)),
    twoMasters: twoMastersOf(rounds),
    healing: {
      count: healed.length, medianMs: median(healed), maxMs: Math.max(0, ...healed),
      boundMs: options.against === 'dictator' ? 2 * options.sessionMs + 5000 : null,
      never: rounds.length - healed.length,
    },
    operator: rounds.flatMap(({ operator }) => operator),
    events: eventsOf(rounds),
    everyFault: rounds.flatMap(({ faults }) => faults.map((fault) => toldFault(fault, parts.nodes))),
    broken: rounds.flatMap(({ broken }, index) => broken.map(({ rule, what }) => (
      { rule, what: `round ${index + 1}: ${what}` }
    ))),
    cuts: [],
    notes: [],
  };
}

const ms = (value: number | null): string => (value === null || Number.isNaN(value) ? '-' : `${Math.round(value)} ms`);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return line(head) + line(head.map(() => '---')) + rows.map(line).join('');
}

function classes(row: Readonly<Partial<Record<WriteClass, number>>>): readonly string[] {
  return WRITE_CLASSES.map((by) => String(row[by] ?? 0));
}

export function reportText(summary: Summary): string {
  const { gaps, lostDuring } = summary;
  const parts = [
    `${summary.against}, ${summary.scenario}, seed ${summary.seed}, ${summary.seconds} s, ${summary.rounds} rounds, `
    + `${summary.faults} faults, in ${summary.network}${summary.durable ? ', durable' : ''}\n`,
    summary.leftOut.length > 0 ? `Left out here: ${summary.leftOut.join(', ')}.\n` : '',
    summary.skipped > 0 ? `${summary.skipped} planned faults found nobody to hit.\n` : '',
    '\n',
    table(['writes', ...WRITE_CLASSES], [
      ['acknowledged', ...classes(summary.acknowledged)],
      ['lost', ...classes(summary.lost)],
      ...Object.entries(lostDuring).map(([kind, row]) => [`lost, acknowledged during ${kind}`, ...classes(row)]),
    ]),
    '\n',
    gaps.length === 0 ? '' : table(['fault', 'hit', 'times', 'gap median', 'gap max', 'alone', 'gap median alone'],
      gaps.map((row) => [
        row.fault, row.role, String(row.count), ms(row.medianMs), ms(row.maxMs), String(row.alone),
        ms(row.aloneMedianMs),
      ])),
    '\n',
    summary.scenario === 'storm' ? stormText(summary) : '',
    summary.operator.length > 0 ? `An operator was asked to decide: ${summary.operator.join(', ')}.\n` : '',
    `Refused writes: ${listed(summary.refusals)}.\n`,
    `Events: ${listed(summary.events)}.\n`,
    ...summary.notes.map((note) => `${note}\n`),
    ...summary.broken.map(({ rule, what }) => `BROKEN ${rule}: ${what}\n`),
  ];
  return parts.join('');
}

/** What only storms are searched for. */
function stormText({ twoMasters, healing }: Summary): string {
  return [
    `Two writable masters: ${ms(twoMasters.withinMs)} where I2's conditions held, `
    + `${ms(twoMasters.outsideMs)} where they did not (${twoMasters.times} times, `
    + `the longest ${ms(twoMasters.longestMs)}, ${twoMasters.writes} writes).\n`,
    `Healed after each round's last fault: median ${ms(healing.medianMs)}, max ${ms(healing.maxMs)}, bound `
    + `${ms(healing.boundMs)}; not by itself: ${healing.never}.\n`,
  ].join('');
}

function listed(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts).map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}

export function lastLine({ against, scenario, seconds, faults, broken, lost, acknowledged }: Summary): string {
  const who = against === 'dictator' ? '' : `${against}, `;
  const what = scenario === 'storm' ? '' : `${scenario}, `;
  const all = Object.values(acknowledged).reduce((sum, count) => sum + count, 0);
  const gone = Object.values(lost).reduce((sum, count) => sum + count, 0);
  const verdict = against === 'dictator' && scenario === 'storm'
    ? `${broken.length} broken rules`
    : `${gone} of ${all} acknowledged writes lost`;
  return `chaos: ${who}${what}${seconds} s, ${faults} faults, ${verdict}`;
}
