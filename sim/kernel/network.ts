/**
 * The network between hosts: connections that keep their order, and everything that can be wrong with a path.
 *
 * A connection is TCP as its users see it. What is sent over a path that drops is not lost but late: it waits in the
 * kernel until the path is open again, or until the kernel gives up. How a connection ended is told apart, because
 * proofs of death are built on it: `fin` and `reset` come from the other side's kernel, `lost` from our own.
 */
import type { Host, Process } from './process.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export type Ending = 'fin' | 'reset' | 'lost';
export type ConnectFailure = 'refused' | 'timeout' | 'unreachable';

/** What one side of a connection is told. Never called from inside `connect`, `send` or `close`. */
export interface EndEvents {
  onOpen(): void;
  onFailed(failure: ConnectFailure): void;
  onMessage(message: unknown): void;
  onClosed(how: Ending): void;
}

/** `reject`: as `drop`, but whoever opens a connection is told at once that nobody listens (a firewall's REJECT). */
export type Path = 'open' | 'drop' | 'reject';

/** A kernel gives up a connection whose bytes are not acknowledged for this long. */
const GIVE_UP_MS = 15_000;
/** Retransmission after a loss: the first pause, doubled at each further loss. */
const RETRANSMIT_MS = 200;
/** What waited for a path to open is sent again within this time. */
const REOPEN_SPREAD_MS = 400;
const UNREACHABLE_AFTER_MS = 3000;
/** How long nothing was heard on a connection before its kernel probes it, as agents ask for; it then goes on. */
const KEEP_ALIVE_MS = 10_000;
const PROBE_EVERY_MS = 1000;

export interface PathQuality {
  state: Path;
  /** Added to every message. */
  delayMs: number;
  /** Probability that a segment is lost and sent again. */
  loss: number;
  /** Since when it has been as good as a path can be; null while it is not. */
  goodSinceMs: number | null;
}

const isGood = ({ state, delayMs, loss }: PathQuality): boolean => state === 'open' && delayMs === 0 && loss === 0;

/** What is on the path beside messages: something that happens when it arrives. */
class Arrival {
  readonly run: () => void;

  constructor(run: () => void) {
    this.run = run;
  }
}

/** One side of a connection. */
export class End {
  readonly process: Process;
  /** The address that was dialled, as the dialling side wrote it. */
  readonly dialled: Endpoint;
  events: EndEvents;
  /** Established, not closed by this side, and not told of an ending. */
  open = false;
  other: End | null = null;
  private readonly network: Network;
  /** Of the way to the other side; null inside one host. */
  path: PathQuality | null = null;
  /** On the path, in the order in which it arrives. */
  private readonly underWay: unknown[] = [];
  private readonly held: unknown[] = [];
  private arrivesMs = 0;
  private heldSinceMs = 0;
  private gaveUp = false;

  constructor(network: Network, process: Process, dialled: Endpoint, events: EndEvents) {
    this.network = network;
    this.process = process;
    this.dialled = dialled;
    this.events = events;
    process.onEnd.add(this.ownerEnded);
  }

  send(message: unknown): void {
    if (this.process.sendsAtOnce) this.put(message);
    else this.process.sends(() => this.put(message));
  }

  private put(message: unknown): void {
    if (this.open && !this.gaveUp && this.other !== null) this.carry(message);
  }

  /** Closes this side; the other is told by FIN behind what was sent before. */
  close(): void {
    if (!this.open) {
      this.abandon();
      return;
    }
    this.open = false;
    this.abandon();
    this.tellOther('fin');
  }

  /** Closes this side by RST: what has not arrived never does. */
  reset(): void {
    if (!this.open) return;
    this.open = false;
    this.abandon();
    this.underWay.fill(new Arrival(() => undefined));
    this.held.fill(new Arrival(() => undefined));
    this.tellOther('reset');
  }

  private abandon(): void {
    this.process.onEnd.delete(this.ownerEnded);
  }

  private readonly ownerEnded = (how: 'killed' | 'power'): void => {
    const wasOpen = this.open;
    this.open = false;
    if (wasOpen && how === 'killed') this.tellOther(this.network.endsByReset() ? 'reset' : 'fin');
    if (wasOpen && how === 'power') this.network.probeAfter(KEEP_ALIVE_MS, this);
  };

  private tellOther(how: 'fin' | 'reset'): void {
    const { other } = this;
    if (other !== null) this.carry(new Arrival(() => other.ends(how)));
  }

  private receive(message: unknown): void {
    if (this.process.takesAtOnce) this.hear(message);
    else this.process.deliver(() => this.hear(message));
  }

  private hear(message: unknown): void {
    if (this.open) this.events.onMessage(message);
  }

