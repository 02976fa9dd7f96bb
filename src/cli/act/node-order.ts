/**
 * Orders to one node's agent over the two paths of the original, `/disable` and `/enable`: they answer text, and are
 * taken from anywhere, so an operator can give them from where he sits.
 */
import { request } from 'node:http';
import { isDialable } from '../../peers/dial.ts';
import type { Target } from '../live.ts';

const ANSWER_TIMEOUT_MS = 5000;

/** The status, or null where nobody answered in time. Never rejects. */
export function orderNode({ host, port }: Target, path: string): Promise<number | null> {
  if (!isDialable(host, port)) return Promise.resolve(null);
  return new Promise((resolve) => {
    const call = request({ host, port, path, method: 'POST', agent: false, headers: { 'Content-Length': 0 } });
    const settle = (status: number | null): void => {
      clearTimeout(timer);
      resolve(status);
      call.destroy();
    };
    const timer = setTimeout(() => settle(null), ANSWER_TIMEOUT_MS);
    call.on('error', () => settle(null));
    call.on('response', (response) => settle(response.statusCode ?? null));
    call.end();
  });
}
