/**
 * One agent: wires the loop to the outside. The only place that knows the core and the drivers.
 *
 * Follow an event through it: a socket closes in a `RedisWatch`, becomes an input, `step` turns it into actions, and
 * `perform` carries them to ZooKeeper, Redis or the other agents, whose answers become inputs again.
 */
import type { FailsafeAnswer, FailsafeQuestion } from '../contract/failsafe.ts';
import type { PublishedView } from '../contract/view.ts';
import type { Action } from '../core/actions.ts';
import type { Input, Outcome } from '../core/inputs.ts';
import { CLOSED_ADDRESS } from '../core/queries.ts';
import { poolEntryOf } from '../core/replica-pool.ts';
import type { Settings, State } from '../core/state.ts';
import type { Topology } from '../contract/topology.ts';
import { topologyOf } from '../core/topology.ts';
import { project } from '../core/view.ts';
import { peersWanted } from '../core/wanted.ts';
import type { Wanted } from '../core/wanted.ts';
import type { PeerHub } from '../peers/peers.ts';
import { servicePaths } from '../records/paths.ts';
import { fenceSequence } from '../redis/commands.ts';
import type { ZkPort } from '../zookeeper/index.ts';
import { Callers } from './callers.ts';
import { Loop } from './loop.ts';
import { Mirror } from './mirror.ts';
import { Orders } from './orders.ts';
import { messageOf, peerInputs } from './peer-hints.ts';
import { askPromises, identify } from './perform-elsewhere.ts';
import { isOwnRedisAction, isRemoteRedisAction, KILL_SCRIPT, ownCommands, remoteCommands } from './perform-redis.ts';
import type { OwnRedisAction, RemoteRedisAction } from './perform-redis.ts';
import { isZooKeeperAction, performOnZooKeeper } from './perform-zookeeper.ts';
import type { ZooKeeperAction } from './perform-zookeeper.ts';
import type { Outside } from './ports.ts';
import { ProcessWatch } from './process-watch.ts';
import { RedisParameters } from './redis-parameters.ts';
import { RedisWatch } from './redis-watch.ts';
import type { CommandResult } from './redis-watch.ts';
import { ReplicaPool } from './replica-pool.ts';

export interface Credentials {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** Exit code of a process whose invariants broke (EX_SOFTWARE). */
const EXIT_INVARIANT_BROKEN = 70;
/** Shortest silence that is reported; the verdict on it is the core's. */
const SILENT_AFTER_MIN_MS = 200;
/** By so much a silence is reported before `down_after_ms` is over: then the core times its verdict itself. */
const SILENT_AHEAD_MS = 500;
/** A remote Redis that does not answer for this long is not worth a takeover. */
const REMOTE_SILENT_AFTER_MS = 1000;

export class Agent {
  private readonly settings: Settings;
  private readonly credentials: Credentials;
  private readonly outside: Outside;
  private readonly loop: Loop;
  private readonly process: ProcessWatch;
  private readonly own: RedisWatch;
  private readonly parameters: RedisParameters;
  private readonly remote: RedisWatch;
  private readonly zk: ZkPort;
  private readonly mirror: Mirror;
  /** Null where this node publishes itself as a master only. */
  private readonly pool: ReplicaPool | null;
  private readonly paths;
  readonly peers: PeerHub;
  private readonly callers: Callers;
  /** What operators ask of it. */
  readonly orders: Orders;
  private leaving = false;
  /** The records from which the streams to other agents were last worked out. */
  private peersFrom: State['records'] | null = null;
  /** Called after every step: what may be asked of this agent may have changed. Must not throw or call back. */
  onTurn: () => void = () => undefined;

