/**
 * A whole service in one process: several agents, their Redises and one ensemble, all of them models, all in order.
 *
 * What one agent decides is carried out at once and read by all of them, so a scenario can be told in sentences:
 * kill, let time pass, look who is master. After every single action the village checks what must hold across
 * agents: no epoch is claimed twice, and no two Redises take writes. `interrupt` is asked before every action and may
 * end the agent that decided it: that is how "a crash between every two actions" is tried.
 */
import type { FailsafeAnswer, FailsafeQuestion } from '../../contract/failsafe.ts';
import type { OperationAnswer } from '../../contract/operations.ts';
import type { Action } from '../actions.ts';
import type { Input } from '../inputs.ts';
import type { Address } from '../records.ts';
import type { Settings, State } from '../state.ts';
import { initialState } from '../state.ts';
import { step } from '../step.ts';
import { peersWanted, wanted } from '../wanted.ts';
import { Ensemble } from './ensemble.ts';
import { outcomeOf } from './outcomes.ts';
import { RedisModel } from './redis-model.ts';
import { START_MS, T_MS, redisOf, settings } from './world.ts';

/** Time passes in steps of this length; each agent looks around once per step. */
const STEP_MS = 5;
/** Longer steps once nobody did anything but heartbeats for a while. */
const QUIET_STEP_MS = 50;
const QUIET_AFTER_MS = 300;
/** More actions than any scenario needs at one moment: a decision that repeats itself without end. */
const ACTIONS_AT_ONCE_MAX = 500;

const bigText = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);

export interface Inhabitant {
  readonly name: string;
  state: State;
  alive: boolean;
  /** Count of starts, for the instance id. */
  starts: number;
  session: bigint;
  readonly inbox: Input[];
  /** Cut off from the ensemble. */
  cutOff: boolean;
  /** No question reaches it, and none of its own leaves. */
  deaf: boolean;
  /** The remote Redis that it is connected to. */
  remote: RedisModel | null;
  readonly peersUp: Map<string, string>;
}

export class Village {
  nowMs = START_MS;
  readonly ensemble = new Ensemble();
  readonly redises = new Map<string, RedisModel>();
  readonly inhabitants = new Map<string, Inhabitant>();
  /** Every action that was carried out, in order. */
  readonly journal: { readonly by: string; readonly action: Action }[] = [];
  readonly epochs: number[] = [];
  /** Copies that were made. */
  readonly rescues: { readonly node: string; readonly offset: number }[] = [];
  /** Code with which every rescue fails, or null. */
  rescueFails: string | null = null;
  /** Asked before each action; `true` ends the agent instead of carrying it out. */
  interrupt: (by: string, action: Action) => boolean = () => false;
  /** What callers were answered, by the id of what they asked. */
  readonly operations = new Map<string, OperationAnswer>();
  /** By how much the time of day is ahead of the monotonic clock. */
  wallLeadMs = 1_000_000;
  /** What agents answered to questions for a promise, by the number of the question. */
  readonly promises = new Map<number, FailsafeAnswer>();
  private questions = 0;
  /** The whole ensemble is away. */
  private isDown = false;
  private readonly change: Partial<Settings>;
  private busyAtMs = START_MS;
  /** Sessions that nobody keeps alive any more, and when the ensemble ends them. */
  private readonly dying = new Map<bigint, number>();

  constructor(names: readonly string[], change: Partial<Settings> = {}) {
    this.change = change;
    for (const name of names) this.redises.set(name, new RedisModel(name));
    for (const name of names) this.start(name);
  }

  redis(name: string): RedisModel {
    const found = this.redises.get(name);
    if (found === undefined) throw new Error(`no Redis ${name}`);
    return found;
  }

  agent(name: string): Inhabitant {
    const found = this.inhabitants.get(name);
    if (found === undefined) throw new Error(`no agent ${name}`);
    return found;
  }

