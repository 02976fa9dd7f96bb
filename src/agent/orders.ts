/**
 * What operators ask of an agent: each order becomes an input with the time of day that it was given at, and its answer
 * an action of the core, which bounds every wait.
 */
import { parametersIn, refusedParameter } from '../config/service-settings.ts';
import type { WallClock } from '../contract/clock.ts';
import type { MaintenanceRequest, OperationAnswer, OperationRequest, PauseRequest } from '../contract/operations.ts';
import type { AskedSettings, SettingFault, SettingsAnswer, SettingsShown } from '../contract/settings.ts';
import type { Input, Order } from '../core/inputs.ts';
import type { State } from '../core/state.ts';
import type { Callers, OrderAnswered } from './callers.ts';
import { tryParameters } from './parameter-trial.ts';
import type { Asks } from './redis-parameters.ts';
import { prepareChange, shownSettings } from './service-settings.ts';

interface OrderPorts {
  /** Name of this node. */
  readonly node: string;
  readonly clock: WallClock;
  readonly callers: Callers;
  /** Our Redis, for what it is asked before a change of settings is stored. */
  readonly own: Asks;
  readonly state: () => State;
  readonly post: (input: Input) => void;
}

export class Orders {
  private readonly ports: OrderPorts;

  constructor(ports: OrderPorts) {
    this.ports = ports;
  }

  /** What needs no answer: what becomes of it is in the view. */
  give(order: Extract<Order, { order: 'enable' | 'disable' | 'stop' | 'reload' }>): void {
    this.ports.post({ kind: 'order', order });
  }

  /** Takes this node out of the service, for a reason that everybody is shown, and back in when it is over. */
  maintain(asked: Omit<MaintenanceRequest, 'since'>): void {
    const maintenance = { ...asked, since: this.askedAt() };
    this.give({ order: 'disable', maintenance });
  }

  /** `done` gets the reason of a refusal, or null when the order was carried out. */
  bootstrap(master: string, done: OrderAnswered): void {
    this.ports.callers.order('bootstrap', done);
    this.ports.post({ kind: 'order', order: { order: 'bootstrap', master } });
  }

  /** Takes a node that is gone for good off the registered ones; `done` as for `bootstrap`. */
  forget(node: string, done: OrderAnswered): void {
    this.ports.callers.order('forget', done);
    this.ports.post({ kind: 'order', order: { order: 'forget', node } });
  }

  /** Asks for an operation of the whole service. `done` gets its answer, in bounds. */
  operate(
    asked: Omit<OperationRequest, 'id' | 'askedAt'>,
    done: (answer: OperationAnswer) => void,
  ): void {
    const id = this.operationId(done);
    const request = { ...asked, id, askedAt: this.askedAt() };
    this.tellTime();
    this.ports.post({ kind: 'order', order: { order: 'operation', request } });
  }

  /** Takes back the operation that is scheduled. */
  cancel(done: (answer: OperationAnswer) => void): void {
    this.tellTime();
    this.ports.post({ kind: 'order', order: { order: 'cancel', id: this.operationId(done) } });
  }

  /** Pauses the service: nobody is promoted or gives up by itself until the pause ends. */
  pause(asked: Omit<PauseRequest, 'since'>, done: (answer: OperationAnswer) => void): void {
    const pause = { ...asked, since: this.askedAt() };
    this.ports.post({ kind: 'order', order: { order: 'pause', id: this.operationId(done), pause } });
  }

  resume(done: (answer: OperationAnswer) => void): void {
    this.ports.post({ kind: 'order', order: { order: 'resume', id: this.operationId(done) } });
  }

  /** The service's settings as they were read last, or null where there are none. */
  settings(): SettingsShown | null {
    return shownSettings(this.ports.state());
  }

  /** Asks our Redis which of these parameters it would not take; changes none. Null where it cannot be asked. */
  tryParameters(
    parameters: Readonly<Record<string, string>>,
    done: (faults: readonly SettingFault[] | null) => void,
  ): void {
    const { node, own } = this.ports;
    tryParameters(own, parameters, (refused) => {
      done(refused?.map((parameter) => refusedParameter(parameter, node)) ?? null);
    });
  }

  /**
   * Changes them: compare and set. `done` gets its answer, in bounds; all faults of the values at once, those that our
   * Redis finds among them.
   */
  changeSettings(asked: AskedSettings, done: (answer: SettingsAnswer) => void): void {
    const parameters = parametersIn(asked.patch);
    if (Object.keys(parameters).length === 0) return this.change(asked, [], done);
    this.tryParameters(parameters, (refused) => {
      if (refused === null) done({ answer: 'refused', reason: 'redis_unreachable' });
      else this.change(asked, refused, done);
    });
  }

  private change(
    asked: AskedSettings,
    refused: readonly SettingFault[],
    done: (answer: SettingsAnswer) => void,
  ): void {
    const id = this.ports.callers.newOperationId();
    const at = this.askedAt();
    const prepared = prepareChange(this.ports.state(), asked, { id, at, refused });
    if ('answer' in prepared) return done(prepared.answer);
    this.ports.callers.operation(id, (given) => {
      const settings = this.settings();
      if (given.answer === 'refused') done(given);
      else if (given.answer !== 'done' || settings === null) done({ answer: 'unknown' });
      else done({ answer: 'done', settings });
    });
    this.ports.post({ kind: 'order', order: { order: 'settings', request: prepared.request } });
  }

  private operationId(done: (answer: OperationAnswer) => void): string {
    const id = this.ports.callers.newOperationId();
    this.ports.callers.operation(id, done);
    return id;
  }

  /** What an order says of times of day is understood when it is read. */
  private tellTime(): void {
    this.ports.post({ kind: 'time_of_day', wallMs: this.ports.clock.wallNow() });
  }

  private askedAt(): number {
    return Math.round(this.ports.clock.wallNow());
  }
}
