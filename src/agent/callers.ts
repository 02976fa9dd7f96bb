/**
 * Who waits for an answer of the core: calls come in from outside, become inputs with an id, and the answer is an
 * action that names this id.
 *
 * The core bounds every wait; whoever waits is called once, unless the agent stops before.
 */
import type { FailsafeAnswer } from '../contract/failsafe.ts';
import type { OperationAnswer } from '../contract/operations.ts';
import type { ActionBody } from '../core/actions.ts';

/** Gets the reason of a refusal, or null when the order was carried out. */
export type OrderAnswered = (refusal: string | null) => void;
export type AnsweredOrder = Extract<ActionBody, { kind: 'answer_order' }>['order'];

export class Callers {
  private readonly instance: string;
  private readonly orders: Record<AnsweredOrder, OrderAnswered[]> = { bootstrap: [], forget: [] };
  private readonly operations = new Map<string, (answer: OperationAnswer) => void>();
  private readonly questions = new Map<number, (answer: FailsafeAnswer) => void>();
  private lastId = 0;

  /** `instance` is the running agent's: an id is never that of a process before this one, or of another node. */
  constructor(instance: string) {
    this.instance = instance;
  }

  /** One answer is for everybody who gave this order. */
  order(order: AnsweredOrder, done: OrderAnswered): void {
    this.orders[order].push(done);
  }

  /** An id for something that is asked of the whole service. */
  newOperationId(): string {
    this.lastId += 1;
    return `${this.instance}-${this.lastId}`;
  }

  operation(id: string, done: (answer: OperationAnswer) => void): void {
    this.operations.set(id, done);
  }

  /** The id of another agent's question for a promise. */
  question(done: (answer: FailsafeAnswer) => void): number {
    this.lastId += 1;
    this.questions.set(this.lastId, done);
    return this.lastId;
  }

  answer(action: Extract<ActionBody, { kind: 'answer_order' | 'answer_operation' | 'answer_question' }>): void {
    switch (action.kind) {
      case 'answer_order':
        for (const done of this.orders[action.order].splice(0)) done(action.refusal);
        return;
      case 'answer_operation':
        return take(this.operations, action.operation)?.(action.answer);
      case 'answer_question':
        return take(this.questions, action.question)?.(action.answer);
    }
  }
}

function take<Key, Value>(map: Map<Key, Value>, key: Key): Value | undefined {
  const value = map.get(key);
  map.delete(key);
  return value;
}
