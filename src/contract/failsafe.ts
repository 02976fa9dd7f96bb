/**
 * What agents ask each other while the ensemble does not answer: `POST /v1/failsafe`.
 *
 * The master's agent asks every registered node to promise that it neither claims nor votes for a while; with all
 * promises given its power outlives the ensemble's silence. Durations are in milliseconds and each is counted on the
 * clock of whoever counts it: the asker from *sending*, the giver from deciding.
 */
import type { ReasonCode } from './reasons.ts';

/** Version of question and answer; members are only ever added to it. */
export const FAILSAFE_FORMAT = 1;
/** Longest promise that may be asked for. */
export const FAILSAFE_PROMISE_MAX_MS = 600_000;

export interface FailsafeQuestion {
  readonly service: string;
  /** Name of the node that is asked: a question that reaches somebody else binds nobody. */
  readonly node: string;
  /** Who asks: node name, and the random id of its agent process. */
  readonly from: { readonly name: string; readonly instance: string };
  /** Epoch of the asker's lease. */
  readonly epoch: number;
  /** Redis of the asker: its published address, its process, its replication history. */
  readonly redis: { readonly host: string; readonly port: number };
  readonly runId: string;
  readonly replid: string;
  /** The asked node is in the in-sync set: it could be promoted later, so it must be seen to stream. */
  readonly inSync: boolean;
  /** How long the asker wants the promise to last. */
  readonly promiseMs: number;
}

export type FailsafeAnswer =
  /** `promiseMs`: what was promised, never more than was asked. */
  | { readonly promised: true; readonly promiseMs: number }
  | { readonly promised: false; readonly reason: ReasonCode };
