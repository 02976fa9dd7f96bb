/**
 * I5: the last good copy is never wiped, nothing empty is promoted while somebody has the data, and what a full sync
 * discards of acknowledged writes is somewhere else: on another server, or in a copy. Behind the sync fence no process
 * hands out anything before a record named it master, whether or not anybody guards who asks.
 */
import type { Checker, Committed, NodeSight, Overview, Sight } from './checker.ts';
import { missing } from './datasets.ts';
import { Forced } from './forced.ts';
import { ToldToTakePart } from './told-to-take-part.ts';

type Replaced = Extract<Sight, { saw: 'replaced' }>;

/** From the start or the thaw of an agent until it has seen its Redis and the records. */
const FIRST_LOOK_MS = 500;
/** From the thaw of a Redis until the commands that waited in its sockets, and the next look, were served. */
const FIRST_COMMAND_MS = 100;
/** A single write is less than what is called a loss (200 bytes). */
const WRITES_OF_NO_ACCOUNT = 1;
/** A full sync may have been asked for before the agent had read the records, or was told to look after its Redis. */
const ASKED_BEFORE_MS = 2000;
/** Until the agent of a node that the ensemble hears has cast its ballot. */
const BALLOT_MS = 2000;
/** A copy that failed twice is done without, in the default mode. */
const GAVE_UP_MS = 10_000;

/** A `repl-diskless-sync-delay` that no run outlasts. */
const SYNC_FENCE_SECONDS = 3600;

export class NeverWipe implements Checker {
  /** The process that was master last, by the records: also while there is no lease, or no record at all. */
  private recordedRunId: string | null = null;
  private readonly everRecorded = new Set<string>();
  /** The one before, and since when it is not any more. */
  private former: { readonly runId: string | null; readonly untilMs: number } = { runId: null, untilMs: 0 };
  /** Since when nobody holds the lease, or held it before the present holder. */
  private vacantSinceMs = Number.NEGATIVE_INFINITY;
  /** When each node last said that a copy failed. */
  private readonly failedMs = new Map<string, number>();
  private readonly forced = new Forced();
  private readonly told = new ToldToTakePart();

  see(sight: Sight, world: Overview): void {
    this.forced.see(sight);
    this.told.see(sight, world);
    if (sight.saw === 'committed') this.records(sight.before, sight.after, world.nowMs);
    if (sight.saw === 'said' && sight.event === 'rescue_failed') this.failedMs.set(sight.node, world.nowMs);
    if (sight.saw === 'promoted') this.promoted(sight.node, world);
    if (sight.saw !== 'replaced') return;
    this.opened(sight, world);
    if (!isGuarded(sight.node, world)) return;
    this.replaced(sight, world);
    this.discarded(sight, world);
  }

  private records(before: Committed, { lease, term }: Committed, nowMs: number): void {
    if (before.lease !== null && lease === null) this.vacantSinceMs = nowMs;
    for (const runId of [term?.master?.runId, lease?.runId]) if (runId !== undefined) this.everRecorded.add(runId);
    const runId = lease?.runId ?? term?.master?.runId ?? this.recordedRunId;
    if (runId === this.recordedRunId) return;
    this.former = { runId: this.recordedRunId, untilMs: nowMs };
    this.recordedRunId = runId;
  }

  private opened({ node, fromRunId }: Replaced, world: Overview): void {
    if (world.plan.disklessDelaySeconds < SYNC_FENCE_SECONDS || this.everRecorded.has(fromRunId)) return;
    world.violated('I5', `${node} copied behind the sync fence from a process that no record ever named master`);
  }

  private replaced({ node, had, gets, fromRunId }: Replaced, world: Overview): void {
    const { recordedRunId: recorded, former } = this;
    if (had.size === 0 || recorded === null || recorded === fromRunId) return;
    const agent = world.nodes.get(node)?.agent ?? null;
    // The ensemble forgot every master before this agent began.
    if (world.committed.term === null && agent?.rememberedEpoch === 0) return;
    // The ensemble has not heard it since: of the master that follows it cannot know yet.
    const heardMs = agent?.heardSentMs ?? world.nowMs;
    if (fromRunId === former.runId && heardMs < former.untilMs) return;
    const what = gets.size === 0 ? 'an empty' : 'another';
    world.violated('I5', `${node} replaced its data by ${what} dataset from a process that is not the recorded master`);
  }