  /** Starts the agent of a node, or starts it again with nothing in its memory. */
  start(name: string): void {
    const starts = (this.inhabitants.get(name)?.starts ?? 0) + 1;
    const own = settings(name, { ...this.change, instance: `${name}-${starts}` });
    const state = initialState(own, this.nowMs);
    const session = this.ensemble.connect();
    const common = { alive: true, cutOff: this.isDown, deaf: false, inbox: [], remote: null };
    const fresh: Inhabitant = { ...common, name, state, starts, session, peersUp: new Map() };
    this.inhabitants.set(name, fresh);
    if (!this.isDown) this.readEverything(fresh);
  }

  private readEverything({ inbox, session, state: { records } }: Inhabitant): void {
    inbox.push({ kind: 'session_connected', sessionId: session, timeoutMs: T_MS });
    inbox.push({ kind: 'time_of_day', wallMs: this.nowMs + this.wallLeadMs });
    for (const record of ['members', 'nodes', 'ballots'] as const) {
      for (const name of records[record].keys()) {
        inbox.push({ kind: 'record_read', read: this.ensemble.readAgain({ record, name, kept: null }) });
      }
    }
    for (const read of this.ensemble.readAll()) inbox.push({ kind: 'record_read', read });
    inbox.push({ kind: 'records_synced' });
  }

  /** The agent's process dies; its session lives on for T, or for as long as is said. */
  killAgent(name: string, sessionLivesMs = T_MS): void {
    const agent = this.agent(name);
    agent.alive = false;
    this.dying.set(agent.session, this.nowMs + sessionLivesMs);
  }

  /** The agent loses the ensemble, or finds it again; its session ends after T without it. */
  cutOff(name: string, cutOff = true): void {
    const agent = this.agent(name);
    agent.cutOff = cutOff;
    if (cutOff) {
      agent.inbox.push({ kind: 'session_disconnected' });
      this.dying.set(agent.session, this.nowMs + T_MS);
      return;
    }
    if (this.dying.delete(agent.session)) return this.readEverything(agent);
    agent.inbox.push({ kind: 'session_expired' });
    agent.session = this.ensemble.connect();
    this.readEverything(agent);
  }

  /** The whole ensemble goes away. No session ends while it is. */
  ensembleDown(): void {
    this.isDown = true;
    for (const agent of this.inhabitants.values()) {
      agent.cutOff = true;
      agent.inbox.push({ kind: 'session_disconnected' });
    }
  }

  /**
   * It is back, with the sessions it had, or with none of them, or without any record. Agents find it one by one: each
   * call of the returned function lets in whom it names.
   */
  ensembleBack(sessions: 'kept' | 'expired' | 'wiped'): (...names: readonly string[]) => void {
    this.isDown = false;
    if (sessions === 'wiped') this.ensemble.wipe();
    if (sessions === 'expired') for (const { session } of this.inhabitants.values()) this.ensemble.expire(session);
    return (...names) => {
      for (const name of names) this.letIn(this.agent(name), sessions !== 'kept');
    };
  }

  private letIn(agent: Inhabitant, anew: boolean): void {
    agent.cutOff = false;
    if (anew) {
      if (agent.state.session !== null) agent.inbox.push({ kind: 'session_expired' });
      agent.session = this.ensemble.connect();
    }
    this.readEverything(agent);
  }

  private expireSessions(): void {
    if (this.isDown) return;
    for (const [session, atMs] of this.dying) {
      if (atMs > this.nowMs) continue;
      this.dying.delete(session);
      this.ensemble.expire(session);
    }
  }

  /** The process of a Redis dies and its port refuses. */
  killRedis(name: string): void {
    this.redis(name).alive = false;
  }

  order(name: string, order: Extract<Input, { kind: 'order' }>['order']): void {
    this.agent(name).inbox.push({ kind: 'time_of_day', wallMs: this.nowMs + this.wallLeadMs });
    this.agent(name).inbox.push({ kind: 'order', order });
  }