  constructor(settings: Settings, credentials: Credentials, outside: Outside) {
    this.settings = settings;
    this.credentials = credentials;
    this.outside = outside;
    this.paths = servicePaths(settings.service);
    this.callers = new Callers(settings.instance);
    this.loop = new Loop(settings, outside.clock, {
      perform: (action) => this.perform(action),
      watch: (wanted) => this.watch(wanted),
      crash: (error) => this.crash(error),
    });
    this.process = new ProcessWatch({
      clock: outside.clock,
      process: outside.process,
      port: settings.redis.port,
      onSight: (event) => this.post({ kind: 'own_redis', event }),
    });
    this.own = this.watcher('agent', silenceOf(settings));
    this.parameters = new RedisParameters(this.own);
    this.remote = this.watcher('peer', REMOTE_SILENT_AFTER_MS);
    this.peers = outside.openPeers(peerInputs((input) => this.post(input)));
    this.zk = outside.openZooKeeper({
      onConnected: ({ id, timeoutMs }) => {
        this.post({ kind: 'session_connected', sessionId: id, timeoutMs });
        this.mirror.resync();
        this.pool?.connected(id);
      },
      onDisconnected: () => this.post({ kind: 'session_disconnected' }),
      onExpired: () => this.post({ kind: 'session_expired' }),
      onChanged: (path) => {
        this.mirror.look(path);
        this.pool?.changed(path);
      },
    });
    this.mirror = new Mirror(this.zk, this.paths, {
      onRead: (read) => {
        const isOurs = read.record === 'nodes' && read.name === settings.name;
        if (read.record === 'order' || read.record === 'pause' || isOurs) this.tellTime();
        this.post({ kind: 'record_read', read });
      },
      onUnreadable: (paths) => this.post({ kind: 'records_unreadable', paths }),
      onSynced: () => this.post({ kind: 'records_synced' }),
    });
    const { clock } = outside;
    const { zk, paths, callers, own } = this;
    this.orders = new Orders({
      node: settings.name, clock, callers, own, state: () => this.loop.state, post: (input) => this.post(input),
    });
    this.pool = settings.publishReplicas ? new ReplicaPool({ zk, paths, clock, self: settings.name }) : null;
  }

  start(): void {
    this.outside.log.event('agent_started', { node: this.settings.name, service: this.settings.service });
    this.own.watch(this.settings.redis);
    this.post({ kind: 'tick' });
  }

  /** What it knows and what it is; for whoever looks from outside, such as the simulator's checkers. */
  get state(): State {
    return this.loop.state;
  }

  /** Another agent's question for a promise. `done` is called once, unless this agent stops before. */
  question(question: FailsafeQuestion, done: (answer: FailsafeAnswer) => void): void {
    this.post({ kind: 'failsafe_asked', id: this.callers.question(done), question });
  }

  view(): PublishedView {
    return project(this.stateNow());
  }

  /** Who is master, who follows, who else answers: what a client asks for. */
  topology(): Topology {
    return topologyOf(this.stateNow());
  }

  /** This agent answers as a Sentinel at this address from now on; null: it does not. */
  sentinelAt(address: { readonly host: string; readonly port: number } | null): void {
    this.post({ kind: 'sentinel', address });
  }

  private stateNow(): State {
    this.loop.catchUp();
    const { state } = this.loop;
    return { ...state, nowMs: Math.max(state.nowMs, this.outside.clock.now()) };
  }

  /** Milliseconds since the latest turn; what is overdue is decided first. */
  turnAgeMs(): number {
    this.loop.catchUp();
    return this.outside.clock.now() - this.loop.state.nowMs;
  }

  /** What an order or a pause says of times of day is understood when it is read. */
  private tellTime(): void {
    this.post({ kind: 'time_of_day', wallMs: this.outside.clock.wallNow() });
  }

  private post(input: Input): void {
    this.loop.post(input);
  }

  private watcher(purpose: 'agent' | 'peer', silentAfterMs: number): RedisWatch {
    const kind = purpose === 'agent' ? 'own_redis' : 'remote_redis';
    return new RedisWatch({
      clock: this.outside.clock,
      connector: this.outside.redis,
      purpose,
      credentials: this.credentials,
      silentAfterMs,
      eager: purpose === 'agent',
      onSight: (event) => {
        if (purpose === 'agent' && event.seen === 'answered') this.process.answered(event.facts);
        this.post({ kind, event });
      },
      ...(purpose === 'agent' ? { onOverdue: (overdue: boolean) => this.process.unanswered(overdue) } : {}),
    });
  }

  private watch(wanted: Wanted): void {
    this.onTurn();
    this.remote.watch(wanted.remote);
    this.pool?.want(poolEntryOf(this.loop.state));
    this.remote.pollEvery(wanted.pollRemoteMs);
    this.own.pollEvery(wanted.pollOwnMs);
    this.own.silentAfterMs = silenceOf(this.loop.state.settings);
    this.keepPeers();
  }

