/**
 * I10, orders: each is carried out at most once and never after its deadline, ends in exactly one result that is true,
 * and whoever asked for it is told that result.
 *
 * All of it is read from what was committed: a switchover is carried out by the transaction that names who hands over
 * to whom, other orders by the one that marks them as running. Who is master of an epoch is known from its lease and
 * from the Redis that was promoted under it.
 */
import type { OperationAnswer, OperationResult } from '../../src/contract/operations.ts';
import { ORDER_WITHIN_MS } from '../../src/core/operations/records.ts';
import type { OrderRecord } from '../../src/core/operations/records.ts';
import type { Checker, Committed, Overview, Sight } from './checker.ts';
import { ToldToTakePart } from './told-to-take-part.ts';

/** Clocks of agents run up to five per cent slow. */
const SLOWEST_CLOCK = 0.95;
/** An order that nobody ends is ended by whoever saw it stand so long behind its deadline. */
const LEFT_BEHIND_MS = 10_000;
/** Reading a record and writing another one, in a service in which everything works. */
const WRITING_MS = 2000;
/** A fence is seen, and a promotion: rounding, and the way of the answers. */
const ROUNDING_MS = 1;

interface Story {
  readonly order: OrderRecord;
  readonly storedMs: number;
  /** When it was carried out: there may be one such moment. */
  beganMs: number | null;
  endedBy: OperationResult | null;
}

interface Tenure {
  readonly node: string;
  promotedMs: number | null;
}

export class OrdersEndOnce implements Checker {
  private readonly stories = new Map<string, Story>();
  private readonly tenures = new Map<number, Tenure>();
  private readonly told = new ToldToTakePart();
  /** Processes of agents that were told to stop, which nobody takes back. */
  private readonly toldToStop = new Set<string>();
  /** Processes of agents that were told to keep out, and not told to take part again before they gave anything away. */
  private readonly toldToLeave = new Set<string>();
  /** Orders whose target left its master's history, by order of its agent. */
  private readonly renewed = new Map<string, string>();
  /** Those of them whose target could take over since. */
  private readonly couldTakeOver = new Set<string>();
  private healedMs: number | null = null;

  see(sight: Sight, world: Overview): void {
    this.told.see(sight, world);
    for (const [id, node] of this.renewed) if (mayTakeOver(node, world)) this.couldTakeOver.add(id);
    if (sight.saw === 'committed') this.committed(sight.before, sight.after, world);
    if (sight.saw === 'wiped') this.forget();
    if (sight.saw === 'promoted') this.promoted(sight.node, world);
    if (sight.saw === 'said') this.said(sight, world);
    if (sight.saw === 'answered') this.answered(sight.asker, sight.answer, world);
    if (sight.saw === 'unanswered') world.violated('I10', `${sight.asker} was never answered`);
    if (sight.saw === 'healed') this.healedMs = world.nowMs;
    if (sight.saw === 'time') this.standsTooLong(world);
  }

  /** Orders went with the records, and callers cannot be told of them. */
  private forget(): void {
    this.stories.clear();
    this.tenures.clear();
  }

  private committed(before: Committed, after: Committed, world: Overview): void {
    const { lease } = after;
    if (lease !== null && lease.czxid !== before.lease?.czxid) {
      this.tenures.set(lease.epoch, { node: lease.node, promotedMs: null });
      // Adopted, or taken back: it is a master already.
      if (world.nodes.get(lease.node)?.redis?.isMaster === true) this.promoted(lease.node, world);
    }
    for (const [id, node] of this.renewed) if (after.term?.inSync.includes(node) === true) this.couldTakeOver.add(id);
    this.handedOver(before, after, world);
    this.changed(before.order, after, world);
    this.ended(before, after, world);
  }

  private promoted(node: string, { committed: { lease }, nowMs }: Overview): void {
    const tenure = lease === null ? undefined : this.tenures.get(lease.epoch);
    if (tenure?.node === node) tenure.promotedMs ??= nowMs;
  }

  /**
   * It needs no order for that. A process that was told to leave may be killed, and be followed by another one, while
   * its release is still on its way through the ensemble.
   */
  private leavesItself(node: string, holder: string, world: Overview): boolean {
    const isGone = world.nodes.get(node)?.agent?.instance !== holder;
    if (this.toldToStop.has(holder) || (isGone && this.toldToLeave.has(holder))) return true;
    return leaves(node, world) || this.leftBefore(node, world);
  }

  /** It was told to take part again while its release was on its way: that goes through, and it stands as others do. */
  private leftBefore(node: string, world: Overview): boolean {
    const toldMs = this.told.lastMs(node);
    const agent = world.nodes.get(node)?.agent ?? null;
    if (agent === null || toldMs === undefined) return false;
    const isFresh = world.nowMs - toldMs < world.plan.sessionTimeoutMs;
    // Back in office, but fenced until it has renewed its lease: until then that release may still come.
    return agent.looseRelease || (agent.role === 'stepping_down' && isFresh);
  }

