/**
 * `SENTINEL FAILOVER`: a planned switchover to the best replica; with no master, an order that this node take over.
 *
 * Sentinel says OK when it begins; here the answer comes when the new master is there, so OK means done. A port that
 * asks nobody who he is takes this order from its own host only, as the agent's HTTP port does.
 */
import type { OperationAnswer } from '../../contract/operations.ts';
import type { ReasonCode } from '../../contract/reasons.ts';
import type { Served } from '../book.ts';
import { refusedFromElsewhere } from '../call.ts';
import type { Answer, Call } from '../call.ts';
import { OK, SYNTAX_ERROR, error } from '../reply.ts';
import type { Reply } from '../reply.ts';

const ASKER = 'sentinel';
const IN_PROGRESS = error('INPROG Failover already in progress');
/** Refusals that Sentinel would word as "no good replica". */
const NO_GOOD: readonly ReasonCode[] = [
  'no_candidate', 'no_promotable_replica', 'not_in_sync', 'lag_too_high', 'priority_zero', 'no_successor',
];
const UNDER_WAY: readonly ReasonCode[] = ['operation_running', 'switchover_running', 'no_master', 'contending'];

function worded(reason: ReasonCode | null): Reply {
  if (reason !== null && UNDER_WAY.includes(reason)) return IN_PROGRESS;
  const why = reason === null ? '' : ` (${reason})`;
  if (reason === null || NO_GOOD.includes(reason)) return error(`NOGOODSLAVE No suitable replica to promote${why}`);
  return error(`ERR The failover was refused${why}`);
}

function answerOf(given: OperationAnswer): Reply {
  switch (given.answer) {
    case 'done':
    case 'scheduled':
      return OK;
    case 'refused':
      return worded(given.reason);
    case 'unknown':
      return error('ERR The failover has not ended in time; it may still');
    case 'ended':
      return given.result.outcome === 'done' ? OK : worded(given.result.reason);
  }
}

export function failover(call: Call, { name, picture }: Served): Answer {
  const { args, house } = call;
  const option = args[3]?.toLowerCase();
  if (args.length > 4 || (option !== undefined && option !== 'coordinated')) return SYNTAX_ERROR;
  const refused = refusedFromElsewhere(call, 'sentinel|failover');
  if (refused !== null) return refused;
  const { master, elected, known, self, service } = picture;
  // An operation is asked of those who carry it out.
  if (service !== house.own()?.service) {
    return error(`ERR No agent of '${name}' answers here: ask one that SENTINEL SENTINELS ${name} names`);
  }
  if (master === null && elected !== null && elected !== known?.name) return IN_PROGRESS;
  const kind = master === null ? 'failover' : 'switchover';
  const target = master === null ? self : null;
  return house.operate({ kind, target, from: null, asker: ASKER, scheduledAt: null, force: false }).then(answerOf);
}
