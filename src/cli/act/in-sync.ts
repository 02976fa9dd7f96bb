/** Waiting until a replica is one that could take over: what every step that goes from node to node rests on. */
import type { ServiceFacts } from '../facts.ts';
import type { Lookout } from '../look.ts';
import { withProgress } from '../progress.ts';
import { inSyncOf, masterOf, masterViewOf } from '../topology.ts';
import type { Call } from '../verb.ts';
import { sleep } from './give.ts';

/** A full resync of a large dataset takes minutes; who waits longer has found a fault. */
const IN_SYNC_WAIT_MS = 3_600_000;
const LOOK_EVERY_MS = 400;
/** What is seen so often in a row, this far apart, is not what was left from before a restart. */
const LOOKS_NEEDED = 3;

/** Why this node could not take over now, or null: by its own agent, by the master's, and by the term. */
export function whyNotInSync(facts: ServiceFacts, node: string): string | null {
  if (masterOf(facts) === node) return null;
  const view = facts.views.get(node);
  if (view === undefined) return 'its agent does not answer';
  if (!view.enabled) return 'it is disabled';
  if (!view.redis.reachable) return 'its Redis does not answer';
  if (!view.redis.linkUp) return 'its link to the master is down';
  if (!inSyncOf(facts).includes(node)) return 'it is not in the in-sync set';
  const attached = masterViewOf(facts)?.replicas.find(({ name }) => name === node);
  return attached?.state === 'online' ? null : 'the master does not see it stream';
}

/** Waits until it holds; null: it does. Otherwise why it did not, in the end. */
export async function untilInSync(call: Call, lookout: Pick<Lookout, 'factsNow'>, { service, node }: {
  readonly service: string;
  readonly node: string;
}): Promise<string | null> {
  const { clock } = call.io;
  const untilMs = clock.now() + IN_SYNC_WAIT_MS;
  let why: string | null = 'it was not seen yet';
  const user = { gone: false };
  void call.io.interrupted().then(() => (user.gone = true));
  const looking = async (): Promise<void> => {
    let seen = 0;
    while (seen < LOOKS_NEEDED && clock.now() < untilMs && !user.gone) {
      await sleep(call, LOOK_EVERY_MS);
      const looked = await lookout.factsNow(service);
      why = looked.ok ? whyNotInSync(looked.value, node) : 'the service cannot be read';
      seen = why === null ? seen + 1 : 0;
    }
  };
  await withProgress(() => `waiting for ${node} to be in sync${why === null ? '' : ` (${why})`}`, call.io, looking());
  return user.gone ? 'interrupted here' : why;
}
