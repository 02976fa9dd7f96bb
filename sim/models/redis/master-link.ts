/**
 * The replica's side of replication: the link to the master, from dialling to the stream.
 *
 * Traps of Redis 7.0 that live here: what lies unread in the socket is lost when REPLICAOF is obeyed; a server that
 * loses its link dials again at once, wherever that leads; a full sync can be aborted while it is transferred, and
 * costs nothing then; from the beginning of loading the old data is gone, and the memory of where it stood. What was
 * loaded is acknowledged at once (1.3 ms, measured); where a master has not yet noticed that its child ended, that
 * first word does not begin the stream, and the next one comes with the cron.
 */
import type { End, Endpoint } from '../../kernel/network.ts';
import type { Readable } from './connection.ts';
import { Data } from './dataset.ts';
import type { MasterMessage } from './messages.ts';
import { killSaving, keepSynced, reopenAof } from './persistence.ts';
import { proxy } from './replicas.ts';
import type { RedisState, Unread } from './state.ts';

/** `waiting`: for the cron to dial again. */
export type LinkPhase = 'none' | 'waiting' | 'connecting' | 'asking' | 'transfer' | 'loading' | 'connected';

const READ_BYTES = 16 * 1024;
const REPL_TIMEOUT_MS = 60_000;
/** The kernel's first retransmission of a SYN; each further pause is twice as long. */
const SYN_RETRY_MS = 1000;

type FullSync = Extract<MasterMessage, { kind: 'rdb' }>;

export class MasterLink implements Readable {
  phase: LinkPhase = 'none';
  ready = false;
  /** Whole second at which the link went down; 0: this process had none since it last was a master. */
  downSince = 0;
  /** Bytes of the stream that it gets through in a millisecond: a busy replica leaves the rest in its socket. */
  bytesPerMs = Number.POSITIVE_INFINITY;
  /** The whole server works on what it reads at this rate, and answers nobody meanwhile: slow commands, say. */
  workBytesPerMs = Number.POSITIVE_INFINITY;
  /** Full syncs that it took. */
  fullSyncs = 0;
  private readonly state: RedisState;
  private end: End | null = null;
  /** What it would continue from. */
  private cached: { replid: string; offset: number } | null = null;
  private readonly unread: (MasterMessage | 'ended')[] = [];
  /** Entries of the first unread message that were applied. */
  private applied = 0;
  private readableFromMs = 0;
  private heardMs = 0;
  private synMs = SYN_RETRY_MS;
  private loadingKeys = 0;

  constructor(state: RedisState) {
    this.state = state;
  }

  get syncing(): boolean {
    return this.phase === 'transfer' || this.phase === 'loading';
  }

  private loadsFile(): boolean {
    return this.phase === 'loading';
  }

  /** As INFO shows it: 1 when there is neither a link nor anything to continue from. */
  get shownOffset(): number {
    return this.phase === 'connected' ? this.state.offset : this.cached?.offset ?? 1;
  }

  get keysShown(): number {
    return this.state.loading ? this.loadingKeys : this.state.data.size;
  }

  /** Received, and lost if the link is given up now. */
  get unreadBytes(): number {
    let bytes = 0;
    for (const message of this.unread) {
      if (message === 'ended' || message.kind !== 'stream') continue;
      for (const op of message.ops) bytes += op.bytes;
    }
    const [first] = this.unread;
    if (first === undefined || first === 'ended' || first.kind !== 'stream') return bytes;
    for (let i = 0; i < this.applied; i++) bytes -= first.ops[i]?.bytes ?? 0;
    return bytes;
  }

  /** REPLICAOF host port. */
  follow(target: Endpoint): void {
    const { state } = this;
    const was = state.target;
    if (was !== null && was.host === target.host && was.port === target.port) return;
    const unread = this.leave();
    if (was === null) {
      this.cached = { replid: state.replid, offset: state.offset };
      state.createBacklog();
    }
    state.target = target;
    this.tellUnread(unread);
    this.dial();
  }

  /** REPLICAOF NO ONE. */
  promote(): void {
    const { state } = this;
    if (state.target === null) return;
    this.tellUnread(this.leave());
    state.target = null;
    this.cached = null;
    this.downSince = 0;
    this.enter('none');
    state.shiftReplid();
    for (const connection of [...state.replicas]) state.free(connection);
    state.selectNext = true;
    state.noReplicasSince = state.second;
    state.around.onPromoted();
  }

