/**
 * Draws the live view: state and look in, exactly `rows` lines out. Pure, so that what a user sees is tested as text.
 *
 * Nothing moves: each part has its lines whether or not there is something to say, and events fill what is left.
 */
import { REASONS } from '../../src/contract/reasons.ts';
import type { CanaryState, LiveEvent, LiveState, Look, NodeRow } from './model.ts';
import { span, toText } from './spans.ts';
import type { Span, Style } from './spans.ts';

const NOTE_LINES = 2;
const BLANK: readonly Span[] = [];

const SPARKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const SPARKS_ASCII = ['.', ',', ':', '-', '=', '+', '*', '#'];
/** Upper limits of the first seven heights; the eighth is all above. */
const SPARK_LIMITS_MS = [10, 20, 50, 100, 200, 500, 1000];
/** From here on the present gap is shown as one. */
const WAITING_MS = 50;
const SPARK_MARGIN = 8;
const SPARK_LEGEND = 24;

const KEYS: readonly (readonly [string, string])[] = [
  ['k', "kill master's Redis"],
  ['a', "kill master's agent"],
  ['r', 'restart what is down'],
  ['f', 'freeze/thaw its Redis'],
  ['F', 'freeze/thaw its agent'],
  ['q', 'quit'],
];
const KEYS_PER_LINE = 3;

export function render(state: LiveState, look: Look): readonly string[] {
  const top = [
    header(state),
    BLANK,
    ...table(state.nodes),
    ...notes(state),
    BLANK,
    canaryLine(state.canary),
    sparkline(state.canary, look),
    BLANK,
  ];
  const bottom = keyLines();
  const room = Math.max(0, look.rows - top.length - bottom.length - 1);
  const latest = room === 0 ? [] : state.events.slice(-room).map((event) => eventLine(event));
  const padding = Array.from({ length: room - latest.length + 1 }, () => BLANK);
  const lines = [...top, ...latest, ...padding, ...bottom];
  // On a terminal that is too low the keys stay, since without them nobody knows how to leave.
  const fitting = lines.length <= look.rows
    ? lines
    : [...lines.slice(0, Math.max(0, look.rows - bottom.length)), ...bottom].slice(-look.rows);
  return fitting.map((line) => toText(line, look));
}

function header({ service, phase, master, lease }: LiveState): readonly Span[] {
  const title = span(` Dictator ${service}   `, 'strong');
  if (phase !== 'running') return [title, span(phase === 'starting' ? 'starting ...' : 'stopping ...', 'warn')];
  const who = master === null
    ? span('no master is published', 'bad')
    : span(`master ${master.name}, epoch ${master.epoch}`, 'good');
  if (master === null) return [title, who];
  if (lease === null) return [title, who, span('   its agent does not answer', 'bad')];
  const heard = lease.heardAgoMs === null ? 'never' : `${seconds(lease.heardAgoMs)} ago`;
  const style = lease.heardAgoMs !== null && lease.heardAgoMs < lease.sessionTimeoutMs / 2 ? 'dim' : 'warn';
  return [title, who, span(`   lease of ${seconds(lease.sessionTimeoutMs)} confirmed ${heard}`, style)];
}

const WIDTHS = { name: 7, port: 6, agent: 8, redis: 8, role: 8, link: 8, lag: 9, inSync: 8 } as const;

function table(nodes: readonly NodeRow[]): readonly (readonly Span[])[] {
  const headings = { name: 'node', port: 'port', agent: 'agent', redis: 'Redis', role: 'role', link: 'link' } as const;
  const all = { ...headings, lag: 'lag', inSync: 'in sync' } as const;
  const cells = Object.entries(all).map(([column, text]) => cell(text, WIDTHS[column as keyof typeof WIDTHS], 'dim'));
  return [[span(' '), ...cells, span('remarks', 'dim')], ...nodes.map(row)];
}

function row(node: NodeRow): readonly Span[] {
  const isReplica = node.role === 'replica';
  return [
    span(' '),
    cell(node.name, WIDTHS.name, 'strong'),
    cell(String(node.port), WIDTHS.port, 'dim'),
    cell(node.agent, WIDTHS.agent, processStyle(node.agent)),
    cell(node.redis, WIDTHS.redis, processStyle(node.redis)),
    cell(node.role ?? '-', WIDTHS.role, node.role === 'master' ? 'good' : 'plain'),
    cell(isReplica ? node.link ?? '-' : '-', WIDTHS.link, isReplica && node.link !== 'up' ? 'warn' : 'plain'),
    cell(node.lagBytes === null ? '-' : bytes(node.lagBytes), WIDTHS.lag, 'plain'),
    cell(inSync(node), WIDTHS.inSync, isReplica && !node.inSync ? 'warn' : 'plain'),
    span(remarks(node), 'warn'),
  ];
}