  /** Asked anew only when a record was read: this comes behind every step. */
  private keepPeers(): void {
    const { state } = this.loop;
    if (state.records === this.peersFrom) return;
    this.peersFrom = state.records;
    this.peers.setPeers(peersWanted(state).map(({ name, instance, http }) => ({ name, instance, ...http })));
  }

  private perform(action: Action): void {
    const done = (outcome: Outcome): void => this.post({ kind: 'action_done', id: action.id, outcome });
    if (isZooKeeperAction(action)) {
      const { zk, paths, mirror } = this;
      const now = (): number => this.outside.clock.now();
      return performOnZooKeeper(action, { zk, paths, mirror, self: this.settings.name, now }, done);
    }
    if (isOwnRedisAction(action)) {
      return this.own.run(ownCommands(action, this.ownServer()), (result) => {
        // The core tries again in a moment; by then the script is to be gone.
        const isBusy = !result.ok && result.code === 'BUSY';
        if (isBusy && action.kind === 'fence_reversibly') this.own.run([KILL_SCRIPT], () => undefined);
        done(toOutcome(result));
      });
    }
    if (isRemoteRedisAction(action)) {
      const version = this.loop.state.remote.facts?.version ?? '';
      return this.remote.run(remoteCommands(action, version), (result) => done(toOutcome(result)));
    }
    this.performHere(action, done);
  }

  /** What needs neither ZooKeeper nor a Redis. */
  private performHere(
    action: Exclude<Action, ZooKeeperAction | OwnRedisAction | RemoteRedisAction>,
    done: (outcome: Outcome) => void,
  ): void {
    switch (action.kind) {
      case 'kill_redis':
        return this.process.kill((result) => {
          const sentAtMs = this.outside.clock.now();
          done(result.ok ? { result: 'done', sentAtMs } : { result: 'failed', code: result.code });
        });
      case 'apply_parameters':
        return this.parameters.apply(action.parameters, this.loop.state.own.facts?.runId ?? '', done);
      case 'rescue':
        return this.outside.rescue.save({ epoch: action.masterEpoch }, (result) => {
          done(result.ok ? { result: 'rescued', ...result } : { result: 'failed', code: result.code });
        });
      case 'identify':
        return identify(this.outside, action, done);
      case 'tell':
        return this.peers.tell('all', messageOf(action.hint, this.loop.state));
      case 'report':
        return this.outside.log.event(action.event, action.fields);
      case 'answer_operation':
      case 'answer_order':
      case 'answer_question':
        return this.callers.answer(action);
      case 'ask_promises':
        return askPromises(this.outside, action, done);
      case 'exit':
        return this.leave(0, action.keepsLease);
    }
  }

  private ownServer(): Parameters<typeof ownCommands>[1] {
    const { password, username } = this.credentials;
    return {
      version: this.loop.state.own.facts?.version ?? '',
      announce: this.settings.redis,
      credentials: password === undefined ? null : { username, password },
      backlogBytes: this.own.backlogBytes,
    };
  }

  /** Ends the session in order, or leaves it to its timeout; then the process. */
  private leave(code: number, keepsLease = false): void {
    if (this.leaving) return;
    this.leaving = true;
    this.loop.stop();
    this.pool?.stop();
    this.peers.stop();
    const end = (): void => {
      this.process.stop();
      this.own.stop();
      this.remote.stop();
      this.outside.log.event('agent_stopped', { code });
      this.outside.exit(code);
    };
    if (!keepsLease) return this.zk.close(end);
    this.zk.abandon();
    end();
  }

  /** Give up mastership safely, then crash: Redis is fenced first, and closing the session gives the lease away. */
  private crash(error: unknown): void {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.outside.log.event('invariant_broken', { error: message });
    if (this.loop.state.role.name === 'starting') return this.leave(EXIT_INVARIANT_BROKEN);
    this.own.run(fenceSequence(CLOSED_ADDRESS), () => this.leave(EXIT_INVARIANT_BROKEN));
  }
}

/** `down_after_ms` may be changed while the agent runs. */
function silenceOf({ downAfterMs }: Settings): number {
  return Math.max(SILENT_AFTER_MIN_MS, downAfterMs - SILENT_AHEAD_MS);
}

function toOutcome(result: CommandResult): Outcome {
  return result.ok ? { result: 'done', sentAtMs: result.sentAtMs } : { result: 'failed', code: result.code };
}
