/**
 * Noticing what happens to our own Redis: up, down, restarted, loading; each change is said once.
 */
import { sameAddress, withSight } from './facts.ts';
import type { RedisSight, SightEvent } from './facts.ts';
import { FENCE_MIN_REPLICAS, YOUNG_SERVER_SECONDS } from './fencing.ts';
import { spendRescue } from './rescue.ts';
import { tryAgain } from './results.ts';
import { ALERT_MS } from './turn.ts';
import type { Turn } from './turn.ts';

export function noticeOwnRedis(turn: Turn, event: SightEvent): void {
  const before = turn.state.own;
  const after = withSight(before, event, turn.now);
  turn.update({ own: after });
  if (event.seen === 'opened' || isUnblocked(before, after)) tryAgain(turn);
  if (event.seen === 'answered') noticeIncarnation(turn, before, after);
  if (after.facts !== null) spendRescue(turn, after.facts);
  reportChange(turn, before, after);
}

/** What it refused while it loaded or was busy it may obey now, and it may copy from another process in a moment. */
function isUnblocked(before: RedisSight, after: RedisSight): boolean {
  return before.blocked !== null && after.blocked === null;
}

/** Another run_id is another process: whatever the old one was fenced with is gone, and so may its data be. */
function noticeIncarnation(turn: Turn, before: RedisSight, after: RedisSight): void {
  const facts = after.facts;
  if (facts === null || facts.runId === before.facts?.runId) return;
  if (before.facts === null) {
    const operators = facts.minReplicas ?? 0;
    const floor = operators > 1 && operators < FENCE_MIN_REPLICAS ? operators : 0;
    const unknown = !turn.state.synced && facts.uptimeSeconds < YOUNG_SERVER_SECONDS;
    const managedBefore = sameAddress(facts.announced, turn.state.settings.redis);
    turn.update({ minReplicasFloor: floor, unplaced: unknown, managedBefore });
    return;
  }
  const startsWritable = facts.role === 'master' && facts.minReplicas === 0;
  turn.update({ unplaced: true, mustRelink: false, startsWritable });
  turn.report('redis_restarted', { run_id: facts.runId, keys: facts.keys, starts_writable: startsWritable });
}

function reportChange(turn: Turn, before: RedisSight, after: RedisSight): void {
  const isUp = (sight: RedisSight): boolean => sight.link === 'open' && sight.silentSinceMs === null;
  if (isUp(before) === isUp(after)) {
    if (before.blocked !== 'loading' && after.blocked === 'loading') turn.report('redis_loading');
    return;
  }
  turn.update({ alertUntilMs: turn.now + ALERT_MS });
  if (isUp(after)) return turn.report('redis_up', { run_id: after.facts?.runId ?? null });
  if (isUp(before)) {
    turn.report('redis_down', { link: after.link });
    turn.emit({ kind: 'tell', hint: 'redis_died' });
  }
}
