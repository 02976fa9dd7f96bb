/**
 * The agent's connection to a Redis over the simulated network: a twin of the one on real sockets, held to the
 * contract of `src/redis/link.ts`.
 *
 * Deadlines share one timer per link, and those beyond any run have none: a link carries thousands of questions, and
 * cancelled timers would crowd the heap of the scheduler.
 */
import { MAX_PENDING_COMMANDS } from '../../../src/redis/link.ts';
import type {
  CloseKind, Command, ConnectFailureCode, ConnectOptions, RedisConnector, RedisLink, RedisLinkEvents, RedisTarget,
  Reply, SendOutcome,
} from '../../../src/redis/link.ts';
import type { ConnectFailure, End, Network } from '../../kernel/network.ts';
import type { Process } from '../../kernel/process.ts';
import type { RepliesMessage } from './messages.ts';

/** Never reached: no run lasts that long. */
const ENDLESS_MS = 3_600_000;

const QUEUE_FULL: Reply = {
  ok: false, code: 'QUEUE_FULL', message: `QUEUE_FULL ${String(MAX_PENDING_COMMANDS)} commands unanswered`,
};

const CODES: Readonly<Record<ConnectFailure, ConnectFailureCode>> = {
  refused: 'other', timeout: 'timeout', unreachable: 'unreachable',
};

export function redisConnector(network: Network, process: Process): RedisConnector {
  return { connect: (target, options, events) => new SimulatedLink({ network, process, target, options, events }) };
}

interface Pending {
  readonly commands: number;
  readonly deadlineMs: number;
  /** Null once the caller was told. */
  done: ((outcome: SendOutcome) => void) | null;
}

interface LinkParts {
  readonly network: Network;
  readonly process: Process;
  readonly target: RedisTarget;
  readonly options: ConnectOptions;
  readonly events: RedisLinkEvents;
}

class SimulatedLink implements RedisLink {
  resolvedAddress: string | null = null;
  private phase: 'connecting' | 'open' | 'ended' = 'connecting';
  private readonly network: Network;
  private readonly process: Process;
  private readonly events: RedisLinkEvents;
  private readonly end: End;
  /** In the order of the replies to come; those whose deadline passed are still among them. */
  private pending: Pending[] = [];
  private unanswered = 0;
  private timerAtMs = Number.POSITIVE_INFINITY;
  private cancelTimer: () => void = () => undefined;
  private cancelConnect: () => void = () => undefined;

  constructor({ network, process, target, options, events }: LinkParts) {
    this.network = network;
    this.process = process;
    this.events = events;
    this.end = network.connect(process, { host: target.host, port: target.port }, {
      timeoutMs: options.connectTimeoutMs,
      events: {
        onOpen: () => this.connected(target, options.connectTimeoutMs),
        onFailed: (failure) => this.failed(failure),
        onMessage: (message) => this.answered(message as RepliesMessage),
        onClosed: (how) => this.closed(how),
      },
    });
  }

  send(commands: readonly Command[], deadlineMs: number, done: (outcome: SendOutcome) => void): void {
    if (this.phase !== 'open') {
      this.soon(() => done({ kind: 'closed' }));
    } else if (this.unanswered + commands.length > MAX_PENDING_COMMANDS) {
      this.soon(() => done({ kind: 'answered', replies: commands.map(() => QUEUE_FULL) }));
    } else {
      this.write(commands, deadlineMs, done);
    }
  }

  abort(): void {
    if (this.phase === 'open') this.end.reset();
    this.close();
  }

  close(): void {
    if (this.phase === 'ended') return;
    this.finish();
    this.end.close();
    this.soon(() => this.report(() => this.events.onClosed('local')));
  }

  private write(commands: readonly Command[], deadlineMs: number, done: (outcome: SendOutcome) => void): void {
    const atMs = this.network.scheduler.nowMs + deadlineMs;
    this.unanswered += commands.length;
    this.pending.push({ commands: commands.length, deadlineMs: atMs, done });
    this.end.send({ kind: 'commands', commands });
    if (deadlineMs < ENDLESS_MS && atMs < this.timerAtMs) this.arm(atMs);
  }

  private arm(atMs: number): void {
    this.cancelTimer();
    this.timerAtMs = atMs;
    // One step later than the timer: what had arrived before is read first, as after a pause of the process.
    this.cancelTimer = this.process.timer(atMs - this.network.scheduler.nowMs, () => {
      this.cancelTimer = this.process.timer(0, () => this.expire());
    });
  }

  private expire(): void {
    this.timerAtMs = Number.POSITIVE_INFINITY;
    const { nowMs } = this.network.scheduler;
    let nextMs = Number.POSITIVE_INFINITY;
    const late: ((outcome: SendOutcome) => void)[] = [];
    for (const each of this.pending) {
      if (each.done === null) continue;
      if (each.deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, each.deadlineMs);
        continue;
      }
      late.push(each.done);
      each.done = null;
    }
    if (nextMs - nowMs < ENDLESS_MS) this.arm(nextMs);
    for (const done of late) done({ kind: 'silent' });
  }

  /** Never from inside the call that asked. */
  private soon(run: () => void): void {
    this.process.timer(0, run);
  }

  private connected(target: RedisTarget, timeoutMs: number): void {
    if (this.phase !== 'connecting') return this.end.close();
    this.resolvedAddress = target.host;
    if (!target.username && !target.password) return this.open();
    this.pending.push({ commands: 1, deadlineMs: Number.POSITIVE_INFINITY, done: () => this.open() });
    this.unanswered += 1;
    this.end.send({ kind: 'commands', commands: [['AUTH', target.password ?? '']] });
    this.cancelConnect = this.process.timer(timeoutMs, () => this.failed('timeout'));
  }

  private open(): void {
    if (this.phase !== 'connecting') return;
    this.cancelConnect();
    this.phase = 'open';
    this.events.onOpen();
  }

  private failed(failure: ConnectFailure): void {
    if (this.phase !== 'connecting') return;
    this.pending = [];
    this.finish();
    this.end.close();
    if (failure === 'refused') this.events.onRefused();
    else this.events.onFailed({ code: CODES[failure], detail: failure });
  }

  private answered({ replies }: RepliesMessage): void {
    const first = this.phase === 'ended' ? undefined : this.pending.shift();
    if (first === undefined) return;
    this.unanswered -= first.commands;
    first.done?.({ kind: 'answered', replies });
  }

  private closed(how: CloseKind): void {
    if (this.phase === 'ended') return;
    const wasOpen = this.phase === 'open';
    if (!wasOpen) this.pending = [];
    this.finish();
    this.report(() => {
      if (wasOpen) this.events.onClosed(how);
      else this.events.onFailed({ code: 'other', detail: how });
    });
  }

  private finish(): void {
    this.phase = 'ended';
    this.cancelTimer();
    this.cancelConnect();
  }

  /** Sends first: whoever hears of the end has already heard of everything that was pending. */
  private report(last: () => void): void {
    const pending = this.pending.splice(0);
    for (const { done } of pending) done?.({ kind: 'closed' });
    last();
  }
}
