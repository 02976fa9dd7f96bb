/**
 * The figures: which there are, what they are held against, and how they are shown.
 */
import type { Context } from './context.ts';
import type { Stage } from './stages.ts';
import type { Summary } from './statistics.ts';
import { median, summarize } from './statistics.ts';
import { UNDER_WAY } from './thaw.ts';

type Samples = Pick<Context, 'samples'>;

interface Goal {
  readonly atMost?: number;
  readonly atLeast?: number;
  /** Holds for every run, not for their median: what is promised to be so always. */
  readonly always?: true;
}

interface Row {
  readonly figure: string;
  readonly unit: string;
  /** Names of samples. */
  readonly of: string;
  readonly floor?: string;
  readonly sentinel?: string;
  readonly goal?: Goal;
}

/** How many times one median is another. */
interface Ratio {
  readonly figure: string;
  readonly of: string;
  readonly to: string;
  readonly goal?: Goal;
}

/** What a mastership that moves without a failure costs, by name of the samples. */
function moveRows(what: string, of: string, goal: Goal): readonly Row[] {
  const never: Goal = { atMost: 0, always: true };
  return [
    { figure: `${what}: write gap`, unit: 'ms', of, goal },
    { figure: `${what}: write gap, 95 of 100`, unit: 'ms', of: `${of}.slow`, goal: { atMost: 100 } },
    {
      figure: `${what}: acknowledged and lost`,
      unit: 'writes',
      of: `${of}.lost`,
      sentinel: `sentinel.${of}.lost`,
      goal: never,
    },
    {
      figure: `${what}: two masters`,
      unit: 'ms',
      of: `${of}.overlap`,
      sentinel: `sentinel.${of}.overlap`,
      goal: never,
    },
    { figure: `${what}: acknowledged before it`, unit: 'writes/s', of: `${of}.rate` },
  ];
}

