/**
 * Asks an agent who it is (`GET /v1/node`): needed before a restarted agent adopts the lease that its predecessor
 * left. Only two answers count, a valid identity and a refusal; whatever else happens is `silent`.
 */
import { exchange, parseJson } from './exchange.ts';
import type { Target } from './exchange.ts';

export const IDENTITY_PATH = '/v1/node';
/** Bound of the identity's JSON. */
const IDENTITY_BYTES_MAX = 16 * 1024;

export type Identification =
  | { readonly kind: 'answered'; readonly instance: string; readonly name: string; readonly service: string }
  /** Nobody listens at that address. */
  | { readonly kind: 'refused' }
  /** A timeout, an unreachable or unknown host, or an answer that is not an agent's. */
  | { readonly kind: 'silent' };

/** Asks once. Resolves at most `timeoutMs` milliseconds from now, and never rejects. */
export async function identifyAgent(address: Target, timeoutMs: number): Promise<Identification> {
  const limits = { timeoutMs, answerBytesMax: IDENTITY_BYTES_MAX };
  const ended = await exchange(address, { path: IDENTITY_PATH, method: 'GET', limits });
  if (ended.kind === 'lost') return { kind: ended.refused ? 'refused' : 'silent' };
  return ended.status === 200 ? readIdentity(ended.body) : { kind: 'silent' };
}

function readIdentity(body: string): Identification {
  const value = parseJson(body);
  if (typeof value !== 'object' || value === null) return { kind: 'silent' };
  const { instance, name, service } = value as Record<string, unknown>;
  const complete = typeof instance === 'string' && typeof name === 'string' && typeof service === 'string';
  return complete ? { kind: 'answered', instance, name, service } : { kind: 'silent' };
}
