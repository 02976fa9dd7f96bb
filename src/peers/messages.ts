/**
 * What agents tell each other: one JSON object per line, a closed union of kinds, one table that validates them.
 *
 * A message is a hint to look, never a verdict: it may be lost (no stream) or come from whoever reaches the port.
 * To add one: a member of `PeerMessage`, and the compiler asks for its reader in the table.
 */

/** What one agent may tell another. */
export type PeerMessage =
  /** The Redis beside the sender, of this run_id, just died. */
  | { readonly kind: 'redis_died'; readonly runId: string }
  /** The sender's Redis was promoted and verified in this epoch. */
  | { readonly kind: 'promoted'; readonly epoch: number }
  /** Something changed: look at ZooKeeper now. */
  | { readonly kind: 'look' };

/** What one received line is: a heartbeat, a message, nothing we know (`ignored`), or not our protocol (`garbage`). */
export type PeerLine =
  | { readonly kind: 'beat' }
  | { readonly kind: 'message'; readonly message: PeerMessage }
  | { readonly kind: 'ignored' }
  | { readonly kind: 'garbage' };

/** The line each side sends every BEAT_MS, so that a stream without news is not a silent one. */
export const BEAT_LINE = '{"kind":"beat"}\n';

const RUN_ID_LENGTH_MAX = 64;

type Fields = Readonly<Record<string, unknown>>;
type Reader<K extends PeerMessage['kind']> = (fields: Fields) => Extract<PeerMessage, { kind: K }> | undefined;

const READERS: { readonly [K in PeerMessage['kind']]: Reader<K> } = {
  redis_died: ({ runId }) =>
    typeof runId === 'string' && runId !== '' && runId.length <= RUN_ID_LENGTH_MAX
      ? { kind: 'redis_died', runId }
      : undefined,
  promoted: ({ epoch }) =>
    typeof epoch === 'number' && Number.isSafeInteger(epoch) && epoch >= 0 ? { kind: 'promoted', epoch } : undefined,
  look: () => ({ kind: 'look' }),
};

export function encodeMessage(message: PeerMessage): string {
  return `${JSON.stringify(message)}\n`;
}

/**
 * Reads one line. A kind we do not know, or know with other fields, is `ignored`: a newer agent may send it. What is
 * no JSON object with a kind is `garbage`: no agent of any version sends that.
 */
export function readLine(line: string): PeerLine {
  const fields = parseObject(line);
  if (fields === undefined || typeof fields['kind'] !== 'string') return { kind: 'garbage' };
  const kind = fields['kind'];
  if (kind === 'beat') return { kind: 'beat' };
  if (!isKnownKind(kind)) return { kind: 'ignored' };
  const message = READERS[kind](fields);
  return message === undefined ? { kind: 'ignored' } : { kind: 'message', message };
}

function isKnownKind(kind: string): kind is PeerMessage['kind'] {
  return Object.hasOwn(READERS, kind);
}

function parseObject(line: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
