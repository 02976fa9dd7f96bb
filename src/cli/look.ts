/**
 * What every reading verb does before it reads: finds the ensemble or the agent, the service that is meant, and its
 * facts; or says why it cannot.
 */
import type { Config } from '../config/config.ts';
import type { ExitCode } from '../contract/errors.ts';
import type { Ensemble } from './ensemble.ts';
import { factsOf, factsOfAgent, openEnsemble, unlessSilent } from './facts.ts';
import type { Gathering, ServiceFacts } from './facts.ts';
import { LiveViews } from './live.ts';
import type { Target } from '../peers/exchange.ts';
import { withProgress } from './progress.ts';
import { report } from './report.ts';
import type { Failure } from './report.ts';
import { sourceOf } from './source.ts';
import type { Source } from './source.ts';
import { shownAddress } from './terminal.ts';
import type { Call } from './verb.ts';

export type Looked<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly failure: Failure };

/** An open place to look at; closed by whoever opened it. */
export class Lookout {
  readonly source: Source;
  readonly #call: Call;
  #gathering: Gathering;
  readonly #ensemble: Ensemble | null;

  private constructor(source: Source, ensemble: Ensemble | null, call: Call) {
    this.source = source;
    this.#ensemble = ensemble;
    this.#call = call;
    this.#gathering = { live: new LiveViews(call.io.clock), wallNow: () => call.io.clock.wallNow() };
  }

  static async open(source: Source, call: Call): Promise<Lookout> {
    const ensemble = await withProgress('waiting for the ensemble', call.io, openEnsemble(source));
    return new Lookout(source, ensemble, call);
  }

  /** Null where the ensemble is silent, or is not to be asked. */
  get ensemble(): Ensemble | null {
    return this.#ensemble;
  }

  get config(): Config | null {
    return this.source.config;
  }

  /** Says that no server of the ensemble answers. */
  get silence(): Failure {
    return { code: 'ensemble_unreachable', details: (this.source.hosts ?? []).map(shownAddress) };
  }

  /** The service that is meant: the one named, else that of the configuration or agent, else the only one. */
  async facts(named: string | undefined): Promise<Looked<ServiceFacts>> {
    const ensemble = this.#ensemble;
    if (ensemble === null) return this.#ofAgent(named);
    const found = await unlessSilent(async () => {
      const service = await this.#serviceIn(ensemble, named);
      if (typeof service !== 'string') return service;
      const facts = await factsOf(ensemble, service, this.#gathering);
      return facts ?? { code: 'service_unknown' as const, details: [service] };
    });
    // Its client goes on looking for a server: the next look may find it again.
    if (found === null) return this.#ofAgent(named);
    return 'code' in found ? { ok: false, failure: found } : { ok: true, value: found };
  }

  /** Its name alone; null where the ensemble is silent. */
  async serviceNamed(named: string | undefined): Promise<Looked<string> | null> {
    const ensemble = this.#ensemble;
    if (ensemble === null) return null;
    const found = await unlessSilent(() => this.#serviceIn(ensemble, named));
    if (found === null) return null;
    return typeof found === 'string' ? { ok: true, value: found } : { ok: false, failure: found };
  }

  /** The same, of agents that are asked again: for whoever waits for a change, or has just made one. */
  factsNow(named: string | undefined): Promise<Looked<ServiceFacts>> {
    this.#gathering = { ...this.#gathering, live: new LiveViews(this.#call.io.clock) };
    return this.facts(named);
  }

  async close(): Promise<void> {
    await this.#ensemble?.close();
  }

  async #serviceIn(ensemble: Ensemble, named: string | undefined): Promise<string | Failure> {
    return named ?? this.config?.svcName ?? await onlyOne(ensemble);
  }

  async #ofAgent(named: string | undefined): Promise<Looked<ServiceFacts>> {
    const { agent, hosts } = this.source;
    const { silence } = this;
    if (agent === null) return { ok: false, failure: silence };
    const answer = await factsOfAgent(agent, this.#gathering, hosts === null ? 'not_asked' : 'silent');
    if (!answer.ok) return { ok: false, failure: hosts === null ? noAgent(agent, answer.why) : silence };
    const { service } = answer.facts;
    if (named !== undefined && named !== service) {
      const details = [`${shownAddress(agent)} is the agent of ${service}, not of ${named}`];
      return { ok: false, failure: hosts === null ? { code: 'service_unknown', details } : silence };
    }
    if (hosts !== null) this.#call.io.stderr('dictator: the ensemble is silent; this is what the agent here sees\n');
    return { ok: true, value: answer.facts };
  }
}

function noAgent(agent: Target, why: 'refused' | 'silent' | 'foreign'): Failure {
  const code = why === 'foreign' ? 'not_an_agent' : 'agent_unreachable';
  return { code, details: [`http://${shownAddress(agent)}: ${why}`] };
}

async function onlyOne(ensemble: Ensemble): Promise<string | Failure> {
  const services = await ensemble.services();
  const [only] = services;
  if (only !== undefined && services.length === 1) return only;
  return { code: 'usage', details: [`which of ${services.length} services? name one`], next: 'Run: dictator list' };
}

/** Opens, looks, closes; a failure is reported. */
export async function looking(call: Call, look: (lookout: Lookout) => Promise<ExitCode>): Promise<ExitCode> {
  const sourced = sourceOf(call);
  if (!sourced.ok) return sourced.exitCode;
  const lookout = await Lookout.open(sourced.source, call);
  try {
    return await look(lookout);
  } finally {
    await lookout.close();
  }
}

/** The facts of the service that a call means, shown by `show`; a failure is reported. */
export function lookingAtService(
  call: Call,
  show: (facts: ServiceFacts, lookout: Lookout) => ExitCode | Promise<ExitCode>,
): Promise<ExitCode> {
  return looking(call, async (lookout) => {
    const [named] = call.args;
    const looked = await withProgress('reading the service', call.io, lookout.facts(named));
    return looked.ok ? show(looked.value, lookout) : report(looked.failure, call.io);
  });
}
