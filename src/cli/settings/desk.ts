/**
 * Where the settings of a service are read and changed: in the ensemble, from any host; or at an agent (`--agent`),
 * from its own host alone.
 */
import type { ExitCode } from '../../contract/errors.ts';
import { looking } from '../look.ts';
import type { Lookout } from '../look.ts';
import { report } from '../report.ts';
import type { Failure } from '../report.ts';
import type { Call } from '../verb.ts';
import { askSettings, changeSettings } from './agent.ts';
import type { Told } from './agent.ts';
import { EnsembleSettings } from './ensemble.ts';
import { agentsOf, tryAt } from './trial.ts';
import type { Trial } from './trial.ts';

export interface SettingsDesk {
  readonly service: string;
  read(): Promise<Told>;
  /** `patch` with the version that it was made for; whoever asks is named in the history. */
  change(
    patch: Readonly<Record<string, unknown>>,
    by: { readonly version: number; readonly asker: string },
  ): Promise<Told>;
  /** What Redis would not take of these; nothing is changed. Null where it could not be asked. */
  readonly trial: Trial;
}

/** Runs `act` at the desk of the service that `--service` names, else of that of this node; says why there is none. */
export function atSettingsDesk(call: Call, act: (desk: SettingsDesk) => Promise<ExitCode>): Promise<ExitCode> {
  return looking(call, async (lookout) => {
    const desk = await deskOf(lookout, call);
    return 'code' in desk ? report(desk, call.io) : act(desk);
  });
}

async function deskOf(lookout: Lookout, call: Call): Promise<SettingsDesk | Failure> {
  const { ensemble, source } = lookout;
  const { agent, hosts } = source;
  const named = call.flags.text('service');
  if (hosts === null && agent !== null) {
    const looked = await lookout.facts(named);
    if (!looked.ok) return looked.failure;
    const { service } = looked.value;
    return {
      service,
      trial: (parameters) => tryAt([agent], service, parameters),
      read: () => askSettings(agent),
      change: (patch, by) => changeSettings(agent, patch, by),
    };
  }
  const found = await lookout.serviceNamed(named);
  // No agent stores anything without the ensemble, so there is none to turn to.
  if (ensemble === null || found === null) return lookout.silence;
  if (!found.ok) return found.failure;
  const service = found.value;
  const trial: Trial = async (parameters) => tryAt(await agentsOf(ensemble, service), service, parameters);
  return new EnsembleSettings(ensemble, service, { clock: call.io.clock, trial });
}
