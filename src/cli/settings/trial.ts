/**
 * Whether Redis would take parameters, before the command line stores them itself: an agent of the service asks its own
 * (`GET /v1/parameters`), that of the master where it answers, else the next.
 */
import * as v from 'valibot';
import type { SettingFault } from '../../contract/settings.ts';
import type { Target } from '../../peers/exchange.ts';
import { unlessSilent } from '../facts.ts';
import type { Ensemble } from '../ensemble.ts';
import { getJson } from '../live.ts';
import { fault } from './agent.ts';

export type Parameters = Readonly<Record<string, string>>;

/** All of them that Redis would not take; null where no agent could ask its own. */
export type Trial = (parameters: Parameters) => Promise<readonly SettingFault[] | null>;

const tried = v.object({ service: v.string(), faults: v.array(fault) });

/** An agent gives its Redis a second for each of two looks. */
const TRIAL_TIMEOUT_MS = 3000;
/** Of a URL, which an agent bounds; the longest parameter alone is shorter. */
const QUERY_LENGTH_MAX = 1900;

/** Asks the agents of `service` one after the other, until one of them could ask its Redis. */
export async function tryAt(
  targets: readonly Target[],
  service: string,
  parameters: Parameters,
): Promise<readonly SettingFault[] | null> {
  for (const target of targets) {
    const faults = await askOne(target, service, parameters);
    if (faults !== null) return faults;
  }
  return null;
}

async function askOne(
  target: Target,
  service: string,
  parameters: Parameters,
): Promise<readonly SettingFault[] | null> {
  const all: SettingFault[] = [];
  for (const query of queriesOf(parameters)) {
    const asked = await getJson(target, `/v1/parameters?${query}`, TRIAL_TIMEOUT_MS);
    const told = v.safeParse(tried, asked.ok ? asked.value : null);
    if (!told.success || told.output.service !== service) return null;
    all.push(...told.output.faults);
  }
  return all;
}

export function queriesOf(parameters: Parameters): readonly string[] {
  const queries: string[] = [];
  for (const [name, value] of Object.entries(parameters)) {
    const one = new URLSearchParams([[name, value]]).toString();
    const last = queries.at(-1);
    const joined = last === undefined ? one : `${last}&${one}`;
    if (last !== undefined && joined.length <= QUERY_LENGTH_MAX) queries[queries.length - 1] = joined;
    else queries.push(one);
  }
  return queries;
}

/** Where the agents of a service say that they are, that of the master first. */
export async function agentsOf(ensemble: Pick<Ensemble, 'read'>, service: string): Promise<readonly Target[]> {
  const records = await unlessSilent(() => ensemble.read(service, 'all'));
  if (records === null) return [];
  const master = records.lease?.value.node;
  const isMaster = (name: string): number => Number(name === master);
  return [...records.members]
    .toSorted(([a], [b]) => isMaster(b) - isMaster(a))
    .map(([, { value }]) => value.http);
}
