/** The tree of a service as text: one line per node, what is wrong with it below it. Pure. */
import { isProblem, PROBLEMS } from './problems.ts';
import { duration, printable, shownAddress, size, table, widthOf } from './terminal.ts';
import type { Paint, Style } from './terminal.ts';
import { reasonText } from './topology.ts';
import { timeOf } from './act/times.ts';
import type { Health, NodeRow, Planned, Topology } from './topology.ts';

export const HEALTH_STYLE: Readonly<Record<Health, Style>> = {
  ok: 'green',
  degraded: 'yellow',
  no_master: 'red',
  unknown: 'red',
};

/** A code with what it means, where this version knows it. */
export function explained(code: string): string {
  const what = isProblem(code) ? PROBLEMS[code] : reasonText(code)?.what;
  return what === undefined ? printable(code) : `${code}: ${what}`;
}

/** Who, until when, and why. */
export const plannedText = ({ owner, reason, until }: Planned): string =>
  printable(`(by ${owner}, ${until === null ? 'no end' : `until ${timeOf(until)}`}: ${reason})`);

export function renderTopology(topology: Topology, paint: Paint): string {
  const { service, epoch, health, nodes, master, ensemble } = topology;
  const head = [
    paint('bold', printable(service)),
    `epoch ${epoch}`,
    paint(HEALTH_STYLE[health], health),
    ...(ensemble === 'read' ? [] : [paint('dim', 'as one agent sees it')]),
  ];
  const lines = table(nodes.map((node, index) => {
    return [`${branchOf(nodes, index, master)}${nameOf(node, master, paint)}`, ...cellsOf(node, paint)];
  })).split('\n');
  const body = nodes.flatMap((node, index) => [lines[index] ?? '', ...problemsOf(node, master, paint)]);
  return `${head.join('  ')}\n\n${body.map((line) => `${line}\n`).join('')}`;
}

/** Replicas hang below the master; without one all nodes stand side by side. */
function branchOf(nodes: readonly NodeRow[], index: number, master: string | null): string {
  if (master === null || nodes[index]?.name === master) return '';
  return index === nodes.length - 1 ? '└─ ' : '├─ ';
}

function nameOf({ name }: NodeRow, master: string | null, paint: Paint): string {
  return name === master ? paint('bold', printable(name)) : printable(name);
}

function cellsOf(node: NodeRow, paint: Paint): string[] {
  const { role, redis, tags, inSync } = node;
  const sync = role === 'master' ? '' : inSync ? 'in sync' : paint('yellow', 'not in sync');
  return [
    role === 'gone' ? paint('red', role) : printable(role),
    redis === null ? '-' : shownAddress(redis),
    linkOf(node, paint),
    sync,
    positionOf(node),
    tags.length === 0 ? '' : paint('cyan', `[${tags.join(', ')}]`),
  ];
}

function linkOf({ link, lagBytes, role }: NodeRow, paint: Paint): string {
  if (role === 'master') return '';
  if (link === null) return paint('dim', 'link ?');
  const lag = lagBytes === null ? '' : `, lag ${size(lagBytes)}`;
  return link === 'up' ? `link up${lag}` : paint('red', 'link down');
}

/** Live where somebody says; else what was recorded, and when. */
function positionOf({ offset, recorded }: NodeRow): string {
  if (offset !== null) return `offset ${offset}`;
  return recorded === null ? '' : `offset ${recorded.offset}, recorded ${duration(recorded.ageMs)} ago`;
}

function problemsOf({ name, problems, maintenance }: NodeRow, master: string | null, paint: Paint): string[] {
  const indent = ' '.repeat(name === master || master === null ? 4 : widthOf('├─ ') + 4);
  return problems.map((code) => {
    const who = code === 'disabled' && maintenance !== null ? ` ${plannedText(maintenance)}` : '';
    return `${indent}${paint('yellow', `${explained(code)}${who}`)}`;
  });
}