  /** The kernel learns of the ending now; the process when it reads. */
  ends(how: Ending): void {
    if (!this.open) return;
    this.process.deliver(() => {
      if (!this.open) return;
      this.open = false;
      this.abandon();
      this.events.onClosed(how);
    });
  }

  /** Brings a message, or an `Arrival`, to the other side, in order, once the path lets it through. */
  private carry(cargo: unknown): void {
    const { scheduler } = this.network;
    this.arrivesMs = Math.max(this.arrivesMs, scheduler.nowMs + this.network.delayMs(this));
    this.underWay.push(cargo);
    scheduler.at(this.arrivesMs, this.arrived);
  }

  private readonly arrived = (): void => {
    const cargo = this.underWay.shift();
    if (cargo === undefined) return;
    if (this.held.length === 0 && this.network.passes(this)) return this.handOver(cargo);
    if (this.held.length === 0) this.holdSince(this.network.scheduler.nowMs);
    this.held.push(cargo);
  };

  private handOver(cargo: unknown): void {
    if (cargo instanceof Arrival) return cargo.run();
    const { other } = this;
    if (other === null) return;
    if (other.open) other.receive(cargo);
    else if (other.process.host.up) other.carry(new Arrival(() => this.ends('reset')));
  }

  private holdSince(nowMs: number): void {
    this.heldSinceMs = nowMs;
    this.network.hold(this);
    this.network.scheduler.after(GIVE_UP_MS, () => {
      if (this.held.length > 0 && this.heldSinceMs === nowMs) this.giveUp();
    });
  }

  /** Behind a gap there is no stream: what is under way, or sent before the process hears of it, never arrives. */
  private giveUp(): void {
    this.gaveUp = true;
    this.underWay.fill(new Arrival(() => undefined));
    this.held.length = 0;
    this.network.unhold(this);
    this.ends('lost');
    // The other side heard nothing for longer than it takes to become suspicious.
    this.network.probeAfter(PROBE_EVERY_MS, this);
  }

  /** The path is open again. */
  release(): void {
    const atMs = this.network.scheduler.nowMs + this.network.reopenDelayMs();
    this.arrivesMs = Math.max(this.arrivesMs, atMs);
    this.network.scheduler.at(this.arrivesMs, () => {
      if (!this.network.passes(this)) return;
      this.network.unhold(this);
      for (const cargo of this.held.splice(0)) this.handOver(cargo);
    });
  }
}

interface Listener {
  readonly process: Process;
  accept(end: End): EndEvents;
}

export class Network {
  readonly scheduler: Scheduler;
  private readonly random: Random;
  private readonly hosts = new Map<string, Host>();
  private readonly listeners = new Map<string, Listener>();
  private readonly qualities = new Map<string, PathQuality>();
  private readonly holding = new Set<End>();
  /** Usual one-way delay between two hosts and inside one. */
  baseDelayMs = 0.2;

  constructor(scheduler: Scheduler, random: Random) {
    this.scheduler = scheduler;
    this.random = random;
  }

  addHost(host: Host): void {
    this.hosts.set(host.name, host);
  }

  host(name: string): Host | undefined {
    return this.hosts.get(name);
  }

  /** Quality of the path in one direction; change it through `setPath`. */
  quality(from: string, to: string): PathQuality {
    const key = `${from}>${to}`;
    let found = this.qualities.get(key);
    if (found === undefined) {
      found = { state: 'open', delayMs: 0, loss: 0, goodSinceMs: this.scheduler.nowMs };
      this.qualities.set(key, found);
    }
    return found;
  }

  setPath(from: string, to: string, change: Partial<Omit<PathQuality, 'goodSinceMs'>>): void {
    const quality = this.quality(from, to);
    Object.assign(quality, change);
    this.noteGood(quality);
    if (change.state === 'open') this.recheck();
  }

  /** What waits is sent again wherever its path is open now: after a path opened or a host came back. */
  recheck(): void {
    for (const end of [...this.holding]) if (this.passes(end)) end.release();
  }

  /** Every path as good as new. */
  heal(): void {
    for (const quality of this.qualities.values()) {
      Object.assign(quality, { state: 'open', delayMs: 0, loss: 0 });
      this.noteGood(quality);
    }
    this.recheck();
  }

  private noteGood(quality: PathQuality): void {
    quality.goodSinceMs = isGood(quality) ? (quality.goodSinceMs ?? this.scheduler.nowMs) : null;
  }

  /** Since when two hosts have had good paths to one another; null while they have not. */
  goodBetweenSinceMs(a: string, b: string): number | null {
    const there = this.qualities.get(`${a}>${b}`)?.goodSinceMs;
    const back = this.qualities.get(`${b}>${a}`)?.goodSinceMs;
    return there === null || back === null ? null : Math.max(there ?? 0, back ?? 0);
  }