  /** The answer of one agent to the question of another; null where they do not reach one another. */
  question(asker: Inhabitant, asked: Inhabitant | undefined, question: FailsafeQuestion): FailsafeAnswer | null {
    if (asked?.alive !== true || asked.deaf || asker.deaf) return null;
    const id = ++this.questions;
    asked.inbox.push({ kind: 'failsafe_asked', id, question });
    this.work(asked);
    return this.promises.get(id) ?? null;
  }

  /** Lets time pass. Everybody looks around in every step. */
  pass(ms: number): this {
    const untilMs = this.nowMs + ms;
    this.busyAtMs = this.nowMs;
    while (this.nowMs < untilMs) {
      const quiet = this.nowMs - this.busyAtMs >= QUIET_AFTER_MS;
      this.nowMs = Math.min(untilMs, this.nowMs + (quiet ? QUIET_STEP_MS : STEP_MS));
      this.expireSessions();
      for (const redis of this.redises.values()) redis.replicate((at) => this.at(at), this.nowMs);
      for (const inhabitant of this.inhabitants.values()) if (inhabitant.alive) this.lookAround(inhabitant);
      this.publish();
    }
    return this;
  }

  /** The masters that take writes now: their names, sorted. */
  writable(): readonly string[] {
    const all = [...this.redises.values()];
    const replicasOf = (redis: RedisModel): number => all.filter((each) => each.streamsFrom(redis)).length;
    const takes = (redis: RedisModel): boolean => redis.takesWrites(replicasOf(redis));
    return all.filter(takes).map((redis) => redis.name);
  }

  roles(): Record<string, string> {
    return Object.fromEntries(
      [...this.inhabitants.values()].map((i) => [i.name, i.alive ? i.state.role.name : 'dead']),
    );
  }

  /** What each living Redis follows: a name, `nobody` for a frozen one, `itself` for a master. */
  followed(): Record<string, string> {
    const living = [...this.redises.values()].filter((redis) => redis.alive);
    return Object.fromEntries(living.map((redis) => [redis.name, this.followedBy(redis)]));
  }

  private followedBy(redis: RedisModel): string {
    if (redis.target === null) return 'itself';
    return this.at(redis.target)?.name ?? 'nobody';
  }

  private lastDeeds(): string {
    return this.journal.slice(-12).map(({ by, action }) => `${by}:${JSON.stringify(action, bigText)}`).join(' ');
  }

  /** What one agent did, without the talk. */
  deeds(name: string): readonly string[] {
    const own = this.journal.filter(({ by, action }) => by === name && action.kind !== 'report');
    return own.map(({ action }) => action.kind);
  }

  private at(address: Address): RedisModel | undefined {
    return [...this.redises.values()].find(({ name }) => redisOf(name).host === address.host && address.port !== 1);
  }

  private lookAround(inhabitant: Inhabitant): void {
    const own = this.redis(inhabitant.name);
    inhabitant.inbox.push(...own.seenBy(inhabitant, 'own').map((event): Input => ({ kind: 'own_redis', event })));
    this.watchRemote(inhabitant);
    const seen = inhabitant.remote?.seenBy(inhabitant, 'remote') ?? [];
    inhabitant.inbox.push(...seen.map((event): Input => ({ kind: 'remote_redis', event })));
    this.lookForPeers(inhabitant);
    inhabitant.inbox.push({ kind: 'tick' });
    this.work(inhabitant);
  }

  /** Keeps one connection to the remote Redis that the core wants to see; a new target is a new connection. */
  private watchRemote(inhabitant: Inhabitant): void {
    const target = wanted(inhabitant.state).remote;
    const remote = target === null ? null : (this.at(target) ?? null);
    if (remote === inhabitant.remote) return;
    inhabitant.remote?.hangUp(inhabitant, 'remote');
    inhabitant.remote = remote;
  }

