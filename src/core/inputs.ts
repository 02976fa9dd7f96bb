/**
 * Everything that can happen to an agent, as one closed union.
 *
 * Time is an input too: every input is delivered with the monotonic moment at which it is looked at, and `tick` is
 * the input that carries nothing but that moment. The core never asks what time it is.
 */
import type { FailsafeAnswer, FailsafeQuestion } from '../contract/failsafe.ts';
import type { MaintenanceRequest, OperationRequest, PauseRequest } from '../contract/operations.ts';
import type { PeerEvent, SightEvent } from './facts.ts';
import type { SettingsRequest } from './operations/settings.ts';
import type { Address, RecordRead } from './records.ts';
import type { Settings } from './state.ts';

/** How an action ended. Every action is answered exactly once, within the bound of the driver that carries it out. */
export type Outcome =
  /** Carried out; `sentAtMs` is when the request left, which is all that a lease may be measured from. */
  | { readonly result: 'done'; readonly sentAtMs: number }
  /** A heartbeat was answered; `lease` is what stands there now. */
  | { readonly result: 'heard'; readonly sentAtMs: number; readonly lease: { owner: bigint; czxid: bigint } | null }
  /** Parameters were given to our Redis; it refused these. */
  | { readonly result: 'applied'; readonly refused: readonly string[] }
  /** Who answers at a recorded agent address. */
  | {
      readonly result: 'identified';
      readonly instance: string;
      readonly as: 'same' | 'other' | 'refused' | 'silent';
    }
  /** The dataset was copied; `removed` are the names of older copies that had to go. */
  | { readonly result: 'rescued'; readonly path: string; readonly bytes: number; readonly removed: readonly string[] }
  /** What each registered node answered to the question for a promise; null = nothing in time. */
  | {
      readonly result: 'asked';
      readonly sentAtMs: number;
      readonly answers: readonly { readonly node: string; readonly answer: FailsafeAnswer | null }[];
    }
  /** Not carried out, or nobody knows (`unknown`: the connection was lost in between; look again). */
  | { readonly result: 'failed'; readonly code: string };

/** What an operator, or a signal, asks of this node. */
export type Order =
  | { readonly order: 'enable' }
  | { readonly order: 'disable'; readonly maintenance?: MaintenanceRequest | null }
  | { readonly order: 'stop' }
  /** The configuration was read again: what of it can change while the agent runs. */
  | { readonly order: 'reload'; readonly settings: Settings }
  | { readonly order: 'bootstrap'; readonly master: string }
  | { readonly order: 'forget'; readonly node: string }
  /** Of the whole service: stored, and carried out by whoever can; `cancel` takes back the one that is scheduled. */
  | { readonly order: 'operation'; readonly request: OperationRequest }
  | { readonly order: 'cancel'; readonly id: string }
  | { readonly order: 'pause'; readonly id: string; readonly pause: PauseRequest }
  | { readonly order: 'resume'; readonly id: string }
  | { readonly order: 'settings'; readonly request: SettingsRequest };

export type Input =
  | { readonly kind: 'tick' }
  /** The machine slept (or its clock was set): the monotonic clock may not have counted the time. */
  | { readonly kind: 'slept'; readonly wallMs?: number }
  /** The time of day, told before a record is that names one; nothing that gives power asks for it. */
  | { readonly kind: 'time_of_day'; readonly wallMs: number }
  /** A session is connected; its records are about to be read again from scratch. */
  | { readonly kind: 'session_connected'; readonly sessionId: bigint; readonly timeoutMs: number }
  | { readonly kind: 'session_disconnected' }
  | { readonly kind: 'session_expired' }
  /** A record was read. */
  | { readonly kind: 'record_read'; readonly read: RecordRead }
  /** Whether a record that decides (lease or term) stands there but cannot be read as ours. */
  | { readonly kind: 'records_unreadable'; readonly paths: readonly string[] }
  /** All records of this connection have been read once. */
  | { readonly kind: 'records_synced' }
  /** Something about this node's own Redis. */
  | { readonly kind: 'own_redis'; readonly event: SightEvent }
  /** Something about the Redis that `wanted().remote` names. */
  | { readonly kind: 'remote_redis'; readonly event: SightEvent }
  | { readonly kind: 'peer'; readonly name: string; readonly event: PeerEvent }
  /** Another agent says that something changed: a reason to look, never a verdict. */
  | { readonly kind: 'peer_hint'; readonly name: string; readonly hint: 'redis_died' | 'promoted' | 'look' }
  /** Another agent asks for a promise while the ensemble is silent; `id` goes back with the answer. */
  | { readonly kind: 'failsafe_asked'; readonly id: number; readonly question: FailsafeQuestion }
  /** Where this agent answers as a Sentinel now; null: its port is taken, or it does not. */
  | { readonly kind: 'sentinel'; readonly address: Address | null }
  | { readonly kind: 'action_done'; readonly id: number; readonly outcome: Outcome }
  | { readonly kind: 'order'; readonly order: Order };
