/**
 * The leader: puts writes in order, commits what a majority accepted, and ends sessions that nobody kept alive.
 *
 * Two of its habits are traps for whoever trusts it. It answers `sync` by itself, so a leader that was deposed behind a
 * partition goes on answering until it notices, up to `syncLimit` ticks later. And a new leader gives every session its
 * full timeout again.
 */
import type { Clock } from '../../../src/contract/clock.ts';
import type { End } from '../../kernel/network.ts';
import type { Errand, ErrandResult, ToLeader, ToLearner } from './messages.ts';
import type { Txn } from './tree.ts';
import { prepare, prepareEnd, Tree } from './tree.ts';

export interface LeaderOptions {
  readonly clock: Clock;
  readonly tickMs: number;
  /** Ticks of silence after which a learner is no longer one. */
  readonly syncLimit: number;
  readonly majority: number;
  readonly epoch: number;
  readonly tree: Tree;
  readonly newSessionId: () => bigint;
  /** Time until this server's disk has an entry. */
  readonly fsyncMs: () => number;
  readonly onServing: () => void;
  /** A transaction was committed: apply it here. */
  readonly onCommit: (txn: Txn) => void;
  /** There is no majority any more, or a newer leader was heard of. */
  readonly onDeposed: () => void;
}

interface Learner {
  synced: boolean;
  heardMs: number;
}

interface Work {
  readonly errand: Errand;
  readonly done: (result: ErrandResult) => void;
}

export class Leader {
  private readonly options: LeaderOptions;
  private readonly learners = new Map<End, Learner>();
  private readonly queue: Work[] = [];
  private current: { readonly txn: Txn; accepted: number; readonly done: () => void } | null = null;
  private readonly expiry = new Map<bigint, number>();
  private counter = 0;
  private halfTicks = 0;
  private serving = false;
  private cancelTick: () => void = () => undefined;

  constructor(options: LeaderOptions) {
    this.options = options;
    for (const session of options.tree.sessions.keys()) this.touch(session);
    this.scheduleTick();
    this.considerServing();
  }

  get serves(): boolean {
    return this.serving;
  }

  get epoch(): number {
    return this.options.epoch;
  }

  stop(): void {
    this.cancelTick();
    for (const end of this.learners.keys()) end.close();
    this.learners.clear();
  }

  /** A session was heard of: it lives until the end of the tick in which its timeout runs out. */
  touch(session: bigint): void {
    const timeoutMs = this.options.tree.sessions.get(session);
    if (timeoutMs === undefined) return;
    const { clock, tickMs } = this.options;
    this.expiry.set(session, (Math.floor((clock.now() + timeoutMs) / tickMs) + 1) * tickMs);
  }

  /** Something to do for a client of this server or of a learner. */
  take(errand: Errand, done: (result: ErrandResult) => void): void {
    if (errand.do === 'validate') {
      const valid = this.options.tree.sessions.has(errand.session);
      if (valid) this.touch(errand.session);
      return done(valid ? { ok: true } : { ok: false, code: 'SESSION_EXPIRED' });
    }
    this.queue.push({ errand, done });
    this.work();
  }

  hear(end: End, message: ToLeader): void {
    const learner = this.learners.get(end);
    if (message.t === 'hello') return this.welcome(end, message.epoch);
    if (learner === undefined) return;
    learner.heardMs = this.options.clock.now();
    switch (message.t) {
      case 'synced':
        learner.synced = true;
        if (this.serving) this.tell(end, { t: 'up_to_date' });
        return this.considerServing();
      case 'errand':
        return this.take(message.errand, (result) => this.tell(end, { t: 'done', ref: message.ref, result }));
      case 'accepted':
        return this.accepted(message.zxid);
      case 'alive':
        for (const session of message.sessions) this.touch(session);
    }
  }

  gone(end: End): void {
    this.learners.delete(end);
  }

  private tell(end: End, message: ToLearner): void {
    end.send(message);
  }

