/**
 * One ZooKeeper server: serves clients from its own tree, and follows or leads.
 *
 * A follower that is cut off from its leader does not know it for `syncLimit` ticks: it goes on answering pings and
 * stale reads. Only then does it drop its clients. That is why nobody may take an answered ping for proof of anything.
 */
import type { Clock } from '../../../src/contract/clock.ts';
import type { End, EndEvents, Network } from '../../kernel/network.ts';
import type { Process } from '../../kernel/process.ts';
import type { Random } from '../../kernel/random.ts';
import { ClientSeat } from './client-seat.ts';
import { Leader } from './leader.ts';
import type { Errand, ErrandResult, ToClient, ToLeader, ToLearner, ToServer } from './messages.ts';
import type { Txn } from './tree.ts';
import { Tree } from './tree.ts';

export const CLIENT_PORT = 2181;
export const QUORUM_PORT = 2888;
/** Attempt of a learner to reach its leader. */
const JOIN_TIMEOUT_MS = 1000;

/** What survives the process. */
export class ServerDisk {
  readonly tree = new Tree();
  /** Accepted in this order, and perhaps never committed. */
  readonly tail: Txn[] = [];
  epoch = 0;

  /** Position of the last entry, committed or not: who has the most becomes leader. */
  get lastZxid(): bigint {
    return this.tail.at(-1)?.zxid ?? this.tree.applied;
  }

  wipe(): void {
    this.tree.copyFrom(new Tree());
    this.tail.length = 0;
    this.epoch = 0;
  }
}

export interface ServerOptions {
  readonly process: Process;
  readonly clock: Clock;
  readonly network: Network;
  readonly random: Random;
  readonly disk: ServerDisk;
  readonly tickMs: number;
  readonly syncLimit: number;
  readonly servers: number;
  readonly newSessionId: () => bigint;
  readonly onCommit?: ((txn: Txn) => void) | undefined;
}

export class Server {
  readonly process: Process;
  readonly disk: ServerDisk;
  role: 'looking' | 'following' | 'leading' = 'looking';
  lookingSinceMs = 0;
  leader: Leader | null = null;
  private readonly options: ServerOptions;
  private readonly seats = new Map<End, ClientSeat>();
  private readonly clients = new Set<End>();
  private upstream: End | null = null;
  private serving = false;
  private heardLeaderMs = 0;
  private committedZxid = 0n;
  private fsyncedMs = 0;
  private readonly unsynced: (() => void)[] = [];
  private readonly errands = new Map<number, (result: ErrandResult) => void>();
  /** What the leader answered behind commits that this server has not applied yet. */
  private held: { readonly zxid: bigint; readonly answer: () => void }[] = [];
  private refs = 0;

  constructor(options: ServerOptions) {
    this.options = options;
    this.process = options.process;
    this.disk = options.disk;
    options.network.listen(options.process, CLIENT_PORT, (end) => this.acceptClient(end));
    options.network.listen(options.process, QUORUM_PORT, (end) => this.acceptLearner(end));
  }

  get serves(): boolean {
    return this.serving;
  }

  /** Elected: leads from its own disk; an entry that was only accepted is committed by that. */
  lead(epoch: number): void {
    const { disk, options } = this;
    this.role = 'leading';
    for (const txn of disk.tail.splice(0)) {
      options.onCommit?.(txn);
      disk.tree.apply(txn);
    }
    disk.epoch = epoch;
    const { clock, tickMs, syncLimit, newSessionId } = options;
    this.leader = new Leader({
      clock,
      tickMs,
      syncLimit,
      newSessionId,
      epoch,
      tree: disk.tree,
      majority: Math.floor(options.servers / 2) + 1,
      fsyncMs: () => options.random.between(0.3, 2),
      onServing: () => {
        this.serving = true;
      },
      onCommit: (txn) => {
        options.onCommit?.(txn);
        this.apply(txn);
      },
      onDeposed: () => this.look(),
    });
  }

  follow(leader: string): void {
    const { network, process, clock, tickMs, syncLimit } = this.options;
    this.role = 'following';
    this.heardLeaderMs = clock.now();
    const events: EndEvents = {
      onOpen: () => end.send({ t: 'hello', server: process.name, epoch: this.disk.epoch } satisfies ToLeader),
      onFailed: () => this.lostLeader(end),
      onMessage: (message) => this.hearLeader(end, message as ToLearner),
      onClosed: () => this.lostLeader(end),
    };
    const end = network.connect(process, { host: leader, port: QUORUM_PORT }, { timeoutMs: JOIN_TIMEOUT_MS, events });
    this.upstream = end;
    const check = (): void => {
      if (this.upstream !== end) return;
      if (clock.now() - this.heardLeaderMs > syncLimit * tickMs) return this.lostLeader(end);
      clock.after(tickMs, check);
    };
    clock.after(tickMs, check);
  }

  /** Has no leader: drops its clients, who shall find another server. */
  look(): void {
    this.role = 'looking';
    this.lookingSinceMs = this.options.clock.now();
    this.serving = false;
    this.leader?.stop();
    this.leader = null;
    this.upstream?.close();
    this.upstream = null;
    this.errands.clear();
    this.held = [];
    this.seats.clear();
    for (const end of this.clients) end.close();
    this.clients.clear();
  }

  private lostLeader(end: End): void {
    if (this.upstream === end) this.look();
  }

