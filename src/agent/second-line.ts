/**
 * A second connection to a Redis that is silent on the first: does it answer there?
 *
 * The problem: after a cut, a connection whose bytes were not acknowledged stays silent though the path is open again.
 * The kernel sends them anew at intervals that double (0.2 s, 0.4 s, and so on up to two minutes): after a cut of 30 s
 * the old connection was silent for another 24 s, while a new one opened at once (measured on Linux). The wrong answer
 * is to close what is silent: a fence that was sent to a stopped server must stay in its socket. So the server is asked
 * over another connection, and only who answers there, and not on the first, proves that the first is worth nothing.
 * It is reset then: the kernel would go on sending what waits in a socket that was only closed, and a fence of an
 * earlier epoch would be carried out behind what the next connection brought, perhaps by a master.
 *
 * A stopped server keeps what was dialled until it is thawed, so the pauses grow while it opens and says nothing.
 */
import type { Clock } from '../contract/clock.ts';
import { NO_DEADLINE_MS } from '../redis/link.ts';
import type { RedisConnector, RedisLink, RedisTarget } from '../redis/link.ts';

/** From the report of the silence to the first dial, and between two that do not open. */
export const SECOND_DIAL_MS = 1000;
/** Longest pause behind one that opened and says nothing. */
export const SECOND_DIAL_MAX_MS = 600_000;
/** A server that was thawed answers on both: so much later, at the latest, on the first. */
export const BOTH_ANSWER_MS = 250;
const CONNECT_TIMEOUT_MS = 1000;

export interface SecondLineOptions {
  readonly clock: Clock;
  readonly connector: RedisConnector;
  readonly purpose: string;
  /** It answered here, and not on the first connection, or `end` would have been called. */
  readonly onAnswered: () => void;
}

export class SecondLine {
  private readonly options: SecondLineOptions;
  private target: RedisTarget | null = null;
  private link: RedisLink | null = null;
  private pauseMs = SECOND_DIAL_MS;
  private cancel: () => void = () => undefined;

  constructor(options: SecondLineOptions) {
    this.options = options;
  }

  /** The first connection to this server fell silent. */
  begin(target: RedisTarget): void {
    this.end();
    this.target = target;
    this.pauseMs = SECOND_DIAL_MS;
    this.dialIn(SECOND_DIAL_MS);
  }

  /** It is not silent any more, or not there. */
  end(): void {
    this.target = null;
    this.cancel();
    this.hangUp();
  }

  private dialIn(pauseMs: number): void {
    this.cancel();
    this.cancel = this.options.clock.after(pauseMs, () => this.dial());
  }

  private hangUp(): void {
    const { link } = this;
    this.link = null;
    link?.close();
  }

  private dial(): void {
    const { target, options } = this;
    this.hangUp();
    if (target === null) return;
    const ifCurrent = (react: () => void): void => {
      if (this.link === link) react();
    };
    const ended = (): void => ifCurrent(() => this.ended());
    const link: RedisLink = options.connector.connect(
      target,
      { purpose: options.purpose, connectTimeoutMs: CONNECT_TIMEOUT_MS },
      {
        onOpen: () => ifCurrent(() => this.ask(link)),
        onRefused: ended,
        onFailed: ended,
        onClosed: ended,
      },
    );
    this.link = link;
  }

  private ended(): void {
    this.link = null;
    this.pauseMs = SECOND_DIAL_MS;
    this.dialIn(SECOND_DIAL_MS);
  }

  private ask(link: RedisLink): void {
    this.dialIn(this.pauseMs);
    this.pauseMs = Math.min(2 * this.pauseMs, SECOND_DIAL_MAX_MS);
    link.send([['PING']], NO_DEADLINE_MS, ({ kind }) => {
      if (this.link === link && kind === 'answered') this.answered();
    });
  }

  private answered(): void {
    this.cancel();
    this.cancel = this.options.clock.after(BOTH_ANSWER_MS, () => {
      this.end();
      this.options.onAnswered();
    });
  }
}
