/** A Redis link whose events are written down, for tests of the driver; sends become promises. */
import { createRedisConnector } from '../../src/redis/connector.ts';
import type {
  CloseKind, Command, ConnectFailure, RedisLink, RedisTarget, Reply, SendOutcome,
} from '../../src/redis/link.ts';
import { waitFor } from './wait-for.ts';

export type LinkEvent =
  | { readonly kind: 'open' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'failed'; readonly failure: ConnectFailure }
  | { readonly kind: 'closed'; readonly how: CloseKind };

export interface RecordedLink {
  readonly link: RedisLink;
  readonly events: readonly LinkEvent[];
  send(commands: readonly Command[], deadlineMs?: number): Promise<SendOutcome>;
  /** The replies of one send that must be answered. */
  replies(...commands: readonly Command[]): Promise<readonly Reply[]>;
  opened(): Promise<unknown>;
  /** The last event: refused, failed or closed. */
  ended(): Promise<LinkEvent>;
}

/** Long enough that only a test about silence ever sees it pass. */
const DEADLINE_MS = 15_000;

export function recordLink(target: RedisTarget, connectTimeoutMs = DEADLINE_MS): RecordedLink {
  const events: LinkEvent[] = [];
  const link = createRedisConnector().connect(target, { purpose: 'test', connectTimeoutMs }, {
    onOpen: () => events.push({ kind: 'open' }),
    onRefused: () => events.push({ kind: 'refused' }),
    onFailed: (failure) => events.push({ kind: 'failed', failure }),
    onClosed: (how) => events.push({ kind: 'closed', how }),
  });
  const send: RecordedLink['send'] = (commands, deadlineMs = DEADLINE_MS) =>
    new Promise((resolve) => { link.send(commands, deadlineMs, resolve); });
  return {
    link, events, send,
    replies: async (...commands) => {
      const outcome = await send(commands);
      if (outcome.kind !== 'answered') throw new Error(`not answered but ${outcome.kind}`);
      return outcome.replies;
    },
    opened: () => waitFor(() => events.some((event) => event.kind === 'open'), 'the link opens'),
    ended: () => waitFor(() => events.find((event) => event.kind !== 'open'), 'the link ends'),
  };
}
