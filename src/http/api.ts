/**
 * What the agent gives its HTTP server: everything the outside may read or order, and nothing else.
 *
 * The server translates; it decides nothing and keeps no state of the service.
 */
import type { Duplex } from 'node:stream';

import type { EventsPage } from '../contract/events.ts';
import type { FailsafeAnswer, FailsafeQuestion } from '../contract/failsafe.ts';
import type { MaintenanceRequest, OperationAnswer, OperationRequest, PauseRequest } from '../contract/operations.ts';
import type { AskedSettings, SettingFault, SettingsAnswer, SettingsShown } from '../contract/settings.ts';
import type { PublishedView } from '../contract/view.ts';
import type { PeerHello } from '../peers/hello.ts';

export interface NodeIdentity {
  readonly service: string;
  readonly name: string;
  /** Random id of the agent process. */
  readonly instance: string;
  readonly version: string;
}

/** `reason` is a reason code where the refusal has one (src/contract/reasons.ts), else a word of its own. */
export type OrderResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

export interface HttpApi {
  enabled(): boolean;
  /** Takes the order; false when it was so already. Giving up mastership then goes on by itself. */
  setEnabled(enabled: boolean): boolean;
  /** Disables the node as well, and says why; the latest word counts. */
  maintain(asked: Omit<MaintenanceRequest, 'since'>): void;
  view(): PublishedView;
  /** Milliseconds since the agent last decided; it does so at least once a second. */
  turnAgeMs(): number;
  identity(): NodeIdentity;
  /** Makes the named node the first master; waited for at most orderTimeoutMs. */
  bootstrap(master: string): Promise<OrderResult>;
  /** Takes a node that is gone for good off the registered ones; waited for as long as a bootstrap. */
  forget(node: string): Promise<OrderResult>;
  /** Lines of the log after `after`; where there are none yet, waits for one, at most `waitMs` milliseconds. */
  events(after: number, waitMs: number): Promise<EventsPage>;
  /** Asks for an operation of the whole service; answered when it ended, or is scheduled. Bounded by the agent. */
  operate(asked: Omit<OperationRequest, 'id' | 'askedAt'>): Promise<OperationAnswer>;
  /** Takes back the operation that is scheduled. */
  cancelOperation(): Promise<OperationAnswer>;
  pause(asked: Omit<PauseRequest, 'since'>): Promise<OperationAnswer>;
  resume(): Promise<OperationAnswer>;
  /** Settings of the service as this agent knows them; null where there are none yet. */
  settings(): SettingsShown | null;
  /** Changes them; answered when they are written. Bounded by the agent. */
  changeSettings(asked: AskedSettings): Promise<SettingsAnswer>;
  /** Which of these parameters the Redis of this node would not take; null where it cannot be asked. Changes none. */
  tryParameters(parameters: Readonly<Record<string, string>>): Promise<readonly SettingFault[] | null>;
  /** Time of day in milliseconds. */
  wallNow(): number;
  /** Answers another agent that asks for a promise while the ensemble is silent. */
  promise(question: FailsafeQuestion): Promise<FailsafeAnswer>;
  /** Takes over the raw stream of an upgraded request, and its end. */
  acceptPeer(stream: Duplex, hello: PeerHello): void;
}
