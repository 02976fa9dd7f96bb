/**
 * Orders that are given to one agent over HTTP: it takes them from its own host alone, stores them, and answers when
 * they ended. If it falls silent on the way, it (or the one that is started in its place) is asked for the result.
 */
import type { OperationResult } from '../../contract/operations.ts';
import type { Io } from '../io.ts';
import { getJson } from '../live.ts';
import type { Target } from '../../peers/exchange.ts';
import { order } from '../order.ts';
import type { OrderResult } from '../order.ts';
import type { Desk, Ended, WantedOrder, WantedPause } from './desk.ts';

/** How long an agent that fell silent is asked for the result: its successor reads the records within seconds. */
const ASK_AGAIN_MS = 15_000;
const ASK_EVERY_MS = 250;
const MS_PER_S = 1000;

export class AgentDesk implements Desk {
  readonly #agent: Target;
  readonly #io: Pick<Io, 'clock' | 'whoami'>;

  constructor(agent: Target, io: Pick<Io, 'clock' | 'whoami'>) {
    this.#agent = agent;
    this.#io = io;
  }

  async give({ kind, target, from = null, scheduledAt = null, force = false }: WantedOrder): Promise<Ended> {
    const asker = this.#io.whoami;
    const before = (await this.#lastOperation())?.id ?? null;
    const bodies = {
      switchover: {
        leader: from,
        candidate: target,
        scheduled_at: scheduledAt === null ? null : new Date(scheduledAt).toISOString(),
      },
      failover: { candidate: target, acknowledge_loss: force },
      reinitialize: { node: target, force },
      forget: { node: target },
    };
    const answer = await order(this.#agent, `/${kind}`, { body: { ...bodies[kind], asker } });
    const ended = endedOf(answer);
    if (ended.ended !== 'unknown') return ended;
    const beganMs = this.#io.clock.now();
    while (this.#io.clock.now() - beganMs < ASK_AGAIN_MS) {
      const last = await this.#lastOperation();
      if (last !== null && last.id !== before && last.kind === kind && last.asker === asker) {
        return { ended: 'result', result: last };
      }
      await new Promise<void>((resolve) => this.#io.clock.after(ASK_EVERY_MS, resolve));
    }
    return ended;
  }

  async #lastOperation(): Promise<OperationResult | null> {
    const asked = await getJson(this.#agent, '/v1/view');
    const view = asked.ok ? (asked.value as { readonly lastOperation?: OperationResult | null }) : {};
    return view.lastOperation ?? null;
  }

  async cancel(): Promise<Ended> {
    return endedOf(await order(this.#agent, '/switchover', { method: 'DELETE', body: { asker: this.#io.whoami } }));
  }

  async pause({ owner, reason, forMs }: WantedPause): Promise<Ended> {
    const body = { owner, reason, for_s: Math.ceil(forMs / MS_PER_S) };
    return endedOf(await order(this.#agent, '/pause', { body }));
  }

  async resume(): Promise<Ended> {
    return endedOf(await order(this.#agent, '/resume', { body: { asker: this.#io.whoami } }));
  }
}

function endedOf(answer: OrderResult): Ended {
  if (!answer.ok) {
    const { code, details = [] } = answer.failure;
    if (code === 'agent_unreachable' || code === 'not_allowed' || code === 'not_an_agent') {
      return { ended: 'not_given', code, why: details.join('; ') };
    }
    const { reason, result } = answer;
    if (result !== undefined) return { ended: 'result', result };
    if (reason !== undefined) return { ended: 'refused', reason };
    return { ended: 'unknown', why: details.join('; ') };
  }
  if (answer.scheduled !== undefined) return { ended: 'scheduled', id: answer.scheduled };
  return answer.result === undefined ? { ended: 'done' } : { ended: 'result', result: answer.result };
}