const ROWS: readonly Row[] = [
  {
    figure: 'redis killed: write gap',
    unit: 'ms',
    of: 'redis-killed',
    floor: 'floor',
    sentinel: 'sentinel.gap',
    goal: { atMost: 50 },
  },
  {
    figure: 'redis killed: gap by published address',
    unit: 'ms',
    of: 'redis-killed.published',
    floor: 'floor.published',
    sentinel: 'sentinel.published',
  },
  {
    figure: 'redis killed: published after write gap',
    unit: 'ms',
    of: 'redis-killed.published-more',
    sentinel: 'sentinel.published-more',
    goal: { atMost: 20 },
  },
  {
    figure: 'redis and agent killed: write gap',
    unit: 'ms',
    of: 'both-killed',
    floor: 'floor.both-killed',
    sentinel: 'sentinel.gap',
    goal: { atMost: 150 },
  },
  {
    figure: 'redis and agent killed: gap by published address',
    unit: 'ms',
    of: 'both-killed.published',
    sentinel: 'sentinel.published',
  },
  ...moveRows('switchover', 'switchover', { atMost: 30 }),
  { figure: 'switchover: gap as reported', unit: 'ms', of: 'switchover.reported' },
  { figure: 'switchover: gap as reported, 95 of 100', unit: 'ms', of: 'switchover.reported.slow' },
  {
    figure: 'switchover: order until first write elsewhere',
    unit: 'ms',
    of: 'switchover.until',
    sentinel: 'sentinel.switchover.until',
  },
  ...moveRows('SIGTERM hand-over', 'hand-over', { atMost: 30 }),
  ...moveRows('agent killed, takeover', 'takeover', { atMost: 100 }),
  { figure: 'agent killed, takeover: death until first write elsewhere', unit: 'ms', of: 'takeover.until' },
  {
    figure: 'agent restarted, on_stop keep: writes refused',
    unit: 'writes',
    of: 'agent-restart.refused',
    goal: { atMost: 0, always: true },
  },
  { figure: 'agent restarted, on_stop keep: longest pause', unit: 'ms', of: 'agent-restart.pause' },
  ...['empty', 'old'].flatMap((data): Row[] => {
    const when = data === 'empty' ? 'restarted empty at once' : 'restarted later with old data';
    return [
      {
        figure: `${when}: accepts writes beside the new master`,
        unit: 'ms',
        of: `overlap.${data}`,
        sentinel: `sentinel.overlap.${data}`,
        goal: { atMost: 30 },
      },
      { figure: `${when}, start fence: the same`, unit: 'ms', of: `overlap.${data}.fenced`, goal: { atMost: 0 } },
      {
        figure: `${when}: acknowledged there and lost`,
        unit: 'writes',
        of: `overlap.${data}.lost`,
        sentinel: `sentinel.overlap.${data}.lost`,
      },
    ];
  }),
  {
    figure: 'restarted empty at once: keys lost',
    unit: 'of 1000',
    of: 'overlap.empty.keys-lost',
    sentinel: 'sentinel.overlap.empty.keys-lost',
    goal: { atMost: 0 },
  },
  {
    figure: 'stopped and continued: acknowledged after that',
    unit: 'writes',
    of: 'thaw',
    sentinel: 'sentinel.thaw',
    goal: { atMost: UNDER_WAY },
  },
  {
    figure: 'stopped and continued, fence_by_kill: the same',
    unit: 'writes',
    of: 'thaw.kill',
    sentinel: 'sentinel.thaw',
    goal: { atMost: 0 },
  },
  { figure: 'Sentinel: for how long it acknowledges them', unit: 'ms', of: 'sentinel.thaw.ms' },
  {
    figure: 'host cut off: old master acknowledges until',
    unit: 'ms',
    of: 'cutoff.old',
    sentinel: 'sentinel.cutoff.old',
  },
  {
    figure: 'host cut off: new master acknowledges from',
    unit: 'ms',
    of: 'cutoff.new',
    sentinel: 'sentinel.cutoff.new',
  },
  {
    figure: 'host cut off: margin between the two',
    unit: 'ms',
    of: 'cutoff.margin',
    sentinel: 'sentinel.cutoff.margin',
    goal: { atLeast: 0, always: true },
  },
  {
    figure: 'host cut off: acknowledged by the old one and lost',
    unit: 'writes',
    of: 'cutoff.lost',
    sentinel: 'sentinel.cutoff.lost',
  },
  { figure: 'health check, 500 a second: answer', unit: 'ms', of: 'checks.answer', goal: { atMost: 1 } },
  { figure: 'health check, 500 a second: 99 of 100', unit: 'ms', of: 'checks.slow' },
  { figure: 'health check, 500 a second: CPU of the agent', unit: '% of a core', of: 'checks.cpu' },
  { figure: 'through HAProxy, redis killed: write gap', unit: 'ms', of: 'haproxy.killed', goal: { atMost: 250 } },
  { figure: 'through HAProxy, switchover: write gap', unit: 'ms', of: 'haproxy.switchover' },
  { figure: 'promotion until its announcement is sent', unit: 'ms', of: 'events.sent' },
  { figure: 'promotion until +switch-master, same agent', unit: 'ms', of: 'events.same', goal: { atMost: 5 } },
  { figure: 'promotion until +switch-master, all agents', unit: 'ms', of: 'events.all', goal: { atMost: 20 } },
  {
    figure: 'ioredis, redis killed: write gap',
    unit: 'ms',
    of: 'events.ioredis',
    sentinel: 'sentinel.ioredis',
    goal: { atMost: 150 },
  },
  {
    figure: 'Sentinel port, 1000 idle clients: RSS above that without',
    unit: 'MB',
    of: 'flood.idle',
    goal: { atMost: 30 },
  },
  {
    figure: 'Sentinel port, flood: least margin of the lease',
    unit: 'ms',
    of: 'flood.margin',
    goal: { atLeast: 0, always: true },
  },
  { figure: 'Sentinel port, in peace: the same', unit: 'ms', of: 'flood.calm' },
  { figure: 'Sentinel port, flood: SENTINEL MASTERS answered', unit: 'a second', of: 'flood.answers' },
  ...['agent', 'gateway'].flatMap((process): Row[] => [
    {
      figure: `${process}, 1000 services: RSS above that with one`,
      unit: 'MB',
      of: `services.${process}.more`,
      goal: { atMost: 20 },
    },
    {
      figure: `${process}, 1000 services: SENTINEL MASTERS`,
      unit: 'ms',
      of: `services.${process}.masters`,
      goal: { atMost: 50 },
    },
  ]),
  { figure: 'dictator list, 1000 services', unit: 'ms', of: 'list', goal: { atMost: 1000 } },
  ...['node24', 'present'].flatMap((runtime): Row[] => [
    {
      figure: `agent, ${runtime}: RSS`,
      unit: 'MB',
      of: `agent.${runtime}.rss`,
      sentinel: 'sentinel.rss',
      ...(runtime === 'node24' ? { goal: { atMost: 70 } } : {}),
    },
    { figure: `agent, ${runtime}: RssAnon`, unit: 'MB', of: `agent.${runtime}.anon`, sentinel: 'sentinel.anon' },
    {
      figure: `agent, ${runtime}: private memory (Pss_Anon)`,
      unit: 'MB',
      of: `agent.${runtime}.private`,
      sentinel: 'sentinel.private',
      ...(runtime === 'node24' ? { goal: { atMost: 30 } } : {}),
    },
    {
      figure: `agent, ${runtime}: exec to first /status`,
      unit: 'ms',
      of: `agent.${runtime}.ready`,
      sentinel: 'sentinel.ready',
      ...(runtime === 'node24' ? { goal: { atMost: 300 } } : {}),
    },
    {
      figure: `agent, ${runtime}: CPU when idle`,
      unit: '% of a core',
      of: `agent.${runtime}.cpu`,
      sentinel: 'sentinel.cpu',
      ...(runtime === 'node24' ? { goal: { atMost: 0.5 } } : {}),
    },
  ]),
  { figure: 'floor: Redis killed until port refuses', unit: 'ms', of: 'floor.detect' },
  { figure: 'floor: delete and ballots, then claim (2 commits)', unit: 'ms', of: 'floor.commits' },
  { figure: 'floor: write until watch at another client', unit: 'ms', of: 'floor.watch' },
  { figure: 'floor: REPLICAOF NO ONE and INFO', unit: 'ms', of: 'floor.promote' },
  { figure: 'floor: partial resync until write accepted', unit: 'ms', of: 'floor.attach' },
  { figure: 'floor: all of it, one after the other', unit: 'ms', of: 'floor' },
];

