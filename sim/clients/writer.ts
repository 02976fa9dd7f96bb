/**
 * A client that writes: unique keys, one small pipeline after another, to whomever it believes to be master.
 *
 * Its belief is as old as it lets it become, a stubborn one keeps an address for as long as it answers at all, and it
 * does not wait for answers before it goes on, so that a stopped server finds work in its socket when it thaws.
 * What it was told was done is what may never be lost.
 */
import type { End, Endpoint, Network } from '../kernel/network.ts';
import type { Process } from '../kernel/process.ts';
import type { Random } from '../kernel/random.ts';
import type { Answer, WriteRequest } from '../models/redis/messages.ts';

/** One acknowledged write, as the client heard of it. */
export interface Acknowledgement {
  readonly id: number;
  readonly server: Endpoint;
  readonly atMs: number;
  /** Replicas that WAIT reported; null for the reply to the write itself. */
  readonly waited: number | null;
}

export interface WriterOptions {
  readonly writesPerSecond: number;
  /** SETs in one pipeline. */
  readonly pipeline: number;
  /** Bytes of one SET. */
  readonly bytes: number;
  /** Replicas to WAIT for behind each pipeline; 0: no WAIT. */
  readonly wait: number;
  readonly waitTimeoutMs: number;
  /** Pipelines that may be unanswered. */
  readonly unansweredMax: number;
  /** It asks again who is master when its belief is this old. */
  readonly staleMs: number;
  /** Goes on with the server that it has, whoever is said to be master and however it refuses. */
  readonly stubborn: boolean;
}

export const WRITER_DEFAULTS: WriterOptions = {
  writesPerSecond: 30, pipeline: 3, bytes: 120, wait: 0, waitTimeoutMs: 500, unansweredMax: 8, staleMs: 500,
  stubborn: false,
};

export interface WriterParts {
  readonly process: Process;
  readonly network: Network;
  readonly random: Random;
  readonly options?: Partial<WriterOptions>;
  /** The next write; unique in the whole world. */
  readonly nextId: () => number;
  /** Whom the world says to be master, as this client can know it. */
  readonly believe: () => Endpoint | null;
  readonly onAcknowledged?: (acknowledgement: Acknowledgement) => void;
}

const CONNECT_TIMEOUT_MS = 1000;
const REDIAL_MS = 100;

export class Writer {
  /** Writes sent, whatever became of them. */
  sent = 0;
  refused = 0;
  private readonly parts: WriterParts;
  private readonly options: WriterOptions;
  private belief: Endpoint | null = null;
  private believedAtMs = Number.NEGATIVE_INFINITY;
  private end: End | null = null;
  private unanswered = 0;
  private notBeforeMs = 0;
  private stopped = false;

  constructor(parts: WriterParts) {
    this.parts = parts;
    this.options = { ...WRITER_DEFAULTS, ...parts.options };
    this.next();
  }

  /** Writes no more; answers under way still count. */
  stop(): void {
    this.stopped = true;
  }

  private get nowMs(): number {
    return this.parts.network.scheduler.nowMs;
  }

  private next(): void {
    const { writesPerSecond, pipeline } = this.options;
    const pauseMs = (1000 * pipeline / writesPerSecond) * (0.5 + this.parts.random.unit());
    this.parts.process.timer(pauseMs, () => {
      if (this.stopped) return;
      this.look();
      if (this.end === null) this.dial();
      else if (this.end.open && this.unanswered < this.options.unansweredMax) this.write(this.end);
      this.next();
    });
  }

  /** Looks up the master when it is time to. */
  private look(): void {
    const { stubborn, staleMs } = this.options;
    if (this.nowMs - this.believedAtMs < staleMs || (stubborn && this.end?.open === true)) return;
    this.believedAtMs = this.nowMs;
    const found = this.parts.believe();
    if (found === null || (found.host === this.belief?.host && found.port === this.belief.port)) return;
    this.belief = found;
    this.hangUp();
  }

  private hangUp(): void {
    const { end } = this;
    this.end = null;
    this.unanswered = 0;
    end?.close();
  }

  private dial(): void {
    const { belief } = this;
    if (belief === null || this.nowMs < this.notBeforeMs) return;
    const lost = (): void => {
      if (this.end !== end) return;
      this.hangUp();
      this.notBeforeMs = this.nowMs + REDIAL_MS;
    };
    const end: End = this.parts.network.connect(this.parts.process, belief, {
      timeoutMs: CONNECT_TIMEOUT_MS,
      events: {
        onOpen: () => {
          if (this.end !== end) end.close();
        },
        onFailed: lost,
        onClosed: lost,
        onMessage: (message) => {
          if (this.end === end) this.hear(message as Answer, belief);
        },
      },
    });
    this.end = end;
  }

  private write(end: End): void {
    const { pipeline, bytes, wait, waitTimeoutMs } = this.options;
    const ids: number[] = [];
    for (let i = 0; i < pipeline; i++) ids.push(this.parts.nextId());
    const request: WriteRequest = { kind: 'write', ids, bytes, wait, timeoutMs: waitTimeoutMs };
    this.sent += pipeline;
    this.unanswered += 1;
    end.send(request);
  }

  private hear(answer: Answer, server: Endpoint): void {
    if (answer.kind === 'replies') return;
    const { request, error } = answer;
    if (answer.kind === 'waited' || request.wait === 0 || error !== null) this.unanswered -= 1;
    if (error !== null) return this.hearRefusal(answer);
    const { onAcknowledged } = this.parts;
    if (onAcknowledged === undefined) return;
    const waited = answer.kind === 'waited' ? answer.replicas : null;
    for (const id of request.ids) onAcknowledged({ id, server, atMs: this.nowMs, waited });
  }

  /** A refusal says that this is not the master to write to: look again, unless stubborn. */
  private hearRefusal({ kind, request }: Exclude<Answer, { kind: 'replies' }>): void {
    if (kind === 'written') this.refused += request.ids.length;
    if (!this.options.stubborn) this.believedAtMs = Number.NEGATIVE_INFINITY;
  }
}
