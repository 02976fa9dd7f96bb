/**
 * Everything that is known of one service at one moment: what its records say, and what its agents say of themselves.
 * What follows from it (tree, health, situations) is computed from this value alone.
 */
import { isZooKeeperError } from '../zookeeper/index.ts';
import { Ensemble } from './ensemble.ts';
import type { ServiceRecords } from './ensemble.ts';
import type { Target } from '../peers/exchange.ts';
import type { AgentView, Asked, LiveViews } from './live.ts';
import type { Source } from './source.ts';

export interface ServiceFacts {
  readonly service: string;
  /** Wall clock of this reader, ms since 1970: ages of records are counted from it. */
  readonly nowMs: number;
  /** `silent`: no server of it answered. `not_asked`: an agent was to be asked alone. */
  readonly ensemble: 'read' | 'silent' | 'not_asked';
  /** Null where the ensemble was not read. */
  readonly records: ServiceRecords | null;
  /** What agents answered, by node name. */
  readonly views: ReadonlyMap<string, AgentView>;
  /** Nodes whose agent has a live session and did not answer this reader, sorted. */
  readonly silent: readonly string[];
}

export interface Gathering {
  readonly live: LiveViews;
  readonly wallNow: () => number;
}

/** Reads from an open ensemble; null where it has no such service. */
export async function factsOf(
  ensemble: Ensemble,
  service: string,
  { live, wallNow }: Gathering,
): Promise<ServiceFacts | null> {
  const records = await ensemble.read(service, 'all');
  if (records.term === null && records.lease === null && records.live.length === 0 && records.nodes.size === 0) {
    return null;
  }
  const targets = [...records.members].map(([name, { value }]) => ({ name, target: value.http }));
  const answers = await live.of(targets.map(({ target }) => target));
  const views = new Map<string, AgentView>();
  const silent: string[] = [];
  for (const [index, { name }] of targets.entries()) {
    const view = ownView(answers[index], { service, name });
    if (view === null) silent.push(name);
    else views.set(name, view);
  }
  return { service, nowMs: wallNow(), ensemble: 'read', records, views, silent };
}

/** Another agent at the recorded address (a restarted one with another name, another service) is not the one meant. */
function ownView(
  asked: Asked<AgentView> | undefined,
  { service, name }: { readonly service: string; readonly name: string },
): AgentView | null {
  if (asked?.ok !== true) return null;
  return asked.value.service === service && asked.value.node.name === name ? asked.value : null;
}

export type AgentFacts =
  | { readonly ok: true; readonly facts: ServiceFacts }
  | { readonly ok: false; readonly why: 'refused' | 'silent' | 'foreign' };

/** What one agent knows, where the ensemble does not answer or was not to be asked. */
export async function factsOfAgent(
  agent: Target,
  { live, wallNow }: Gathering,
  ensemble: 'silent' | 'not_asked',
): Promise<AgentFacts> {
  const [asked] = await live.of([agent]);
  if (asked?.ok !== true) return { ok: false, why: asked?.why ?? 'silent' };
  const { value } = asked;
  const views = new Map([[value.node.name, value]]);
  return { ok: true, facts: { service: value.service, nowMs: wallNow(), ensemble, records: null, views, silent: [] } };
}

/** The ensemble of a source, or null where it has none or it does not answer. */
export async function openEnsemble({ hosts }: Source): Promise<Ensemble | null> {
  return hosts === null ? null : Ensemble.open(hosts);
}

/** The client goes on looking for a server, with a new session where the old one ended. */
const SILENCE = ['CONNECTION_LOSS', 'OPERATION_TIMEOUT', 'SESSION_EXPIRED', 'SESSION_MOVED'] as const;

/** Runs `read`; null where the ensemble stopped answering meanwhile. */
export async function unlessSilent<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (SILENCE.some((code) => isZooKeeperError(error, code))) return null;
    throw error;
  }
}