const RATIOS: readonly Ratio[] = [
  { figure: 'redis killed: times the floor', of: 'redis-killed', to: 'floor', goal: { atMost: 2 } },
  {
    figure: 'redis and agent killed: times the floor',
    of: 'both-killed',
    to: 'floor.both-killed',
    goal: { atMost: 2 },
  },
  {
    figure: 'redis killed: times shorter than Sentinel',
    of: 'sentinel.gap',
    to: 'redis-killed',
    goal: { atLeast: 20 },
  },
  {
    figure: 'redis and agent killed: times shorter than Sentinel',
    of: 'sentinel.gap',
    to: 'both-killed',
    goal: { atLeast: 8 },
  },
  { figure: 'switchover: order times shorter than Sentinel', of: 'sentinel.switchover.until', to: 'switchover.until' },
  { figure: 'switchover: gap times shorter than Sentinel after a kill', of: 'sentinel.gap', to: 'switchover' },
];

export interface Figure extends Summary {
  readonly figure: string;
  readonly unit: string;
  readonly floor: number | null;
  readonly sentinel: number | null;
  readonly goal: string | null;
  /** Null = no goal. */
  readonly ok: boolean | null;
}

function goalText({ atMost, atLeast, always }: Goal): string {
  const bound = atMost === undefined ? `>= ${atLeast ?? ''}` : `<= ${atMost}`;
  return always === true ? `each ${bound}` : bound;
}

function met({ atMost, atLeast }: Goal, value: number): boolean {
  return value <= (atMost ?? Number.POSITIVE_INFINITY) && value >= (atLeast ?? Number.NEGATIVE_INFINITY);
}

function metBy(goal: Goal, samples: readonly number[]): boolean {
  return goal.always === true ? samples.every((sample) => met(goal, sample)) : met(goal, median(samples));
}

/** Three significant places where there are so many: what is behind them is noise. */
function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

function middle(context: Samples, name: string | undefined): number | null {
  const samples = name === undefined ? undefined : context.samples.get(name);
  return samples === undefined ? null : rounded(median(samples));
}

function figureOf(context: Samples, row: Row): Figure | null {
  const samples = context.samples.get(row.of);
  if (samples === undefined) return null;
  const { runs, median: mid, min, max } = summarize(samples);
  return {
    figure: row.figure,
    unit: row.unit,
    runs,
    median: rounded(mid),
    min: rounded(min),
    max: rounded(max),
    floor: middle(context, row.floor),
    sentinel: middle(context, row.sentinel),
    goal: row.goal === undefined ? null : goalText(row.goal),
    ok: row.goal === undefined ? null : metBy(row.goal, samples),
  };
}

function ratioOf(context: Samples, { figure, of, to, goal }: Ratio): Figure | null {
  const above = context.samples.get(of);
  const below = context.samples.get(to);
  if (above === undefined || below === undefined) return null;
  const ratio = median(above) / median(below);
  const value = rounded(ratio);
  const runs = Math.min(above.length, below.length);
  const shown = { figure, unit: 'times', runs, median: value, min: value, max: value, floor: null, sentinel: null };
  if (goal === undefined) return { ...shown, goal: null, ok: null };
  return { ...shown, goal: goalText(goal), ok: met(goal, ratio) };
}

export function figuresOf(context: Samples): readonly Figure[] {
  const all = [...ROWS.map((row) => figureOf(context, row)), ...RATIOS.map((ratio) => ratioOf(context, ratio))];
  return all.filter((figure) => figure !== null);
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_cell, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0);
  return lines.map((line) => `${line.map(pad).join('  ').trimEnd()}\n`).join('');
}

export function figuresTable(figures: readonly Figure[]): string {
  const head = ['figure', 'unit', 'runs', 'median', 'min', 'max', 'floor', 'Sentinel', 'goal', 'ok?'];
  const lines = figures.map((f) => [
    f.figure,
    f.unit,
    ...[f.runs, f.median, f.min, f.max].map(String),
    f.floor === null ? '' : String(f.floor),
    f.sentinel === null ? '' : String(f.sentinel),
    f.goal ?? '',
    f.ok === null ? '' : f.ok ? 'yes' : 'NO',
  ]);
  return aligned([head, ...lines]);
}

export function stagesTable(name: string, stages: readonly Stage[]): string {
  const lines = stages.map(({ stage, atMs, tookMs, share }) => [
    stage,
    atMs.toFixed(1),
    tookMs.toFixed(1),
    `${Math.round(share * 100)} %`,
  ]);
  return aligned([[`${name}: stage`, 'at ms', 'took ms', 'of the gap'], ...lines]);
}
