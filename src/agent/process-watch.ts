/**
 * Watching the process of our own Redis, where this host lets us.
 *
 * In peace this costs nothing: one proof when a process of Redis is first seen, and then no look at all. Only while a
 * question stays unanswered is the process looked at, every 50 ms, because only then does it matter whether it is
 * busy, stopped or dead.
 */
import type { Clock } from '../contract/clock.ts';
import type { RedisFacts, SightEvent } from '../core/facts.ts';
import type { ProcessPort, ServerClaim } from './ports.ts';

/** Pause between two looks while a question is unanswered. */
export const PROCESS_LOOK_MS = 50;

export interface ProcessWatchOptions {
  readonly clock: Clock;
  readonly process: ProcessPort;
  /** Port on which Redis listens. */
  readonly port: number;
  readonly onSight: (event: SightEvent) => void;
}

interface Known {
  readonly runId: string;
  readonly pid: number;
  /** By its own word, on our clock. */
  readonly startedAtMs: number;
  /** Null until it is proved. */
  startTicks: number | null;
}

export class ProcessWatch {
  private readonly options: ProcessWatchOptions;
  private known: Known | null = null;
  private looking = false;
  private cancelLook: () => void = () => undefined;

  constructor(options: ProcessWatchOptions) {
    this.options = options;
  }

  /** To be told of every answer of our Redis: another run_id is another process, which is proved anew. */
  answered({ runId, processId, uptimeSeconds }: RedisFacts): void {
    if (this.known?.runId === runId) return;
    const known: Known = {
      runId,
      pid: processId,
      startedAtMs: this.options.clock.now() - uptimeSeconds * 1000,
      startTicks: null,
    };
    this.known = known;
    this.options.process.prove(this.claimOf(known), (proof) => {
      if (this.known !== known) return;
      if (proof.ok) known.startTicks = proof.startTicks;
      this.options.onSight({ seen: 'process_proof', ok: proof.ok });
    });
  }

  /** Whether a question to our Redis is overdue. */
  unanswered(is: boolean): void {
    if (is === this.looking) return;
    this.looking = is;
    this.cancelLook();
    if (is) this.look();
  }

  /** Kills the process if it is proved, and stopped still. */
  kill(done: (result: { readonly ok: true } | { readonly ok: false; readonly code: string }) => void): void {
    const { clock, process } = this.options;
    const { known } = this;
    const startTicks = known?.startTicks ?? null;
    if (known === null || startTicks === null) {
      clock.after(0, () => done({ ok: false, code: 'not_proved' }));
      return;
    }
    process.kill(this.claimOf(known), startTicks, done);
  }

  stop(): void {
    this.unanswered(false);
    this.known = null;
  }

  private claimOf({ pid, startedAtMs }: Known): ServerClaim {
    return { pid, port: this.options.port, ageMs: this.options.clock.now() - startedAtMs };
  }

  private look(): void {
    const { known } = this;
    const startTicks = known?.startTicks ?? null;
    if (known === null || startTicks === null) return;
    const { pid } = known;
    this.options.process.look({ pid, startTicks }, (is) => {
      if (!this.looking || this.known !== known) return;
      this.options.onSight({ seen: 'process', is });
      this.cancelLook = this.options.clock.after(PROCESS_LOOK_MS, () => this.look());
    });
  }
}
