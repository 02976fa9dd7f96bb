/**
 * When each server is known to have acknowledged writes.
 *
 * A span begins when the first acknowledgement is *read* and lasts until the last acknowledged write is *sent*: in
 * between the server certainly executed writes, at both ends it may have for a little longer. A refusal ends the span,
 * and so does a pause: where a server was silent for a while, nothing is claimed about it. What is found to overlap
 * therefore did overlap, however slow this process or the machine was.
 */

export interface Span {
  readonly server: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly writes: number;
}

/** A single acknowledged write: executed at some moment between the two. */
export interface Stray {
  readonly server: number;
  readonly sentMs: number;
  readonly ackedMs: number;
}

interface OpenSpan {
  firstAckMs: number;
  lastAckMs: number;
  lastSentMs: number;
  writes: number;
}

/** Clients write to every server every few milliseconds: two acknowledgements further apart prove nothing between. */
const PAUSE_MS = 100;
/** Of a server's latest writes, kept to be compared with the spans of others. */
const STRAYS_MAX = 200_000;

export class SpanKeeper {
  private readonly open: (OpenSpan | null)[];
  private spans: Span[] = [];
  private strays: Stray[] = [];
  /** Server of the latest acknowledgement: only what differs from its predecessor can overlap with anything. */
  private latest: number | null = null;

  constructor(servers: number) {
    this.open = Array.from({ length: servers }, () => null);
  }

  acknowledged(write: Stray): void {
    const { server, sentMs, ackedMs } = write;
    const span = this.open[server];
    if (span && ackedMs - span.lastAckMs <= PAUSE_MS) {
      span.lastAckMs = Math.max(span.lastAckMs, ackedMs);
      span.lastSentMs = Math.max(span.lastSentMs, sentMs);
      span.writes += 1;
    } else {
      this.close(server);
      this.open[server] = { firstAckMs: ackedMs, lastAckMs: ackedMs, lastSentMs: sentMs, writes: 1 };
    }
    if (this.latest !== null && this.latest !== server && this.strays.length < STRAYS_MAX) {
      this.strays.push({ server, sentMs, ackedMs });
    }
    this.latest = server;
  }

  refused(server: number, sentMs: number): void {
    const span = this.open[server];
    // Answered later than a write that was acknowledged, but sent before it: no news.
    if (span && sentMs >= span.lastSentMs) this.close(server);
  }

  take(): { readonly spans: readonly Span[]; readonly strays: readonly Stray[] } {
    for (const server of this.open.keys()) this.close(server);
    const taken = { spans: this.spans, strays: this.strays };
    this.spans = [];
    this.strays = [];
    return taken;
  }

  private close(server: number): void {
    const span = this.open[server];
    this.open[server] = null;
    if (!span || span.lastSentMs < span.firstAckMs) return;
    this.spans.push({ server, fromMs: span.firstAckMs, toMs: span.lastSentMs, writes: span.writes });
  }
}
