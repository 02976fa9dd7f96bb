/**
 * `dictator list`: every service of the ensemble, one line each. Reads a summary of each service's records and asks no
 * agent, so that a thousand services cost one second, and the agents nothing.
 */
import { EXIT } from '../../contract/errors.ts';
import type { Ensemble, ServiceRecords } from '../ensemble.ts';
import { factsOfAgent, unlessSilent } from '../facts.ts';
import { SOURCE_FLAGS } from '../flags.ts';
import { LiveViews } from '../live.ts';
import { looking } from '../look.ts';
import { isDefect, problemsOf } from '../problems.ts';
import type { FoundProblem } from '../problems.ts';
import { withProgress } from '../progress.ts';
import { HEALTH_STYLE, plannedText } from '../render-topology.ts';
import { report } from '../report.ts';
import { duration, painter, printable, printJson, shownAddress, table } from '../terminal.ts';
import type { Paint } from '../terminal.ts';
import { maintenanceOf, pauseOf, topologyOf } from '../topology.ts';
import type { Health, Planned } from '../topology.ts';
import type { Call, Verb } from '../verb.ts';

export const list: Verb = {
  name: 'list',
  group: 'Look',
  args: '',
  argsMin: 0,
  argsMax: 0,
  summary: 'all services of the ensemble, one line each',
  details: [
    'NODES counts those that serve or could take over, of those that are registered. POSITION is the replication '
    + 'offset that the registry has of the master, with its age: it is written when something changes, not with every '
    + 'write; dictator show asks the agents.',
    'With --agent: the service of that agent alone.',
  ],
  flags: SOURCE_FLAGS,
  examples: ['dictator list', 'dictator list --zk zk1:2181,zk2:2181 --json'],
  run: (call) => looking(call, async ({ ensemble, source, silence }) => {
    if (ensemble === null) {
      const { agent, hosts } = source;
      if (hosts !== null || agent === null) return report(silence, call.io);
      return listOfAgent(agent, call);
    }
    const lines = await withProgress('reading the ensemble', call.io, unlessSilent(() => linesOf(ensemble, call)));
    if (lines === null) return report({ code: 'ensemble_unreachable' }, call.io);
    return print(lines, call);
  }),
};

export interface ServiceLine {
  readonly service: string;
  readonly master: string | null;
  readonly epoch: number | null;
  readonly health: Health;
  readonly nodes: { readonly registered: number; readonly ready: number; readonly live: number };
  readonly position: { readonly offset: number; readonly ageMs: number } | null;
  readonly problems: readonly FoundProblem[];
  /** The pause that holds, or null. */
  readonly pause: Planned | null;
  /** Why nodes are disabled, where somebody said so. */
  readonly maintenance: readonly (Planned & { readonly node: string })[];
}

async function linesOf(ensemble: Ensemble, { io }: Call): Promise<readonly ServiceLine[]> {
  const services = await ensemble.services();
  const records = await Promise.all(services.map((service) => ensemble.read(service, 'summary')));
  const nowMs = io.clock.wallNow();
  return records.map((each) => lineOf(each, nowMs));
}

/** What one service's summary says. Pure. */
export function lineOf(records: ServiceRecords, nowMs: number): ServiceLine {
  const { service, term, lease, live } = records;
  const problems = problemsOf(records, nowMs);
  const registered = term?.value.nodes ?? [];
  const faulty = new Set(problems.map(({ node }) => node));
  const ready = registered.filter((name) => !faulty.has(name)).length;
  return {
    service,
    master: lease?.value.node ?? null,
    epoch: term?.value.epoch ?? null,
    health: lease === null ? 'no_master' : problems.some(isDefect) ? 'degraded' : 'ok',
    nodes: { registered: registered.length, ready, live: live.length },
    position: positionOf(records, nowMs),
    problems,
    ...plannedOf(records, nowMs),
  };
}

function plannedOf(records: ServiceRecords, nowMs: number): Pick<ServiceLine, 'pause' | 'maintenance'> {
  const none = new Map<string, never>();
  const facts = { service: records.service, nowMs, ensemble: 'read', records, views: none, silent: [] } as const;
  const maintenance = [...records.nodes.keys()].flatMap((node) => {
    const why = maintenanceOf(facts, node);
    return why === null ? [] : [{ node, ...why }];
  });
  return { pause: pauseOf(facts), maintenance };
}

/** Of the master, else the furthest of all: what the registry knows of the data. */
function positionOf({ lease, nodes }: ServiceRecords, nowMs: number): ServiceLine['position'] {
  const own = lease === null ? undefined : nodes.get(lease.value.node);
  const [furthest] = [...nodes.values()].sort((a, b) => b.value.offset - a.value.offset);
  const record = own ?? furthest;
  if (record === undefined) return null;
  return { offset: record.value.offset, ageMs: Math.max(0, Math.round(nowMs - record.writtenMs)) };
}

async function listOfAgent(agent: { readonly host: string; readonly port: number }, call: Call) {
  const { io } = call;
  const gathering = { live: new LiveViews(io.clock), wallNow: () => io.clock.wallNow() };
  const answer = await factsOfAgent(agent, gathering, 'not_asked');
  if (!answer.ok) {
    const code = answer.why === 'foreign' ? 'not_an_agent' : 'agent_unreachable';
    return report({ code, details: [`http://${shownAddress(agent)}: ${answer.why}`] }, io);
  }
  const { service, master, epoch, health, nodes } = topologyOf(answer.facts);
  const [view] = answer.facts.views.values();
  const registered = view?.nodes.length ?? 0;
  const ready = nodes.filter((node) => node.inSync || node.name === master).length;
  const offset = nodes.find(({ name }) => name === master)?.offset ?? null;
  const position = offset === null ? null : { offset, ageMs: 0 };
  const counted = { registered, ready, live: view?.members.length ?? 0 };
  const { pause } = topologyOf(answer.facts);
  return print([{
    service, master, epoch, health, nodes: counted, position, problems: [], pause, maintenance: [],
  }], call);
}

function print(lines: readonly ServiceLine[], { flags, io }: Call) {
  if (flags.on('json')) printJson({ v: 1, services: lines }, io);
  else if (lines.length === 0) io.stderr('dictator: the ensemble has no service\n');
  else io.stdout(renderList(lines, painter(io)));
  return EXIT.done;
}

/** Problems, and beside those that somebody wanted, who and until when. */
function whatOf({ problems, pause, maintenance }: Pick<ServiceLine, 'problems' | 'pause' | 'maintenance'>): string {
  return problems.map(({ node, problem }) => {
    const ofNode = problem === 'disabled' ? maintenance.find((each) => each.node === node) : null;
    const wanted = problem === 'paused' ? pause : ofNode;
    const who = wanted ? ` ${plannedText(wanted)}` : '';
    return `${printable(node === null ? problem : `${node} ${problem}`)}${who}`;
  }).join(', ');
}

const HEADINGS = ['SERVICE', 'MASTER', 'EPOCH', 'NODES', 'HEALTH', 'POSITION', 'WHAT'] as const;

export function renderList(lines: readonly ServiceLine[], paint: Paint): string {
  const rows = lines.map(({ service, master, epoch, nodes, health, position, ...about }) => [
    printable(service),
    master === null ? '-' : printable(master),
    epoch === null ? '-' : String(epoch),
    `${nodes.ready}/${nodes.registered}`,
    paint(HEALTH_STYLE[health], health),
    position === null ? '-' : `${position.offset} (${duration(position.ageMs)} ago)`,
    whatOf(about),
  ]);
  return table([HEADINGS.map((heading) => paint('bold', heading)), ...rows]);
}