  private hearLeader(end: End, message: ToLearner): void {
    if (this.upstream !== end) return;
    const { disk, options } = this;
    this.heardLeaderMs = options.clock.now();
    const answer = (reply: ToLeader): void => end.send(reply);
    switch (message.t) {
      case 'snapshot':
        disk.tree.copyFrom(message.tree);
        this.committedZxid = disk.tree.applied;
        disk.tail.length = 0;
        disk.epoch = message.epoch;
        this.fsyncedMs = 0;
        return answer({ t: 'synced' });
      case 'up_to_date':
        this.serving = true;
        return;
      case 'propose':
        return this.afterFsync(() => {
          if (this.upstream !== end || message.txn.zxid <= disk.lastZxid) return;
          disk.tail.push(message.txn);
          answer({ t: 'accepted', zxid: message.txn.zxid });
          this.applyCommitted();
        });
      case 'commit':
        this.committedZxid = message.zxid;
        return this.applyCommitted();
      case 'done': {
        const done = this.errands.get(message.ref);
        this.errands.delete(message.ref);
        this.held.push({ zxid: this.committedZxid, answer: () => done?.(message.result) });
        return this.answerApplied();
      }
      case 'ping': {
        const heard = [...this.seats.values()].filter((seat) => seat.heard);
        for (const seat of heard) seat.heard = false;
        return answer({ t: 'alive', sessions: heard.map(({ session }) => session) });
      }
    }
  }

  /** Entries reach the disk in their order. */
  private afterFsync(done: () => void): void {
    const { clock, random } = this.options;
    this.fsyncedMs = Math.max(this.fsyncedMs, clock.now() + random.between(0.3, 2));
    this.unsynced.push(done);
    // Whichever of two timers of one moment fires first, it is the turn of the entry that came first.
    clock.after(this.fsyncedMs - clock.now(), () => this.unsynced.shift()?.());
  }

  /** A commit may come before the own disk has the entry. */
  private applyCommitted(): void {
    const { tail } = this.disk;
    for (let first = tail[0]; first !== undefined && first.zxid <= this.committedZxid; first = tail[0]) {
      tail.shift();
      this.apply(first);
    }
    this.answerApplied();
  }

  /** A write is answered when this server shows it, or a client would read what was before it behind its own write. */
  private answerApplied(): void {
    for (let first = this.held[0]; first !== undefined; first = this.held[0]) {
      if (this.disk.tree.applied < first.zxid) return;
      this.held.shift();
      first.answer();
    }
  }

  private apply(txn: Txn): void {
    this.disk.tree.apply(txn);
    if (txn.changes.size > 0) for (const seat of this.seats.values()) seat.changed(txn.changes.keys());
    if (txn.session?.timeoutMs !== null) return;
    for (const [end, seat] of this.seats) {
      if (seat.session !== txn.session.id) continue;
      this.dismiss(end);
      end.close();
    }
  }

  private dismiss(end: End): void {
    this.seats.delete(end);
    this.clients.delete(end);
  }

  private errand(errand: Errand, done: (result: ErrandResult) => void): void {
    if (this.leader !== null) return this.leader.take(errand, done);
    if (this.upstream === null) return;
    this.errands.set(++this.refs, done);
    this.upstream.send({ t: 'errand', ref: this.refs, errand } satisfies ToLeader);
  }

  private acceptLearner(end: End): EndEvents {
    return {
      onOpen: () => undefined,
      onFailed: () => undefined,
      onMessage: (message) => {
        if (this.leader === null) end.close();
        else this.leader.hear(end, message as ToLeader);
      },
      onClosed: () => this.leader?.gone(end),
    };
  }

  private acceptClient(end: End): EndEvents {
    if (!this.serving) end.close();
    else this.clients.add(end);
    return {
      onOpen: () => undefined,
      onFailed: () => undefined,
      onMessage: (message) => this.hearClient(end, message as ToServer),
      onClosed: () => this.dismiss(end),
    };
  }

  private hearClient(end: End, message: ToServer): void {
    if (message.t === 'connect') return this.seatClient(end, message);
    const seat = this.seats.get(end);
    if (seat === undefined) return;
    seat.heard = true;
    this.leader?.touch(seat.session);
    switch (message.t) {
      case 'request':
        return seat.request(message.xid, message.request);
      case 'ping':
        return end.send({ t: 'pong' } satisfies ToClient);
      case 'close':
        return this.errand({ do: 'end', session: seat.session }, () => end.send({ t: 'closed' } satisfies ToClient));
    }
  }

  private seatClient(end: End, message: Extract<ToServer, { t: 'connect' }>): void {
    const { session, timeoutMs, lastZxid, probe } = message;
    const { tree } = this.disk;
    const ahead = lastZxid > tree.applied;
    if (ahead && !probe) return this.turnAway(end);
    if (session === 0n) {
      return this.errand({ do: 'open', timeoutMs }, (result) => {
        if (result.ok && result.session !== undefined) this.sit(end, result.session, timeoutMs);
      });
    }
    this.errand({ do: 'validate', session }, (result) => {
      if (!result.ok) end.send({ t: 'expired' } satisfies ToClient);
      else if (lastZxid > tree.applied) this.turnAway(end);
      else this.sit(end, session, timeoutMs);
    });
  }

  private turnAway(end: End): void {
    this.clients.delete(end);
    end.close();
  }

  private sit(end: End, session: bigint, timeoutMs: number): void {
    const errand = (each: Errand, done: (result: ErrandResult) => void): void => this.errand(each, done);
    this.seats.set(end, new ClientSeat({ end, session, tree: this.disk.tree, errand }));
    end.send({ t: 'connected', session, timeoutMs } satisfies ToClient);
  }
}