  /** A restarted replica that knows from its file where it stands. */
  resume(target: Endpoint, cached: { replid: string; offset: number } | null): void {
    this.state.target = target;
    this.cached = cached;
    this.enter('waiting');
  }

  private enter(phase: LinkPhase): void {
    this.phase = phase;
    this.state.linkUp = phase === 'connected';
    this.state.touch();
  }

  /** Unread bytes go with the socket. */
  private leave(): Unread | null {
    const bytes = this.unreadBytes;
    const ended = this.unread.includes('ended');
    if (this.phase === 'connected') this.remember();
    this.hangUp();
    return bytes === 0 ? null : { bytes, endedMs: ended ? this.heardMs : null };
  }

  /** Told when the new target is known. */
  private tellUnread(unread: Unread | null): void {
    if (unread === null) return;
    this.state.say(() => `gives up ${unread.bytes} unread bytes of its master`);
    this.state.around.onUnread(unread);
  }

  private remember(): void {
    this.cached = { replid: this.state.replid, offset: this.state.offset };
    this.downSince = this.state.second;
  }

  private hangUp(): void {
    const { end } = this;
    this.end = null;
    this.unread.length = 0;
    this.applied = 0;
    end?.close();
  }

  private dial(): void {
    const { target, around } = this.state;
    if (target === null) return;
    this.enter('connecting');
    const ifCurrent = (react: () => void): void => {
      if (this.end === end) react();
    };
    const end: End = around.network.connect(around.process, target, {
      timeoutMs: this.synMs,
      events: {
        onOpen: () => {
          if (this.end === end) this.opened();
          else end.close();
        },
        onFailed: (failure) => ifCurrent(() => this.failed(failure)),
        onMessage: (message) => ifCurrent(() => this.receive(message as MasterMessage)),
        onClosed: () => ifCurrent(() => this.receive('ended')),
      },
    });
    this.end = end;
  }

  private opened(): void {
    const { cached, state } = this;
    const { announceHost, announcePort } = state.settings;
    this.synMs = SYN_RETRY_MS;
    this.heardMs = state.nowMs;
    this.enter('asking');
    this.end?.send({
      kind: 'psync',
      replid: cached?.replid ?? '?',
      nextOffset: (cached?.offset ?? 0) + 1,
      host: announceHost === '' ? state.around.process.host.name : announceHost,
      port: announcePort === 0 ? state.options.port : announcePort,
    });
  }

  /** A lost SYN is sent again by the kernel, without Redis noticing. */
  private failed(failure: string): void {
    this.hangUp();
    if (failure !== 'timeout' || this.synMs > REPL_TIMEOUT_MS / 2) {
      this.synMs = SYN_RETRY_MS;
      return this.enter('waiting');
    }
    this.synMs *= 2;
    this.dial();
  }

  private receive(message: MasterMessage | 'ended'): void {
    this.heardMs = this.state.nowMs;
    this.unread.push(message);
    if (this.phase !== 'loading') this.state.wake(this);
  }

  /** One turn of the event loop: at most 16 KiB. */
  read(): void {
    const { state } = this;
    if (state.busy || this.loadsFile() || this.waitsItsTime()) return;
    let budget = READ_BYTES;
    while (budget > 0) {
      const [message] = this.unread;
      if (message === undefined) return;
      // A paused server holds back what its master sends as it does with everybody else.
      if (state.pause !== null && message !== 'ended') return;
      if (message !== 'ended' && message.kind === 'stream') {
        budget -= this.applySome(message, budget);
      } else {
        this.unread.shift();
        this.take(message);
        if (this.loadsFile()) return;
      }
    }
    if (this.unread.length > 0) state.wake(this);
  }

  /** True while the last bytes are still being worked on. */
  private waitsItsTime(): boolean {
    const { nowMs, around } = this.state;
    if (nowMs >= this.readableFromMs) return false;
    around.process.timer(this.readableFromMs - nowMs, () => this.state.wake(this));
    return true;
  }

