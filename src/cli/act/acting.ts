/**
 * What every acting verb does before it acts: finds the service, looks at it, and finds the desk that takes its orders.
 */
import type { ExitCode } from '../../contract/errors.ts';
import type { ServiceFacts } from '../facts.ts';
import { looking } from '../look.ts';
import type { Lookout } from '../look.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import type { Call } from '../verb.ts';
import { AgentDesk } from './agent-desk.ts';
import type { Desk } from './desk.ts';
import { EnsembleDesk } from './ensemble-desk.ts';

export interface Acting {
  readonly service: string;
  readonly facts: ServiceFacts;
  readonly desk: Desk;
  readonly lookout: Lookout;
}

/** Runs `act` on the service that is named, else on that of this node; a failure to find it is reported. */
export function acting(
  call: Call,
  named: string | undefined,
  act: (acting: Acting) => Promise<ExitCode>,
): Promise<ExitCode> {
  return looking(call, async (lookout) => {
    const { source, silence } = lookout;
    // No agent carries anything out without the ensemble, so there is none to turn to.
    if (source.hosts !== null && lookout.ensemble === null) return report(silence, call.io);
    const looked = await withProgress('reading the service', call.io, lookout.facts(named));
    if (!looked.ok) return report(looked.failure, call.io);
    const { value: facts } = looked;
    const { service } = facts;
    const desk = deskOf(lookout, service, call);
    return desk === null || facts.ensemble === 'silent'
      ? report(silence, call.io)
      : act({ service, facts, desk, lookout });
  });
}

function deskOf({ ensemble, source }: Lookout, service: string, { io }: Call): Desk | null {
  if (ensemble !== null) return new EnsembleDesk(ensemble, service, io);
  return source.agent === null ? null : new AgentDesk(source.agent, io);
}