  private lookForPeers(inhabitant: Inhabitant): void {
    for (const { name, instance } of peersWanted(inhabitant.state)) {
      const other = this.inhabitants.get(name);
      const lives = other?.alive === true && other.state.settings.instance === instance;
      const wasUp = inhabitant.peersUp.get(name) === instance;
      if (lives && !wasUp) {
        inhabitant.peersUp.set(name, instance);
        inhabitant.inbox.push({ kind: 'peer', name, event: { peer: 'up', instance } });
      }
      if (lives || inhabitant.state.peers.get(name)?.instance !== instance) continue;
      if (wasUp) inhabitant.inbox.push({ kind: 'peer', name, event: { peer: 'ended', proving: true } });
      inhabitant.peersUp.delete(name);
      if (other?.alive !== true) inhabitant.inbox.push({ kind: 'peer', name, event: { peer: 'refused' } });
    }
  }

  /** Everybody reads what changed in the ensemble. */
  private publish(): void {
    for (let round = 0; round < ACTIONS_AT_ONCE_MAX; round++) {
      const news = this.ensemble.takeNews();
      if (news.length === 0) return;
      for (const inhabitant of this.inhabitants.values()) {
        if (!inhabitant.alive || inhabitant.cutOff) continue;
        inhabitant.inbox.push({ kind: 'time_of_day', wallMs: this.nowMs + this.wallLeadMs });
        for (const read of news) inhabitant.inbox.push({ kind: 'record_read', read: this.ensemble.readAgain(read) });
        this.work(inhabitant);
      }
    }
    throw new Error('the records never come to rest');
  }

  private work(inhabitant: Inhabitant): void {
    let actions = 0;
    for (let input = inhabitant.inbox.shift(); input !== undefined; input = inhabitant.inbox.shift()) {
      const { state, actions: decided } = step(inhabitant.state, input, this.nowMs);
      inhabitant.state = state;
      this.watchRemote(inhabitant);
      for (const action of decided) {
        const repeats = ++actions > ACTIONS_AT_ONCE_MAX;
        if (repeats) throw new Error(`${inhabitant.name} repeats ${action.kind}: ${this.lastDeeds()}`);
        if (!inhabitant.alive) return;
        if (action.kind !== 'report' && this.interrupt(inhabitant.name, action)) return this.killAgent(inhabitant.name);
        this.perform(inhabitant, action);
      }
    }
  }

  private perform(inhabitant: Inhabitant, action: Action): void {
    this.journal.push({ by: inhabitant.name, action });
    if (action.kind !== 'heartbeat') this.busyAtMs = this.nowMs;
    const outcome = outcomeOf(this, inhabitant, action);
    this.checkAcrossAgents(action);
    if (outcome === null) return;
    // What an action changed is read before its answer, on the same connection.
    const own = this.redis(inhabitant.name);
    for (const event of own.seenBy(inhabitant, 'own')) inhabitant.inbox.push({ kind: 'own_redis', event });
    for (const event of inhabitant.remote?.seenBy(inhabitant, 'remote') ?? []) {
      inhabitant.inbox.push({ kind: 'remote_redis', event });
    }
    const news = inhabitant.cutOff ? [] : this.ensemble.news();
    for (const read of news) inhabitant.inbox.push({ kind: 'record_read', read });
    inhabitant.inbox.push({ kind: 'action_done', id: action.id, outcome });
  }

  private checkAcrossAgents(action: Action): void {
    const lease = this.ensemble.records.lease?.value;
    if (action.kind === 'claim' && lease?.epoch === action.lease.epoch && lease.instance === action.lease.instance) {
      const { epoch } = action.lease;
      if (epoch <= Math.max(0, ...this.epochs)) throw new Error(`epoch ${epoch} was claimed again`);
      this.epochs.push(epoch);
    }
    if (this.ensemble.records.term === null) return;
    const writable = this.writable();
    if (writable.length > 1) throw new Error(`${writable.join(' and ')} take writes after ${action.kind}`);
  }
}
