/**
 * What agents are to one another: streams that tell of each other's life, and the question "who are you?".
 *
 * A twin of the real hub. One stream is dialled to every other agent, and only the fate of that one is evidence; after
 * an ending the next dials follow at once, because two refusals in a row prove a death.
 */
import type { Clock } from '../../src/contract/clock.ts';
import type { FailsafeAnswer, FailsafeQuestion } from '../../src/contract/failsafe.ts';
import type { Address } from '../../src/core/records.ts';
import type { Identification } from '../../src/peers/identify.ts';
import type { PeerMessage } from '../../src/peers/messages.ts';
import type { PeerAddress, PeerEnd, PeerEvents, PeerHub } from '../../src/peers/peers.ts';
import { DIAL_TIMEOUT_MS } from '../../src/peers/peers.ts';
import { dialPauseMs, STABLE_AFTER_MS } from '../../src/peers/dialer.ts';
import type { End, EndEvents, Ending, Network } from '../kernel/network.ts';
import type { Process } from '../kernel/process.ts';

/** Who an agent says that it is. */
export interface Identity {
  readonly service: string;
  readonly name: string;
  readonly instance: string;
}

type Wire =
  | { readonly t: 'hello'; readonly from: Identity }
  | { readonly t: 'welcome'; readonly as: Identity }
  | { readonly t: 'who' }
  | { readonly t: 'me'; readonly as: Identity }
  | { readonly t: 'ask'; readonly question: FailsafeQuestion }
  | { readonly t: 'answer'; readonly answer: FailsafeAnswer }
  | { readonly t: 'beat' }
  | { readonly t: 'tell'; readonly message: PeerMessage };

/** Rarer than the real beat: it only has to find out that a stream leads nowhere. */
const BEAT_MS = 5000;

const HOW: Readonly<Record<Ending, PeerEnd>> = { fin: 'fin', reset: 'reset', lost: 'silent' };

export interface AgentDoorOptions {
  readonly process: Process;
  readonly network: Network;
  readonly clock: Clock;
  readonly self: Identity;
  readonly port: number;
}

/** Both directions of one agent's traffic with the others. */
export class AgentDoor {
  private readonly options: AgentDoorOptions;
  private hub: Hub | null = null;
  /** Who answers questions for a promise; nobody does before the agent is there. */
  onQuestion: (question: FailsafeQuestion, done: (answer: FailsafeAnswer) => void) => void = () => undefined;

  constructor(options: AgentDoorOptions) {
    this.options = options;
    options.network.listen(options.process, options.port, (end) => this.accept(end));
  }

  openPeers(events: PeerEvents): PeerHub {
    this.hub = new Hub(this.options, events);
    return this.hub;
  }

  identify(address: Address, timeoutMs: number, done: (result: Identification) => void): void {
    const { network, process, clock } = this.options;
    let settled = false;
    const settle = (result: Identification): void => {
      if (settled) return;
      settled = true;
      cancel();
      end.close();
      done(result);
    };
    const cancel = clock.after(timeoutMs, () => settle({ kind: 'silent' }));
    const end = network.connect(process, address, {
      timeoutMs,
      events: {
        onOpen: () => end.send({ t: 'who' } satisfies Wire),
        onFailed: (failure) => settle({ kind: failure === 'refused' ? 'refused' : 'silent' }),
        onMessage: (message) => {
          const wire = message as Wire;
          if (wire.t === 'me') settle({ kind: 'answered', ...wire.as });
        },
        onClosed: () => settle({ kind: 'silent' }),
      },
    });
  }

  /** One question for a promise; whatever is no answer in time is silence. */
  ask(
    address: Address,
    question: FailsafeQuestion,
    timeoutMs: number,
    done: (answer: FailsafeAnswer | null) => void,
  ): void {
    const { network, process, clock } = this.options;
    let settled = false;
    const settle = (answer: FailsafeAnswer | null): void => {
      if (settled) return;
      settled = true;
      cancel();
      end.close();
      done(answer);
    };
    const cancel = clock.after(timeoutMs, () => settle(null));
    const end = network.connect(process, address, {
      timeoutMs,
      events: {
        onOpen: () => end.send({ t: 'ask', question } satisfies Wire),
        onFailed: () => settle(null),
        onMessage: (message) => {
          const wire = message as Wire;
          if (wire.t === 'answer') settle(wire.answer);
        },
        onClosed: () => settle(null),
      },
    });
  }

