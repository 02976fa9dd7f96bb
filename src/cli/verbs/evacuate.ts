/** `dictator evacuate HOST`: every mastership leaves that host, whatever service it belongs to. */
import { ableIn, planOf } from '../act/plan.ts';
import type { SwitchoverPlan } from '../act/plan.ts';
import { switchMany } from '../act/many.ts';
import type { Ensemble, ServiceRecords } from '../ensemble.ts';
import type { ServiceFacts } from '../facts.ts';
import { unlessSilent } from '../facts.ts';
import { looking } from '../look.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import type { Verb } from '../verb.ts';

export const evacuate: Verb = {
  name: 'evacuate',
  group: 'Act',
  args: 'HOST',
  argsMin: 1,
  argsMax: 1,
  summary: 'move every mastership off a host',
  details: [
    'HOST as the agents announce it: node.host or announce_http_host. Each service whose master is there switches '
    + 'over to its best replica on another host, losing nothing; --max-parallel at once, ended by the first failure. '
    + 'While one of them would be refused nothing is begun: --dry-run shows all. Replicas stay; disable keeps a node '
    + 'from becoming master again.',
  ],
  flags: ['config', 'zk', 'json', 'max-parallel', 'dry-run', 'yes'],
  examples: ['dictator evacuate 10.0.0.1 --dry-run', 'dictator evacuate 10.0.0.1 --max-parallel 4 --yes'],
  run: (call) => looking(call, async ({ ensemble }) => {
    const { io, args: [host = ''] } = call;
    if (ensemble === null) return report({ code: 'ensemble_unreachable' }, io);
    const services = await withProgress('reading the ensemble', io, unlessSilent(() => servicesOn(ensemble, host)));
    if (services === null) return report({ code: 'ensemble_unreachable' }, io);
    return switchMany(call, { ensemble, services, plan: (facts) => planOff(facts, host) });
  }),
};

interface Placed {
  readonly redis: { readonly host: string };
  readonly http: { readonly host: string };
}

const isOn = ({ redis, http }: Placed, host: string): boolean =>
  [redis.host, http.host].some((each) => each.toLowerCase() === host.toLowerCase());

/** Services whose master is on that host, by a summary of each. */
async function servicesOn(ensemble: Ensemble, host: string): Promise<readonly string[]> {
  const services = await ensemble.services();
  const records: readonly ServiceRecords[] = await Promise.all(services.map((each) => ensemble.read(each, 'summary')));
  return records.filter(({ lease }) => lease !== null && isOn(lease.value, host)).map(({ service }) => service);
}

/** To the best replica elsewhere; null where the master has left meanwhile. */
export function planOff(facts: ServiceFacts, host: string): SwitchoverPlan | null {
  const lease = facts.records?.lease?.value;
  if (lease === undefined || !isOn(lease, host)) return null;
  const best = planOf(facts, null);
  if (best.refusal !== null && best.refusal !== 'service_paused') return best;
  const [target] = ableIn(facts, (node) => {
    const member = facts.records?.members.get(node)?.value;
    return member === undefined || isOn(member, host);
  });
  if (target === undefined && best.judged) return { ...best, target: null, refusal: 'no_candidate' };
  return planOf(facts, target ?? null);
}
