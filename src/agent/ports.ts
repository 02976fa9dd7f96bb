/**
 * What the agent's loop needs of the outside, as narrow as it gets: the simulator stands in for each of these.
 *
 * All are callback style. A callback is called at most once and never from inside the call that registered it, so
 * that the loop is never re-entered and a run can be repeated exactly.
 */
import type { WallClock } from '../contract/clock.ts';
import type { EventName } from '../contract/events.ts';
import type { FailsafeAnswer, FailsafeQuestion } from '../contract/failsafe.ts';
import type { Fields } from '../core/actions.ts';
import type { Address } from '../core/records.ts';
import type { PeerEvents, PeerHub } from '../peers/peers.ts';
import type { Identification } from '../peers/identify.ts';
import type { RedisConnector } from '../redis/link.ts';
import type { ZkEvents, ZkPort } from '../zookeeper/index.ts';

export interface LogPort {
  event(name: EventName, fields?: Fields): void;
}

/** One rescue copy, asked for by the core. */
export interface RescueJob {
  /** Epoch of the term whose master is about to be followed. */
  readonly epoch: number;
}

/**
 * `code` is one of `NO_SPACE`, `TIMEOUT`, `CLOSED`, `PROTOCOL`, the first word of Redis' error, or an errno's name.
 * `removed`: names of older copies that had to go.
 */
export type RescueResult =
  | { readonly ok: true; readonly path: string; readonly bytes: number; readonly removed: readonly string[] }
  | { readonly ok: false; readonly code: string };

export interface RescuePort {
  /** Fetches the dataset of our Redis by `SYNC` into a file of its own. Bounded in time. One at a time. */
  save(job: RescueJob, done: (result: RescueResult) => void): void;
}

/** Which process our Redis says it is. */
export interface ServerClaim {
  readonly pid: number;
  readonly port: number;
  /** By its own `uptime_in_seconds`, at the moment of asking. */
  readonly ageMs: number;
}

/** `startTicks` identifies the process together with its number. */
export type ProcessProof =
  | { readonly ok: true; readonly startTicks: number }
  | { readonly ok: false; readonly code: string };

/** `dead`: a zombie, or gone. */
export type ProcessSight = 'running' | 'stopped' | 'dead' | 'unknown';

/** What the kernel of this host says of a process. */
export interface ProcessPort {
  /** Whether that process is that server: it owns the socket that listens there, and is as old as it says. */
  prove(claim: ServerClaim, done: (proof: ProcessProof) => void): void;
  /** How a process that was proved is now. */
  look(of: { readonly pid: number; readonly startTicks: number }, done: (sight: ProcessSight) => void): void;
  /** Proves it again, and kills it if it is stopped still. */
  kill(
    claim: ServerClaim,
    startTicks: number,
    done: (result: { readonly ok: true } | { readonly ok: false; readonly code: string }) => void,
  ): void;
}

/** Everything outside one agent. */
export interface Outside {
  readonly clock: WallClock;
  readonly log: LogPort;
  readonly redis: RedisConnector;
  openZooKeeper(events: ZkEvents): ZkPort;
  openPeers(events: PeerEvents): PeerHub;
  identify(address: Address, timeoutMs: number, done: (result: Identification) => void): void;
  readonly rescue: RescuePort;
  readonly process: ProcessPort;
  /**
   * Asks the agent at this address for a promise (`Agent.question` is the other end). `done` gets its answer, or null
   * for silence: at most `timeoutMs` milliseconds later, however the asking ended.
   */
  ask(
    address: Address,
    question: FailsafeQuestion,
    timeoutMs: number,
    done: (answer: FailsafeAnswer | null) => void,
  ): void;
  /** Ends the process, or the simulated one. */
  exit(code: number): void;
}