  private applySome(message: Extract<MasterMessage, { kind: 'stream' }>, budget: number): number {
    const { state } = this;
    let bytes = 0;
    let acknowledge = false;
    while (bytes < budget) {
      const op = message.ops[this.applied];
      if (op === undefined) break;
      this.applied += 1;
      bytes += op.bytes;
      if (op.kind === 'write') {
        state.data = op.data.parent === state.data ? op.data : state.data.with(op.ids);
        state.changes += op.ids.length;
      } else if (op.kind === 'flush') {
        state.data = Data.EMPTY;
        state.changes += 1;
      }
      acknowledge ||= op.kind === 'getack';
      proxy(state, op);
    }
    if (this.applied >= message.ops.length) {
      this.applied = 0;
      this.unread.shift();
    }
    if (acknowledge) this.acknowledge();
    if (this.workBytesPerMs !== Number.POSITIVE_INFINITY) {
      state.stalledUntilMs = Math.max(state.stalledUntilMs, state.nowMs + bytes / this.workBytesPerMs);
      return budget;
    }
    this.readableFromMs = state.nowMs + bytes / this.bytesPerMs;
    return this.readableFromMs > state.nowMs ? budget : Math.max(1, bytes);
  }

  private take(message: Exclude<MasterMessage, { kind: 'stream' }> | 'ended'): void {
    if (message === 'ended') return this.lost();
    switch (message.kind) {
      case 'continue':
        return this.resumeStream(message);
      case 'fullresync':
        if (this.state.options.disklessLoad) this.drop(message.snapshot);
        return this.enter('transfer');
      case 'rdb':
        return this.state.options.disklessLoad ? this.loaded(message.snapshot) : this.load(message);
      case 'refused':
        this.hangUp();
        this.enter('waiting');
    }
  }

  private lost(): void {
    const wasUp = this.phase === 'connected';
    if (this.state.loading && this.phase === 'transfer') this.breakOff();
    if (wasUp) this.remember();
    this.hangUp();
    if (wasUp) this.dial();
    else this.enter('waiting');
  }

  private resumeStream({ replid, ops }: Extract<MasterMessage, { kind: 'continue' }>): void {
    const { state } = this;
    if (replid !== state.replid) {
      state.replid2 = state.replid;
      state.secondOffset = state.offset + 1;
      state.replid = replid;
      for (const connection of [...state.replicas]) state.free(connection);
    }
    state.createBacklog();
    this.connected();
    if (ops.length > 0) this.unread.unshift({ kind: 'stream', ops });
    this.state.wake(this);
  }

  private connected(): void {
    this.cached = null;
    this.downSince = 0;
    this.enter('connected');
  }

  /** From here on nothing can be continued: neither by us nor by those who follow us. */
  private load({ snapshot }: FullSync): void {
    const { state } = this;
    keepSynced(state, snapshot);
    this.drop(snapshot);
    this.enter('loading');
    const ms = state.options.loadMs * (0.5 + state.around.random.unit());
    state.around.process.timer(ms, () => this.loaded(snapshot));
  }

  private drop(snapshot: FullSync['snapshot']): void {
    const { state } = this;
    killSaving(state);
    state.note('loading', snapshot.data.size);
    state.say(() => `loads ${snapshot.data.size} keys, drops its own ${state.data.size}`);
    this.cached = null;
    state.backlog = null;
    for (const connection of [...state.replicas]) state.free(connection);
    state.around.onReplaced({ had: state.data, gets: snapshot.data, fromRunId: snapshot.runId });
    this.loadingKeys = snapshot.data.size >> 1;
    state.data = Data.EMPTY;
    state.loading = true;
  }

  /** Half of it has come: nothing of that is kept, and the position that INFO shows is that of what was dropped. */
  private breakOff(): void {
    this.state.loading = false;
    this.state.say(() => 'has nothing: the full sync broke off');
  }

  private loaded(snapshot: FullSync['snapshot']): void {
    const { state } = this;
    state.loading = false;
    state.data = snapshot.data;
    state.replid = snapshot.replid;
    state.offset = snapshot.offset;
    state.forgetPast();
    state.createBacklog();
    reopenAof(state);
    this.fullSyncs += 1;
    this.connected();
    this.acknowledge();
    state.wake(this);
  }

  private acknowledge(): void {
    this.end?.send({ kind: 'ack', offset: this.state.offset });
  }

  /** The replica's share of the one-second cron. */
  cron(): void {
    if (this.phase === 'waiting') return this.dial();
    if (this.phase === 'connected') this.acknowledge();
    if (this.phase === 'asking' || this.phase === 'transfer' || this.phase === 'connected') this.dropIfSilent();
  }

  private dropIfSilent(): void {
    if (this.state.nowMs - this.heardMs <= REPL_TIMEOUT_MS) return;
    this.unread.length = 0;
    this.applied = 0;
    this.lost();
  }
}