  /** `accept` is told of every established connection and answers with what shall be told of it. */
  listen(process: Process, port: number, accept: (end: End) => EndEvents): void {
    const key = `${process.host.name}:${port}`;
    this.listeners.set(key, { process, accept });
    process.onEnd.add(() => {
      if (this.listeners.get(key)?.process === process) this.listeners.delete(key);
    });
  }

  /** Dials; exactly one of `onOpen` and `onFailed` follows, within `timeoutMs` of true time. */
  connect(process: Process, to: Endpoint, how: { readonly timeoutMs: number; readonly events: EndEvents }): End {
    const end = new End(this, process, to, how.events);
    let settled = false;
    const settle = (run: () => void): void => {
      if (settled) return;
      settled = true;
      cancelTimeout();
      process.deliver(run);
    };
    const fail = (failure: ConnectFailure): void => settle(() => how.events.onFailed(failure));
    const cancelTimeout = process.timer(how.timeoutMs, () => fail('timeout'));
    process.sends(() => this.dial(end, fail, settle));
    return end;
  }

  private dial(end: End, fail: (failure: ConnectFailure) => void, settle: (run: () => void) => void): void {
    const from = end.process.host;
    const name = end.dialled.host === '127.0.0.1' ? from.name : end.dialled.host;
    const host = this.hosts.get(name);
    const way = this.pathBetween(from.name, name);
    const wayBack = this.pathBetween(name, from.name);
    const back = this.delayOver(wayBack);
    this.scheduler.after(this.delayOver(way), () => {
      if (host === undefined || way?.state === 'reject') return fail('refused');
      if (way?.state === 'drop') return;
      if (!host.up) return void this.scheduler.after(UNREACHABLE_AFTER_MS, () => fail('unreachable'));
      if (wayBack !== null && wayBack.state !== 'open') return;
      const listener = this.listeners.get(`${name}:${end.dialled.port}`);
      if (listener?.process.alive !== true) return void this.scheduler.after(back, () => fail('refused'));
      this.establish(end, listener, (opened) => this.scheduler.after(back, () => settle(opened)));
    });
  }

  /** The other side's kernel takes the connection, whether or not its process is able to look at it. */
  private establish(end: End, listener: Listener, answer: (opened: () => void) => void): void {
    const noEvents: EndEvents = {
      onOpen: () => undefined,
      onFailed: () => undefined,
      onMessage: () => undefined,
      onClosed: () => undefined,
    };
    const far = new End(this, listener.process, end.dialled, noEvents);
    far.open = true;
    far.other = end;
    far.path = this.pathBetween(far.process.host.name, end.process.host.name);
    end.path = this.pathBetween(end.process.host.name, far.process.host.name);
    listener.process.deliver(() => {
      far.events = listener.accept(far);
    });
    answer(() => {
      end.open = true;
      end.other = far;
      end.events.onOpen();
      // It may have ended while the answer was under way.
      if (!far.open) end.ends('reset');
    });
  }

  /** Whether bytes of this end get to the other side now. */
  passes({ path, other }: End): boolean {
    return other?.process.host.up === true && (path === null || path.state === 'open');
  }

  /**
   * This side forgot the connection and told nobody. Whoever waits at the other side for an answer sends nothing, but
   * its kernel does, again and again, what was not acknowledged or a keep-alive; RST is the answer.
   */
  probeAfter(afterMs: number, forgotten: End): void {
    this.scheduler.after(afterMs, () => {
      const { other } = forgotten;
      if (other?.open !== true) return;
      if (this.passes(other) && this.passes(forgotten)) other.ends('reset');
      else this.probeAfter(PROBE_EVERY_MS, forgotten);
    });
  }

  delayMs({ path }: End): number {
    return this.delayOver(path);
  }

  private pathBetween(from: string, to: string): PathQuality | null {
    return from === to ? null : this.quality(from, to);
  }

  private delayOver(path: PathQuality | null): number {
    const base = this.baseDelayMs * (0.5 + this.random.unit());
    if (path === null) return base / 4;
    const { delayMs, loss } = path;
    if (loss === 0 && delayMs === 0) return base;
    let lateMs = delayMs * (0.5 + this.random.unit());
    for (let pauseMs = RETRANSMIT_MS; this.random.chance(loss) && pauseMs < GIVE_UP_MS; pauseMs *= 2) {
      lateMs += pauseMs;
    }
    return base + lateMs;
  }

  reopenDelayMs(): number {
    return this.random.between(0, REOPEN_SPREAD_MS);
  }

  /** A process that is killed leaves unread bytes behind or not: both endings are seen in the field. */
  endsByReset(): boolean {
    return this.random.chance(0.3);
  }

  hold(end: End): void {
    this.holding.add(end);
  }

  unhold(end: End): void {
    this.holding.delete(end);
  }
}
