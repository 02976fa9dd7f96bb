/**
 * Orders to one node's agent over the two paths of the original, `/disable` and `/enable`: they answer text, and are
 * taken from anywhere, so an operator can give them from where he sits.
 */
import { exchange } from '../../peers/exchange.ts';
import type { Target } from '../../peers/exchange.ts';

const LIMITS = { timeoutMs: 5000, answerTimeoutMs: 5000, answerBytesMax: 64 * 1024 };

/** The status, or null where nobody answered in time. Never rejects. */
export async function orderNode(target: Target, path: string): Promise<number | null> {
  const ended = await exchange(target, { path, method: 'POST', limits: LIMITS });
  return ended.kind === 'answered' ? ended.status : null;
}