  private said({ node, event, fields }: Extract<Sight, { saw: 'said' }>, world: Overview): void {
    const told = world.nodes.get(node)?.agent;
    if (event === 'disabled' && told !== null && told !== undefined) this.toldToLeave.add(told.instance);
    const stays = event === 'enabled' && told?.looseRelease === false && told.role !== 'stepping_down';
    if (stays) this.toldToLeave.delete(told.instance);
    if (event === 'agent_stopping' && told !== null && told !== undefined) this.toldToStop.add(told.instance);
    if (event === 'reinitialized' && typeof fields['id'] === 'string') this.renews(node, fields['id'], world);
  }

  private renews(node: string, id: string, world: Overview): void {
    const sight = world.nodes.get(node);
    const { order } = world.committed;
    if (this.renewed.has(id)) world.violated('I10', `${node} carried out an order to copy anew twice`);
    // A second agent of the target's name acts in its name, on its Redis or on one that nobody looks at.
    this.renewed.set(id, sight === undefined ? (order?.target ?? node) : node);
    if (sight === undefined) return;
    if (order?.id !== id || order.instance === sight.agent?.instance) return;
    world.violated('I10', `${node} copies anew for an order that its agent has not begun`);
  }

  /**
   * A master gave its office to one node. The transaction of a switchover marks its order as running; without one the
   * master leaves, because its agent stops or an operator disabled its node.
   */
  private handedOver(before: Committed, after: Committed, world: Overview): void {
    const planned = after.term?.handOver ?? null;
    const stood = before.term?.handOver ?? null;
    if (planned === null || stood !== null || before.lease === null || after.lease !== null) return;
    const story = begunBetween(before, after) ? this.stories.get(before.order?.id ?? '') : undefined;
    if (story === undefined && this.leavesItself(planned.from.name, before.lease.instance, world)) return;
    if (story?.order.kind !== 'switchover') {
      return world.violated('I10', `${planned.from.name} handed over to ${planned.to} without an order`);
    }
    const { target, id } = story.order;
    if (target !== null && target !== planned.to) {
      world.violated('I10', `${planned.from.name} handed over to ${planned.to}, ordered was ${target}`);
    }
    this.begins(story, `the switchover ${id}`, world);
  }

  private begins(story: Story, what: string, world: Overview): void {
    if (story.beganMs !== null) return world.violated('I10', `${what} was carried out twice`);
    story.beganMs = world.nowMs;
    if (story.endedBy !== null) world.violated('I10', `${what} was carried out after it had ended`);
    const { order, storedMs } = story;
    // Times of day are as good as the clocks; what is due later is judged where nobody set them.
    if (order.scheduledAt !== null) return;
    const untilMs = storedMs + (ORDER_WITHIN_MS + world.plan.sessionTimeoutMs) / SLOWEST_CLOCK;
    if (world.nowMs <= untilMs) return;
    world.violated('I10', `${what} was carried out ${(world.nowMs - storedMs).toFixed(0)} ms after it was given`);
  }

  /** The one order that stands: a new one, one that begins, or one that goes. */
  private changed(before: OrderRecord | null, { order, results }: Committed, world: Overview): void {
    if (order === before) return;
    if (before !== null && order?.id !== before.id && !results.some(({ id }) => id === before.id)) {
      world.violated('I10', `the order of ${before.asker} is gone without a result`);
    }
    if (order === null) return;
    const story = this.stories.get(order.id);
    if (story === undefined) {
      this.stories.set(order.id, { order, storedMs: world.nowMs, beganMs: null, endedBy: null });
      return;
    }
    if (before?.phase === 'running' && (order.phase !== 'running' || order.instance !== before.instance)) {
      world.violated('I10', `the order of ${order.asker} was begun by somebody else once more`);
    }
    const begins = before?.phase === 'waiting' && order.phase === 'running';
    if (begins && order.kind !== 'switchover') this.begins(story, `the ${order.kind} ${order.id}`, world);
  }

  private ended(before: Committed, after: Committed, world: Overview): void {
    if (before.results === after.results) return;
    const known = new Set(before.results.map(({ id }) => id));
    for (const result of after.results) {
      if (known.has(result.id)) continue;
      const story = this.stories.get(result.id);
      if (story === undefined) world.violated('I10', `a result of ${result.asker}, who asked for nothing`);
      else if (story.endedBy !== null) world.violated('I10', `the order of ${result.asker} has two results`);
      else {
        story.endedBy = result;
        this.isTrue(story, result, world);
      }
    }
  }