function inSync(node: NodeRow): string {
  if (node.role === 'master') return '-';
  return node.inSync ? 'yes' : 'no';
}

function processStyle(state: NodeRow['redis']): Style {
  if (state === 'running') return 'plain';
  return state === 'down' ? 'bad' : 'warn';
}

function remarks({ fence, reasons }: NodeRow): string {
  const fenced = { none: [], reversible: ['refuses writes'], hard: ['cut off'] }[fence];
  return [...fenced, ...reasons].join(', ');
}

/** The reasons in words: the table has no room for more than their codes. */
function notes({ nodes }: LiveState): readonly (readonly Span[])[] {
  const named = nodes.flatMap(({ name, reasons }) => reasons.map((code) => ({ name, code })));
  const lines = named.slice(0, NOTE_LINES).map(({ name, code }) => [
    span(` ${name}: ${REASONS[code].what}`, 'dim'),
  ]);
  return [...lines, ...Array.from({ length: NOTE_LINES - lines.length }, () => BLANK)];
}

function canaryLine(canary: CanaryState): readonly Span[] {
  const { target, perSecond, gapNowMs, gapSinceKeyMs, gapWorstMs } = canary;
  const where = target === null ? 'has nowhere to write' : `${perSecond} writes/s to ${target}`;
  const waiting = gapNowMs >= WAITING_MS;
  return [
    span(' canary  ', 'strong'),
    span(where.padEnd(24), target === null ? 'bad' : 'plain'),
    span(`gap now ${duration(gapNowMs)}`.padEnd(17), waiting ? 'bad' : 'plain'),
    span(`latest ${gapSinceKeyMs === null ? '-' : duration(gapSinceKeyMs)}`.padEnd(16)),
    span(`worst ${duration(gapWorstMs)}`),
  ];
}

function sparkline({ slices }: CanaryState, { columns, unicode }: Look): readonly Span[] {
  const width = Math.max(0, columns - SPARK_MARGIN - SPARK_LEGEND - 2);
  const sparks = unicode ? SPARKS : SPARKS_ASCII;
  const shown = width === 0 ? [] : slices.slice(-width);
  const drawn = shown.map((gapMs) => {
    const height = SPARK_LIMITS_MS.filter((limit) => gapMs >= limit).length;
    return span(sparks[height] ?? ' ', height < 2 ? 'dim' : height < 5 ? 'warn' : 'bad');
  });
  const legend = `  ${sparks[0]} <10 ms  ${sparks[sparks.length - 1]} >1 s`;
  return [span(' gaps   '), span(' '.repeat(width - drawn.length)), ...drawn, span(legend, 'dim')];
}

function eventLine({ atMs, who, text, tone }: LiveEvent): readonly Span[] {
  const styles = { plain: 'plain', good: 'good', bad: 'bad', yours: 'strong' } as const;
  return [span(` ${clock(atMs)}  `, 'dim'), span(who.padEnd(8), 'dim'), span(text, styles[tone])];
}

function keyLines(): readonly (readonly Span[])[] {
  const widths = [0, 1, 2].map((column) => Math.max(...KEYS
    .filter((_key, index) => index % KEYS_PER_LINE === column)
    .map(([, text]) => text.length)));
  const lines = [KEYS.slice(0, KEYS_PER_LINE), KEYS.slice(KEYS_PER_LINE)];
  return lines.map((keys) => keys.flatMap(([key, text], column) => [
    span(' '), span(` ${key} `, 'key'), span(` ${text.padEnd(widths[column] ?? 0)} `),
  ]));
}

function cell(text: string, width: number, style: Style): Span {
  return span(text.slice(0, width - 1).padEnd(width), style);
}

export function duration(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : seconds(ms);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1000).toFixed(1)} kB`;
  return `${(count / 1_000_000).toFixed(1)} MB`;
}

export function clock(atMs: number): string {
  const time = new Date(atMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  const millis = String(time.getMilliseconds()).padStart(3, '0');
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}.${millis}`;
}
