/**
 * Operators: they ask any agent for what is theirs to ask, by the calls that HTTP makes, and wait for the answer.
 *
 * Every order carries a name of its own (`operator-3`), so that what was answered, what was stored and what was done
 * can be put together by whoever looks on.
 */
import type { OperationAnswer, OperationKind } from '../../src/contract/operations.ts';
import type { Agent } from '../../src/agent/agent.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import type { Act } from '../plan/acts.ts';
import type { Fault } from '../plan/faults.ts';
import type { AgentRun } from './agent-place.ts';
import type { NodePlace } from './node-place.ts';

export interface OperatorsParts {
  readonly nodes: ReadonlyMap<string, NodePlace>;
  readonly scheduler: Scheduler;
  /** Within this every caller is answered, in true time. */
  readonly answerMs: number;
  /** Node that holds the lease, as committed. */
  readonly master: () => string | null;
  readonly answered: (asker: string, answer: OperationAnswer) => void;
  readonly unanswered: (asker: string) => void;
}

type Undo = () => void;
type Done = (answer: OperationAnswer) => void;
type Asking = Extract<Act, { readonly asks: string }>;

const NOTHING: Undo = () => undefined;

export class Operators {
  private readonly parts: OperatorsParts;
  private asked = 0;

  constructor(parts: OperatorsParts) {
    this.parts = parts;
  }

  /** Does it, and gives what ends it. */
  act(act: Act & Fault): Undo {
    if ('asks' in act) {
      const place = this.parts.nodes.get(act.asks);
      if (place !== undefined) this.ask(place, act);
      return NOTHING;
    }
    const place = this.parts.nodes.get(this.parts.master() ?? '');
    if (place === undefined) return NOTHING;
    const { process, agent } = place.run;
    process.deliver(() => agent.orders.give({ order: act.kind === 'master_stopped' ? 'stop' : 'disable' }));
    if (act.kind === 'master_stopped') return () => place.startAgent();
    return () => place.run.process.deliver(() => place.run.agent.orders.give({ order: 'enable' }));
  }

  private ask(place: NodePlace, act: Asking & Fault): void {
    const { run } = place;
    const asker = `operator-${++this.asked}`;
    const { parts } = this;
    let open = true;
    const done: Done = (answer) => {
      open = false;
      parts.answered(asker, answer);
    };
    // Whoever stands still, be it in the middle of a turn, or whose machine sleeps, has all of its time from then on.
    const overdue = (fromMs: number): void => {
      if (!open || place.run !== run || !run.process.alive || run.leaving) return;
      const { nowMs } = parts.scheduler;
      const runsSinceMs = run.process.frozen ? nowMs : (place.agentRunsSinceMs ?? nowMs);
      if (runsSinceMs <= fromMs) return parts.unanswered(asker);
      parts.scheduler.after(runsSinceMs + parts.answerMs - nowMs, () => overdue(runsSinceMs));
    };
    run.process.deliver(() => {
      request(run, { act, asker, done });
      const askedMs = parts.scheduler.nowMs;
      parts.scheduler.after(parts.answerMs, () => overdue(askedMs));
    });
  }
}

/** As the HTTP interface would ask this agent. */
function request(run: AgentRun, { act, asker, done }: { act: Asking & Fault; asker: string; done: Done }): void {
  const { agent, clock } = run;
  switch (act.kind) {
    case 'order_switchover': {
      const scheduledAt = act.aheadMs === 0 ? null : Math.round(clock.wallNow() + act.aheadMs);
      return order(agent, { kind: 'switchover', target: act.to, asker, scheduledAt, force: false, done });
    }
    case 'order_failover':
      return order(agent, { kind: 'failover', target: act.to, asker, scheduledAt: null, force: act.force, done });
    case 'order_reinitialize':
      return order(agent, { kind: 'reinitialize', target: act.to, asker, scheduledAt: null, force: act.force, done });
    case 'order_cancelled':
      return agent.orders.cancel(done);
    case 'service_paused':
      return agent.orders.pause({ owner: asker, reason: 'maintenance', forMs: Math.round(act.forMs) }, done);
    case 'service_resumed':
      return agent.orders.resume(done);
  }
}

interface OrderAsked {
  readonly kind: OperationKind;
  readonly target: string | null;
  readonly asker: string;
  readonly scheduledAt: number | null;
  readonly force: boolean;
  readonly done: Done;
}

function order(agent: Agent, { done, ...asked }: OrderAsked): void {
  agent.orders.operate({ ...asked, from: null }, done);
}