  private tellAll(message: ToLearner): void {
    for (const end of this.learners.keys()) this.tell(end, message);
  }

  /** From its snapshot on a learner is sent everything, however long it takes over the snapshot. */
  private welcome(end: End, epoch: number): void {
    // It followed a later leader: this one was deposed and did not notice.
    if (epoch > this.options.epoch) return this.options.onDeposed();
    this.learners.set(end, { synced: false, heardMs: this.options.clock.now() });
    const tree = new Tree();
    tree.copyFrom(this.options.tree);
    this.tell(end, { t: 'snapshot', tree, epoch: this.options.epoch });
    if (this.current !== null) this.tell(end, { t: 'propose', txn: this.current.txn });
  }

  private considerServing(): void {
    const synced = [...this.learners.values()].filter((learner) => learner.synced).length;
    if (this.serving || synced + 1 < this.options.majority) return;
    this.serving = true;
    for (const [end, { synced: isSynced }] of this.learners) if (isSynced) this.tell(end, { t: 'up_to_date' });
    this.options.onServing();
    this.work();
  }

  /** Each entry is committed before the next is prepared: what a write is checked against is what stands. */
  private work(): void {
    while (this.serving && this.current === null) {
      const next = this.queue.shift();
      if (next === undefined) return;
      this.carryOut(next);
    }
  }

  private carryOut({ errand, done }: Work): void {
    const { tree, epoch, newSessionId } = this.options;
    const zxid = (BigInt(epoch) << 32n) + BigInt(++this.counter);
    switch (errand.do) {
      case 'validate':
      case 'sync':
        return done({ ok: true });
      case 'open': {
        const id = newSessionId();
        const txn = { zxid, changes: new Map(), session: { id, timeoutMs: errand.timeoutMs }, by: null };
        return this.propose(txn, () => {
          this.touch(id);
          done({ ok: true, session: id });
        });
      }
      case 'end':
        return this.propose(prepareEnd(tree, zxid, errand.session), () => {
          this.expiry.delete(errand.session);
          done({ ok: true });
        });
      case 'write': {
        if (!tree.sessions.has(errand.session)) return done({ ok: false, code: 'SESSION_EXPIRED' });
        const prepared = prepare(tree, errand.request, { zxid, session: errand.session });
        if (prepared.ok) return this.propose(prepared.txn, () => done({ ok: true }));
        return done(prepared);
      }
    }
  }

  private propose(txn: Txn, done: () => void): void {
    this.current = { txn, accepted: 0, done };
    this.tellAll({ t: 'propose', txn });
    this.options.clock.after(this.options.fsyncMs(), () => this.accepted(txn.zxid));
  }

  private accepted(zxid: bigint): void {
    const { current, options } = this;
    if (current?.txn.zxid !== zxid || ++current.accepted < options.majority) return;
    this.current = null;
    this.tellAll({ t: 'commit', zxid });
    options.onCommit(current.txn);
    current.done();
    this.work();
  }

  private scheduleTick(): void {
    this.cancelTick = this.options.clock.after(this.options.tickMs / 2, () => this.tick());
  }

  private tick(): void {
    const { clock, tickMs, syncLimit, majority, onDeposed } = this.options;
    this.scheduleTick();
    this.halfTicks += 1;
    const now = clock.now();
    for (const [end, { heardMs }] of this.learners) {
      if (now - heardMs > syncLimit * tickMs) this.learners.delete(end);
      else this.tell(end, { t: 'ping' });
    }
    const waitsForLearners = !this.serving && this.halfTicks < 2 * syncLimit;
    if (this.learners.size + 1 < majority && !waitsForLearners) return onDeposed();
    if (!this.serving || this.halfTicks % 2 === 1) return;
    for (const [session, atMs] of this.expiry) {
      if (atMs > now) continue;
      this.expiry.delete(session);
      this.take({ do: 'end', session }, () => undefined);
    }
  }
}
