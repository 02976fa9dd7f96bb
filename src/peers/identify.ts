/**
 * Asks an agent who it is (`GET /v1/node`): needed before a restarted agent adopts the lease that its predecessor
 * left. Only two answers count, a valid identity and a refusal; whatever else happens is `silent`.
 */
import { request } from 'node:http';

import { readBody } from './body.ts';
import { ANSWER_HEADER_BYTES_MAX, refusingAddress } from './dial.ts';

export const IDENTITY_PATH = '/v1/node';
/** Bound of the identity's JSON. */
export const IDENTITY_BYTES_MAX = 16 * 1024;

export type Identification =
  | { readonly kind: 'answered'; readonly instance: string; readonly name: string; readonly service: string }
  /** Nobody listens at that address. */
  | { readonly kind: 'refused' }
  /** A timeout, an unreachable or unknown host, or an answer that is not an agent's. */
  | { readonly kind: 'silent' };

/**
 * Asks once. `done` is called once, later, at most `timeoutMs` milliseconds from now, unless the returned function
 * cancelled the question.
 */
export function identifyAgent(
  address: { readonly host: string; readonly port: number },
  timeoutMs: number,
  done: (result: Identification) => void,
): () => void {
  const { host, port } = address;
  const question = request({
    host,
    port,
    path: IDENTITY_PATH,
    agent: false,
    maxHeaderSize: ANSWER_HEADER_BYTES_MAX,
  });
  let settled = false;
  const timer = setTimeout(() => settle({ kind: 'silent' }), timeoutMs);

  function abandon(): void {
    settled = true;
    clearTimeout(timer);
    question.destroy();
  }
  function settle(result: Identification): void {
    if (settled) return;
    abandon();
    done(result);
  }

  // Stays attached: destroying the question reports a hang-up of our own making.
  question.on('error', (error) => {
    settle({ kind: refusingAddress(error, host) === undefined ? 'silent' : 'refused' });
  });
  question.on('response', (response) => {
    if (response.statusCode === 200) readBody(response, IDENTITY_BYTES_MAX, (body) => settle(readIdentity(body)));
    else settle({ kind: 'silent' });
  });
  question.end();
  return abandon;
}

function readIdentity(body: string | undefined): Identification {
  if (body === undefined) return { kind: 'silent' };
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (error) {
    // Not JSON: another program listens there.
    if (error instanceof SyntaxError) return { kind: 'silent' };
    throw error;
  }
  if (typeof value !== 'object' || value === null) return { kind: 'silent' };
  const { instance, name, service } = value as Record<string, unknown>;
  const complete = typeof instance === 'string' && typeof name === 'string' && typeof service === 'string';
  return complete ? { kind: 'answered', instance, name, service } : { kind: 'silent' };
}
