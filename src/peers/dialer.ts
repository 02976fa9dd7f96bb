/**
 * Keeps one outgoing stream to one peer: dial, hold, dial again, for as long as the peer is on the list.
 *
 * After a stream ended, the first dials are the proof of a death: at once, then after PROOF_PAUSE_MS, all to the
 * address that the ended stream was connected to. Without the pinned address a name that meanwhile resolves to
 * another host (a service address, a pod moved) could deliver a refusal by somebody who never ran that agent.
 *
 * A kernel that ends a process closes its sockets one by one. The dial at once often meets the listener of a process
 * whose stream is already closed: it is queued there and reset with it. The refusal is then a moment away.
 */
import type { Clock } from '../contract/clock.ts';
import { createSingleLookup, dial } from './dial.ts';
import type { DialOutcome } from './dial.ts';
import type { PeerHello } from './hello.ts';
import { openLink } from './link.ts';
import type { PeerLink } from './link.ts';
import type { PeerMessage } from './messages.ts';
import { PROOF_PAUSE_MS } from './peers.ts';
import type { PeerAddress, PeerEvents } from './peers.ts';

/** Longest pause between two dials. */
export const DIAL_PAUSE_MAX_MS = 1000;
/** Dials after an end that go to the ended stream's address: two refusals, and room for a listener that is dying. */
const PROVING_DIALS = 5;
/** Pause after a proving dial that was reset. */
const DYING_PAUSE_MS = 1;
/** Failures in a row that are followed by a short pause: enough for two refusals, and a third for good measure. */
const SHORT_PAUSES = 2;
/**
 * A stream that lived for less counts as one more failure: a peer that accepts and hangs up at once would otherwise
 * be dialled in a tight loop.
 */
export const STABLE_AFTER_MS = 1000;

export interface DialerOptions {
  readonly self: PeerHello;
  readonly peer: PeerAddress;
  readonly clock: Clock;
  readonly events: PeerEvents;
}

export interface Dialer {
  readonly peer: PeerAddress;
  isUp(): boolean;
  /** Sends if the stream is up. */
  send(message: PeerMessage): void;
  close(): void;
}

/** Pause before a dial that follows `failures` failures in a row, in milliseconds. */
export function dialPauseMs(failures: number): number {
  if (failures === 0) return 0;
  return Math.min(DIAL_PAUSE_MAX_MS, PROOF_PAUSE_MS * 2 ** Math.max(0, failures - SHORT_PAUSES));
}

type State =
  | { readonly kind: 'dialling' | 'pausing'; readonly cancel: () => void }
  | { readonly kind: 'up'; readonly link: PeerLink }
  | { readonly kind: 'closed' };

export function createDialer({ self, peer, clock, events }: DialerOptions): Dialer {
  const lookup = createSingleLookup();
  let failures = 0;
  let pinned: { readonly address: string; dialsLeft: number } | undefined;
  let state: State = dialNow();

  function dialNow(): State {
    let host = peer.host;
    if (pinned !== undefined && pinned.dialsLeft > 0) {
      pinned.dialsLeft -= 1;
      host = pinned.address;
    }
    return { kind: 'dialling', cancel: dial({ self, peer, host, lookup, clock }, settled) };
  }

  /** The next dial; a pause of 0 is none, since the first proving dial must not wait for a timer. */
  function goOn(): void {
    const pauseMs = dialPauseMs(failures);
    failures += 1;
    if (pauseMs === 0) state = dialNow();
    else pause(pauseMs);
  }

  function pause(pauseMs: number): void {
    state = { kind: 'pausing', cancel: clock.after(pauseMs, () => (state = dialNow())) };
  }

  function settled(outcome: DialOutcome): void {
    if (outcome.kind === 'up') {
      hold(outcome);
      return;
    }
    // First the state, then the event: the listener may remove this peer.
    failures = Math.max(failures, 1);
    const reset = outcome.kind === 'failed' && outcome.code === 'ECONNRESET';
    if (reset && pinned !== undefined && pinned.dialsLeft > 0) pause(DYING_PAUSE_MS);
    else goOn();
    if (outcome.kind === 'refused') events.onRefused(peer.name, outcome.address);
    else events.onFailed(peer.name, outcome.code);
  }

  function hold({ stream, address }: Extract<DialOutcome, { kind: 'up' }>): void {
    const upSince = clock.now();
    const link = openLink(stream, clock, {
      onMessage: (message) => events.onMessage(peer.name, message),
      onEnded(how) {
        pinned = { address, dialsLeft: PROVING_DIALS };
        if (clock.now() - upSince >= STABLE_AFTER_MS) failures = 0;
        const closed = state.kind === 'closed';
        if (!closed) goOn();
        events.onEnded(peer.name, how);
      },
    });
    state = { kind: 'up', link };
    events.onUp(peer.name, peer.instance);
  }

  function close(): void {
    const before = state;
    state = { kind: 'closed' };
    if (before.kind === 'up') before.link.close();
    else if (before.kind !== 'closed') before.cancel();
  }

  return {
    peer,
    isUp: () => state.kind === 'up',
    send(message) {
      if (state.kind === 'up') state.link.send(message);
    },
    close,
  };
}