  /** It was left out until a moment ago, in which the claim may have been. */
  private enabledLately(node: string, { nowMs }: Overview): boolean {
    return nowMs - (this.told.lastMs(node) ?? Number.NEGATIVE_INFINITY) < BALLOT_MS;
  }

  private discarded({ node, had, gets }: Replaced, world: Overview): void {
    const { nowMs } = world;
    if (nowMs - (this.failedMs.get(node) ?? Number.NEGATIVE_INFINITY) < GAVE_UP_MS) return;
    const lookedSinceMs = Math.max(this.told.lastMs(node) ?? 0, world.nodes.get(node)?.agentRunsSinceMs ?? nowMs);
    // A service without a term has no lineage that data could be outside of.
    if (nowMs - lookedSinceMs < ASKED_BEFORE_MS || world.committed.term === null) return;
    let lost = missing(gets, had).filter((id) => world.acknowledged.has(id));
    for (const { name, redis, rescued, twins } of world.nodes.values()) {
      if (lost.length <= WRITES_OF_NO_ACCOUNT) return;
      const copies = [...rescued, ...twins.map(({ data }) => data)];
      const elsewhere = redis === null || name === node ? copies : [...copies, redis.data];
      for (const data of elsewhere) lost = lost.filter((id) => !data.has(id));
    }
    if (lost.length <= WRITES_OF_NO_ACCOUNT) return;
    world.violated('I5', `${node} discarded ${lost.length} acknowledged writes that nobody else has, without a copy`);
  }

  private promoted(name: string, world: Overview): void {
    const redis = world.nodes.get(name)?.redis ?? null;
    const term = world.committed.term;
    if (redis === null || redis.data.size > 0 || term === null) return;
    // Without an office and fenced it serves nobody: a replica is made to copy everything anew like that.
    if (world.committed.lease?.node !== name && !redis.acknowledges) return;
    for (const other of world.nodes.values()) {
      const data = other.redis?.data;
      if (other.name === name || data === undefined || data.size === 0 || !term.nodes.includes(other.name)) continue;
      // Whose copy an operator gives up is up to the operator, and a second agent of its name speaks for another Redis;
      // but not where its agent says that it is there.
      const isGivenUp = this.forced.was(name) || other.twins.length > 0;
      if (isGivenUp && (this.enabledLately(other.name, world) || !this.hasBallot(other, world.nowMs))) continue;
      world.violated('I5', `${name} was promoted empty while ${other.name} holds ${data.size} keys`);
      return;
    }
  }

  /**
   * Whose name another agent holds says nothing in that name, dead as that one may be until its session ends; whose
   * Redis does not answer does not know, and whom the ensemble has not heard since the office is vacant has not been
   * able to say it.
   */
  private hasBallot({ agent, agentRunsSinceMs, redisServesSinceMs, twins }: NodeSight, nowMs: number): boolean {
    if (agentRunsSinceMs === null || agent?.enabled !== true || agent.stopping) return false;
    if (redisServesSinceMs === null) return false;
    if (agent.reasons.includes('duplicate_node_name')) return false;
    if (twins.length > 0 && agent.reasons.includes('awaiting_session_end')) return false;
    if (agent.connectedSinceMs === null || agent.heardSentMs < this.vacantSinceMs) return false;
    return nowMs - agent.connectedSinceMs > BALLOT_MS;
  }
}

/** Nobody guards a Redis whose agent does not run, or has just begun to, or was told to leave it alone. */
function isGuarded(node: string, world: Overview): boolean {
  const { agentRunsSinceMs = null, redisServesSinceMs = null, agent = null } = world.nodes.get(node) ?? {};
  // Whose name another agent holds touches nothing.
  const twin = agent?.reasons.includes('duplicate_node_name') === true;
  const leaves = agent === null || agent.stopping || !agent.enabled || twin;
  // The master's host vanished without a word, and is back before anybody has looked again.
  if (agent?.trustsLink === true) return false;
  // Stopped or paused until a moment ago, it did what its replication link said before it read any command.
  if (leaves || redisServesSinceMs === null || world.nowMs - redisServesSinceMs < FIRST_COMMAND_MS) return false;
  return agentRunsSinceMs !== null && world.nowMs - agentRunsSinceMs >= FIRST_LOOK_MS;
}