  private isTrue(story: Story, result: OperationResult, world: Overview): void {
    const { outcome, kind, asker } = result;
    const wrong = outcome === 'done' ? this.notDone(story, result, world) : notUndone(story, result);
    if (wrong !== null) world.violated('I10', `${kind} of ${asker}: ${outcome}, but ${wrong}`);
  }

  private notDone({ order, beganMs }: Story, result: OperationResult, { nodes, plan }: Overview): string | null {
    const { kind, target, epoch, gapMs } = result;
    if (kind === 'forget') return null;
    if (beganMs === null) return 'it was never carried out';
    if (kind === 'reinitialize') {
      if (this.renewed.get(order.id) !== target) return 'nothing was copied anew';
      return this.couldTakeOver.has(order.id) ? null : `${target} was not in sync again`;
    }
    // A twin's Redis is another server, whose promotion is not looked at.
    if ((nodes.get(target ?? '')?.twins.length ?? 0) > 0) return null;
    const tenure = this.tenures.get(epoch);
    if (tenure?.node !== target) return `${target} was not master in epoch ${epoch}`;
    const { promotedMs } = tenure;
    if (promotedMs === null) return `${target} was never promoted in epoch ${epoch}`;
    const trueMs = promotedMs - beganMs;
    const slept = plan.faults.some((fault) => fault.kind === 'host_suspended');
    if (gapMs === null || slept || gapMs / SLOWEST_CLOCK + ROUNDING_MS >= trueMs) return null;
    return `it took ${trueMs.toFixed(1)} ms, not ${gapMs}`;
  }

  private answered(asker: string, answer: OperationAnswer, world: Overview): void {
    const story = [...this.stories.values()].find(({ order }) => order.asker === asker);
    if (answer.answer === 'refused' && story !== undefined) {
      return world.violated('I10', `${asker} was refused, and its order was stored`);
    }
    if (answer.answer !== 'ended') return;
    const result = world.committed.results.find(({ id }) => id === answer.result.id);
    if (result?.asker !== asker || result.outcome !== answer.result.outcome) {
      world.violated('I10', `${asker} was told of a result that is not recorded`);
    }
  }

  /** Once everything works, an order has its result in the time that its deadline leaves it. */
  private standsTooLong(world: Overview): void {
    const story = this.stories.get(world.committed.order?.id ?? '');
    if (story === undefined || this.healedMs === null) return;
    const { askedAt, scheduledAt, asker, withinMs } = story.order;
    const aheadMs = scheduledAt === null ? 0 : Math.max(0, scheduledAt - askedAt);
    const clocksMs = scheduledAt === null ? 0 : wrongBy(world);
    const sinceMs = Math.max(this.healedMs, story.storedMs + aheadMs + clocksMs);
    const untilMs = sinceMs + (withinMs + LEFT_BEHIND_MS) / SLOWEST_CLOCK + WRITING_MS;
    if (world.nowMs <= untilMs || story.endedBy !== null) return;
    story.endedBy = NOBODY;
    world.violated('I10', `the order of ${asker} stands and nobody ends it`);
  }
}

/** What a failover needs is looked at by the node that has begun it. */
function notUndone({ beganMs }: Story, { outcome, kind }: OperationResult): string | null {
  const untouched = outcome === 'cancelled' || (outcome === 'refused' && kind !== 'failover');
  return untouched && beganMs !== null ? 'it was carried out' : null;
}

/** Reported once. */
const NOBODY: OperationResult = {
  id: '', kind: 'switchover', target: null, asker: '', epoch: 0, outcome: 'interrupted', reason: null, gapMs: null,
  master: null, endedAt: null,
};

/** By how much times of day may be wrong: clocks that run wrong are never set right, and some jump. */
function wrongBy({ plan, nowMs }: Overview): number {
  const jumpsMs = plan.faults.map((fault) => (fault.kind === 'clock_jump' ? Math.abs(fault.byMs) : 0));
  return jumpsMs.reduce((sum, jumpMs) => sum + jumpMs, 0) + (1 / SLOWEST_CLOCK - SLOWEST_CLOCK) * nowMs;
}

/**
 * Its copy is whole and it streams, and the records name it in sync: whether they did so all the time, because the
 * write that takes it out hangs, or do so again.
 */
function mayTakeOver(node: string, { committed: { term }, nodes }: Overview): boolean {
  const redis = nodes.get(node)?.redis ?? null;
  return redis !== null && redis.linkUp && !redis.loading && term?.inSync.includes(node) === true;
}

/** The order that stood was begun by this very transaction. */
function begunBetween(before: Committed, after: Committed): boolean {
  return before.order?.phase === 'waiting' && after.order?.phase === 'running';
}

/** Its agent is gone or about to be, or an operator disabled it: it gives its office away for itself. */
function leaves(node: string, { nodes }: Overview): boolean {
  const agent = nodes.get(node)?.agent ?? null;
  return agent === null || agent.stopping || !agent.enabled;
}
