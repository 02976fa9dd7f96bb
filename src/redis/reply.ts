/**
 * From what ioredis hands over to the replies of `link.ts`. A reader should learn how error texts are made safe to
 * log: Redis quotes arguments of commands it does not know, and an argument may be a password.
 */
import type { ErrorReply, Reply, ReplyValue } from './link.ts';

const MESSAGE_LENGTH_MAX = 300;

/** Redis: "ERR unknown command 'X', with args beginning with: 'secret' ...". */
const QUOTED_ARGUMENTS = /,? with args beginning with:.*$/s;

/** An error text of Redis as a value; arguments it quotes are cut off. */
export function toErrorReply(text: string): ErrorReply {
  const message = text.replace(QUOTED_ARGUMENTS, '').slice(0, MESSAGE_LENGTH_MAX);
  const code = /^[A-Z][A-Z0-9]*(?=\s|$)/.exec(message)?.[0] ?? 'ERR';
  return { ok: false, code, message };
}

/** One result of a pipeline, `[error, value]`, as a reply. */
export function toReply([error, value]: [error: Error | null, value: unknown]): Reply {
  return error === null ? { ok: true, value: toReplyValue(value) } : toErrorReply(error.message);
}

export function toReplyValue(value: unknown): ReplyValue {
  if (typeof value === 'string' || typeof value === 'number') return value;
  if (value instanceof Error) return toErrorReply(value.message);
  if (Array.isArray(value)) return value.map(toReplyValue);
  // What remains in RESP2 is null alone.
  return null;
}
