/**
 * What an action does to the models of a village, and how that ends for the agent that decided it.
 *
 * Everything is carried out at once: the outcome is known when this returns, or there is none.
 */
import type { Action } from '../actions.ts';
import type { Outcome } from '../inputs.ts';
import type { Inhabitant, Village } from './village.ts';

const ASKED_LATER_MS = 0.001;

/** Carries it out. Null: nobody is told how it ended. */
export function outcomeOf(village: Village, by: Inhabitant, action: Action): Outcome | null {
  const done = (ok: boolean): Outcome =>
    ok ? { result: 'done', sentAtMs: village.nowMs } : { result: 'failed', code: 'BAD_VERSION' };
  const { name } = by;
  switch (action.kind) {
    case 'tell':
    case 'report':
    case 'answer_order':
      return null;
    case 'answer_operation':
      village.operations.set(action.operation, action.answer);
      return null;
    case 'answer_question':
      village.promises.set(action.question, action.answer);
      return null;
    case 'ask_promises':
      return askAll(village, by, action);
    case 'exit':
      village.killAgent(name, action.keepsLease ? undefined : 0);
      return null;
    case 'apply_parameters':
      return { result: 'applied', refused: Object.keys(action.parameters).filter((each) => each.includes('bad')) };
    case 'rescue':
      return rescue(village, name);
    case 'kill_redis':
      village.killRedis(name);
      return done(true);
    case 'identify':
      return identify(village, action);
    case 'remote_fence_reversibly':
    case 'remote_fence_hard':
      return done(by.remote?.obey(action) === true);
    case 'fence_reversibly':
    case 'fence_hard':
    case 'set_min_replicas':
    case 'open_full_syncs':
    case 'freeze':
    case 'follow':
    case 'promote':
    case 'configure':
    case 'kill_stragglers':
    case 'detach':
      return done(village.redis(name).obey(action));
    case 'heartbeat':
      if (by.cutOff) return { result: 'failed', code: 'CONNECTION_LOSS' };
      // Time stands still here while agents talk; of two questions to the ensemble the second is asked later.
      if (by.state.lastProofMs === village.nowMs) village.nowMs += ASKED_LATER_MS;
      return { result: 'heard', sentAtMs: village.nowMs, lease: village.ensemble.leaseStat() };
    case 'write_member':
    case 'write_node':
    case 'cast_ballot':
    case 'withdraw_ballot':
    case 'claim':
    case 'release':
    case 'write_term':
    case 'announce':
    case 'store_order':
    case 'write_order':
    case 'end_order':
    case 'write_pause':
    case 'write_settings':
      return done(!by.cutOff && village.ensemble.commit(action, { name, session: by.session }));
  }
}

function identify(village: Village, action: Extract<Action, { kind: 'identify' }>): Outcome {
  const twin = [...village.inhabitants.values()].find(
    (i) => i.alive && i.state.settings.http.host === action.address.host,
  );
  const as = twin === undefined ? 'refused' : twin.state.settings.instance === action.instance ? 'same' : 'other';
  return { result: 'identified', instance: action.instance, as };
}

/** A server gives its dataset to nobody unless it is a master; and it must not take writes meanwhile. */
function rescue(village: Village, name: string): Outcome {
  const { rescues, rescueFails } = village;
  const { alive, target, minReplicas, offset } = village.redis(name);
  if (!alive || rescueFails !== null) return { result: 'failed', code: rescueFails ?? 'CLOSED' };
  if (target !== null || minReplicas < 1_000_000) throw new Error(`${name} is copied while it is no fenced master`);
  rescues.push({ node: name, offset });
  return { result: 'rescued', path: `/rescue/${name}/${offset}.rdb`, bytes: offset, removed: [] };
}

/** Every agent that lives and can be reached answers at once; the others are silent. */
function askAll(
  village: Village, asker: Inhabitant, { questions }: Extract<Action, { kind: 'ask_promises' }>,
): Outcome {
  const sentAtMs = village.nowMs;
  const answers = questions.map(({ address, question }) => {
    const asked = [...village.inhabitants.values()].find((i) => i.state.settings.http.host === address.host);
    return { node: question.node, answer: village.question(asker, asked, question) };
  });
  return { result: 'asked', sentAtMs, answers };
}