  private accept(end: End): EndEvents {
    const { self } = this.options;
    let from: Identity | null = null;
    return {
      onOpen: () => undefined,
      onFailed: () => undefined,
      onClosed: () => undefined,
      onMessage: (message) => {
        const wire = message as Wire;
        if (wire.t === 'who') end.send({ t: 'me', as: self } satisfies Wire);
        if (wire.t === 'ask') {
          this.onQuestion(wire.question, (answer) => end.send({ t: 'answer', answer } satisfies Wire));
        }
        if (wire.t === 'hello') {
          from = wire.from;
          end.send({ t: 'welcome', as: self } satisfies Wire);
        }
        if (wire.t === 'tell' && from !== null) this.hub?.heard(from.name, wire.message);
      },
    };
  }
}

class Hub implements PeerHub {
  private readonly options: AgentDoorOptions;
  private readonly events: PeerEvents;
  private readonly dialers = new Map<string, Dialer>();

  constructor(options: AgentDoorOptions, events: PeerEvents) {
    this.options = options;
    this.events = events;
  }

  setPeers(peers: readonly PeerAddress[]): void {
    const others = peers.filter(({ name }) => name !== this.options.self.name);
    const isDialled = (peer: PeerAddress): boolean => this.dialers.get(peer.name)?.leadsTo(peer) === true;
    if (others.length === this.dialers.size && others.every(isDialled)) return;
    for (const [name, dialer] of [...this.dialers]) {
      if (others.some((peer) => dialer.leadsTo(peer))) continue;
      this.dialers.delete(name);
      dialer.close();
    }
    for (const peer of others) {
      if (!this.dialers.has(peer.name)) this.dialers.set(peer.name, new Dialer(this.options, peer, this.events));
    }
  }

  tell(name: string, message: PeerMessage): void {
    for (const [each, dialer] of this.dialers) if (name === 'all' || name === each) dialer.send(message);
  }

  accept(): void {
    throw new Error('the simulated door takes streams by itself');
  }

  stop(): void {
    this.setPeers([]);
  }

  heard(name: string, message: PeerMessage): void {
    if (this.dialers.has(name)) this.events.onMessage(name, message);
  }
}

class Dialer {
  private readonly options: AgentDoorOptions;
  private readonly peer: PeerAddress;
  private readonly events: PeerEvents;
  private end: End | null = null;
  private up = false;
  private upSinceMs = 0;
  private failures = 0;
  private closed = false;

  constructor(options: AgentDoorOptions, peer: PeerAddress, events: PeerEvents) {
    this.options = options;
    this.peer = peer;
    this.events = events;
    this.dial();
  }

  leadsTo({ name, host, port, instance }: PeerAddress): boolean {
    const { peer } = this;
    return peer.name === name && peer.host === host && peer.port === port && peer.instance === instance;
  }

  send(message: PeerMessage): void {
    if (this.up) this.end?.send({ t: 'tell', message } satisfies Wire);
  }

  close(): void {
    this.closed = true;
    this.end?.close();
    if (this.up) this.events.onEnded(this.peer.name, 'local');
  }

  private dial(): void {
    if (this.closed) return;
    const { network, process, self } = this.options;
    const { host, port } = this.peer;
    const end = network.connect(process, { host, port }, {
      timeoutMs: DIAL_TIMEOUT_MS,
      events: {
        onOpen: () => end.send({ t: 'hello', from: self } satisfies Wire),
        onFailed: (failure) => this.failed(end, failure),
        onMessage: (message) => this.hear(end, message as Wire),
        onClosed: (how) => this.ended(end, how),
      },
    });
    this.end = end;
  }

  private hear(end: End, wire: Wire): void {
    if (this.end !== end || this.closed || wire.t !== 'welcome') return;
    if (wire.as.instance !== this.peer.instance) {
      end.close();
      return this.failed(end, 'wrong_instance');
    }
    this.up = true;
    this.upSinceMs = this.options.clock.now();
    this.beat(end);
    this.events.onUp(this.peer.name, this.peer.instance);
  }

  private beat(end: End): void {
    this.options.clock.after(BEAT_MS, () => {
      if (this.end !== end || this.closed) return;
      end.send({ t: 'beat' } satisfies Wire);
      this.beat(end);
    });
  }

  private failed(end: End, code: string): void {
    if (this.end !== end || this.closed) return;
    this.end = null;
    this.failures = Math.max(this.failures, 1);
    this.dialLater();
    if (code === 'refused') this.events.onRefused(this.peer.name, this.peer.host);
    else this.events.onFailed(this.peer.name, code);
  }

  private ended(end: End, how: Ending): void {
    if (this.end !== end || this.closed) return;
    this.end = null;
    if (!this.up) return this.dialLater();
    this.up = false;
    if (this.options.clock.now() - this.upSinceMs >= STABLE_AFTER_MS) this.failures = 0;
    this.dialLater();
    this.events.onEnded(this.peer.name, HOW[how]);
  }

  private dialLater(): void {
    const pauseMs = dialPauseMs(this.failures);
    this.failures += 1;
    this.options.clock.after(pauseMs, () => this.dial());
  }
}
