/**
 * One Redis server of the simulated world: its event loop.
 *
 * A turn reads every connection that has something, in an order that chance decides, at most 16 KiB of each; then the
 * cron where it is due; then everything that was said in the turn leaves, stream and replies. That shape is what the
 * fences are built on: who is killed in a turn never hears the answers of that turn. A server stopped in the middle of
 * its last step (`Process.haltBeforeSend`) acknowledges the rest when it thaws, before it reads anything.
 */
import type { End, EndEvents, Endpoint } from '../../kernel/network.ts';
import type { Random } from '../../kernel/random.ts';
import type { Machine } from './commands.ts';
import { bytesOf, Connection } from './connection.ts';
import type { Readable } from './connection.ts';
import type { Data } from './dataset.ts';
import { Info } from './info.ts';
import { MasterLink } from './master-link.ts';
import type { Answer, Request } from './messages.ts';
import { REDIS_DEFAULTS } from './options.ts';
import type { RedisOptions } from './options.ts';
import { appendAof, beginSaving, persistenceCron, readFiles, saveNow } from './persistence.ts';
import { feed, masterCron, sendProduced } from './replicas.ts';
import { handle } from './requests.ts';
import { RedisState } from './state.ts';
import type { Surroundings } from './state.ts';
import { BYTES } from './stream.ts';
import { abandonWait, answerWaits } from './waits.ts';

const READ_BYTES = 16 * 1024;
const CRON_MS = 1000;

export interface RedisServerParts extends Surroundings {
  readonly options?: Partial<RedisOptions>;
  /**
   * Called when an acknowledgement really leaves, for all writes of one pipeline at once: what leaves in one moment is
   * seen by one look. `viaWait` is 0 for the reply to the write itself, otherwise the number of replicas that the
   * reply to WAIT reports.
   */
  readonly onAcknowledged?: (ids: readonly number[], viaWait: number) => void;
}

export class RedisServer implements Machine {
  readonly state: RedisState;
  readonly link: MasterLink;
  readonly info: Info;
  private readonly onAcknowledged: (ids: readonly number[], viaWait: number) => void;
  private readyNow: Readable[] = [];
  private turnAsked = false;
  private inTurn = false;
  private answeredInTurn = false;
  private cronOwed = false;
  private crons = 0;
  private exiting = false;

  constructor(parts: RedisServerParts) {
    const options = { ...REDIS_DEFAULTS, ...parts.options };
    this.onAcknowledged = parts.onAcknowledged ?? (() => undefined);
    this.state = new RedisState(parts, options, {
      ready: (readable) => this.makeReady(readable),
      free: (connection) => this.free(connection),
    });
    this.link = new MasterLink(this.state);
    this.info = new Info(this.state, this.link);
    this.start(parts, options);
  }

  private start({ process, network, random, disk }: Surroundings, options: RedisOptions): void {
    network.listen(process, options.port, (end) => this.accept(end));
    process.onEnd.add((how) => {
      if (how === 'power') disk.losePower();
    });
    this.crons = random.below(options.pingSeconds);
    const cached = readFiles(this.state, options.replicaOf !== null);
    if (options.replicaOf !== null) this.link.resume(options.replicaOf, cached);
    this.armCron(random.between(0, CRON_MS));
    if (this.state.data.size === 0) return;
    this.state.loading = true;
    process.timer(options.loadMs * (0.5 + random.unit()), () => {
      this.state.loading = false;
      this.askTurn();
    });
  }

  // What checkers look at.

  /** Whether it would acknowledge a plain write that reached it now. */
  acknowledges(): boolean {
    const { state } = this;
    const { process } = state.around;
    if (!process.alive || process.frozen || state.pause !== null || this.stalled) return false;
    return state.refusal() === null;
  }

  /** When its last script ended, by itself or by being killed. */
  scriptEndedMs = 0;

  get runId(): string { return this.state.runId; }
  get processId(): number { return this.state.processId; }
  get role(): 'master' | 'replica' { return this.state.target === null ? 'master' : 'replica'; }
  get target(): Endpoint | null { return this.state.target; }
  get replid(): string { return this.state.replid; }
  get offset(): number { return this.state.offset; }
  get loading(): boolean { return this.state.loading; }
  /** What it holds; while it loads, nothing. */
  get data(): Data { return this.state.data; }
  /** The link to its master is up. */
  get linkUp(): boolean { return this.state.linkUp; }
  /** This process had a link to a master since it began, or since it last was a master itself. */
  get everLinked(): boolean { return this.state.linkUp || this.link.downSince > 0; }

  // What faults and operators do.

  /** The event loop does something else for this long: a slow command, a fork, no processor. */
  stall(ms: number): void {
    this.state.stalledUntilMs = Math.max(this.state.stalledUntilMs, this.state.nowMs + ms);
  }

  /** A script runs: silent up to busy-reply-threshold, BUSY from then on. */
  runScript(ms: number, wrote: boolean): void {
    const { state } = this;
    const busyFromMs = state.nowMs + Math.min(ms, state.options.busyAfterMs);
    this.stall(busyFromMs - state.nowMs);
    state.script = { busyFromMs, untilMs: state.nowMs + ms, wrote };
    state.around.process.timer(ms, () => {
      if (state.script !== null && state.nowMs >= state.script.untilMs) this.endScript();
    });
  }

  readonly endScript = (): void => {
    this.state.script = null;
    this.scriptEndedMs = this.state.nowMs;
    this.wakeAll();
  };

  /** CLIENT PAUSE of some user; null ends it. */
  readonly setPause = (pause: RedisState['pause']): void => {
    const { state } = this;
    const untilMs = Math.max(pause?.untilMs ?? 0, state.pause?.untilMs ?? 0);
    // A second pause never shortens or weakens the first.
    state.pause = pause === null ? null : { kind: state.pause?.kind === 'all' ? 'all' : pause.kind, untilMs };
    if (pause === null) this.wakeAll();
    else state.around.process.timer(untilMs - state.nowMs, () => this.endPauseInTime());
  };

  private endPauseInTime(): void {
    const { pause, nowMs } = this.state;
    if (pause !== null && nowMs >= pause.untilMs) this.setPause(null);
  }

  /** Keys expire: a master deletes them, fenced or not, and its offset moves. Not during a pause. */
  expireKeys(count: number): void {
    const { state } = this;
    if (state.pause !== null || state.loading) return;
    for (let i = 0; i < count; i++) feed(state, 'expire', BYTES.expire);
    this.askTurn();
  }

  bgsave(): boolean {
    return beginSaving(this.state);
  }

  /** SIGTERM: saves where it is configured to, then ends. */
  shutdown(): void {
    const { state } = this;
    if (state.persistsRdb && !state.loading && !saveNow(state)) return;
    state.around.process.kill();
  }

  readonly exit = (): void => {
    this.exiting = true;
  };

  // The event loop.

  private accept(end: End): EndEvents {
    const connection = new Connection(end, this.readConnection);
    this.state.connections.add(connection);
    return {
      onOpen: () => undefined,
      onFailed: () => undefined,
      onMessage: (message) => {
        connection.inbox.push(message as Request);
        this.makeReady(connection);
      },
      onClosed: () => {
        connection.ended = true;
        this.makeReady(connection);
      },
    };
  }

  private free(connection: Connection): void {
    const { state } = this;
    if (connection.freed) return;
    connection.freed = true;
    connection.inbox.length = 0;
    connection.outbox.length = 0;
    state.connections.delete(connection);
    state.writing.delete(connection);
    abandonWait(state, connection);
    connection.end.close();
    if (!state.replicas.delete(connection)) return;
    if (state.replicas.size === 0) state.noReplicasSince = state.second;
    const { child } = state;
    if (child?.kind === 'sync' && ![...state.replicas].some(({ replica }) => replica?.sending === true)) {
      child.cancel();
      state.child = null;
    }
    state.refreshGoodReplicas();
    state.touch();
  }

  private makeReady(readable: Readable): void {
    if (readable.ready) return;
    readable.ready = true;
    // Mostly it stays alone: a list of one needs no room for sixteen more, as one that grows from nothing takes.
    if (this.readyNow.length === 0) this.readyNow = [readable];
    else this.readyNow.push(readable);
    this.askTurn();
  }

  private wakeAll(): void {
    for (const connection of this.state.connections) if (connection.inbox.length > 0) this.makeReady(connection);
    this.makeReady(this.link);
  }

  private get stalled(): boolean {
    return this.state.nowMs < this.state.stalledUntilMs;
  }

  private askTurn(): void {
    if (this.turnAsked) return;
    this.turnAsked = true;
    const { scheduler, process } = this.state.around;
    if (this.stalled) process.timer(this.state.stalledUntilMs - scheduler.nowMs, this.turnAfterPause);
    else scheduler.after(0, this.turn);
  }

  /** At a thaw timers run before what arrived: the turn has to see both. */
  private readonly turnAfterPause = (): void => {
    this.turnAsked = false;
    this.askTurn();
  };

  private readonly turn = (): void => {
    const { process, random } = this.state.around;
    if (!process.alive) return;
    if (process.frozen || this.stalled) return void process.timer(0, this.turnAfterPause);
    this.turnAsked = false;
    const batch = this.readyNow;
    this.readyNow = [];
    if (batch.length > 1) shuffle(batch, (below) => random.below(below));
    this.inTurn = true;
    for (const readable of batch) {
      readable.ready = false;
      readable.read();
    }
    this.beforeSleep();
    this.inTurn = false;
    if (this.answeredInTurn) this.turnAfterAnswers();
  };

  /**
   * Whoever answers asks for a turn. In a turn the answer leaves with it, and the next one finds nothing to do but to
   * draw in which order it would have sent: where nobody can come before it, it is over with that.
   */
  private turnAfterAnswers(): void {
    this.answeredInTurn = false;
    const { process, scheduler, random } = this.state.around;
    const isIdle = !this.turnAsked && this.readyNow.length === 0;
    const runs = process.alive && !process.frozen && !this.stalled;
    if (isIdle && runs && scheduler.isLastNow) drawOrder(random);
    else this.askTurn();
  }

  private beforeSleep(): void {
    const { state } = this;
    if (this.cronOwed) this.cron();
    this.endPauseInTime();
    if (state.waiters.size > 0) {
      answerWaits(state);
      if (state.getAckWanted) feed(state, 'getack', BYTES.getack);
    }
    state.getAckWanted = false;
    appendAof(state);
    if (drawOrder(state.around.random)) {
      sendProduced(state);
      this.sendReplies();
    } else {
      this.sendReplies();
      sendProduced(state);
    }
    if (this.exiting) state.around.process.kill();
  }

  private sendReplies(): void {
    const { writing } = this.state;
    if (writing.size === 0) return;
    for (const { end, outbox } of writing) {
      for (let answer = outbox.shift(); answer !== undefined; answer = outbox.shift()) this.sendReply(end, answer);
    }
    writing.clear();
  }

  private sendReply(end: End, answer: Answer): void {
    if (!end.open) return;
    end.send(answer);
    if (answer.kind === 'replies' || answer.error !== null) return;
    // A WAIT that ran out confirms nothing.
    if (answer.kind === 'waited' && answer.replicas === 0) return;
    const viaWait = answer.kind === 'written' ? 0 : answer.replicas;
    const { process } = this.state.around;
    const { ids } = answer.request;
    // Stopped just before it left: then it leaves at the thaw, and so does the news of it.
    if (process.frozen) process.sends(() => this.onAcknowledged(ids, viaWait));
    else if (process.alive) this.onAcknowledged(ids, viaWait);
  }

  answer(connection: Connection, answer: Answer): void {
    connection.outbox.push(answer);
    this.state.writing.add(connection);
    if (this.inTurn) this.answeredInTurn = true;
    else this.askTurn();
  }

  private readonly readConnection = (connection: Connection): void => {
    let budget = READ_BYTES;
    while (!connection.freed && connection.waiter === null) {
      const [request] = connection.inbox;
      if (request === undefined) {
        if (connection.ended) this.hangUp(connection);
        return;
      }
      if (budget <= 0) return this.makeReady(connection);
      budget -= bytesOf(request);
      if (!handle(this, connection, request)) return;
    }
  };

  /** The other side closed, or is to be closed once it has heard why. */
  private hangUp(connection: Connection): void {
    if (connection.outbox.length === 0) return this.free(connection);
    for (const answer of connection.outbox) this.sendReply(connection.end, answer);
    this.free(connection);
  }

  // The cron.

  private armCron(delayMs: number): void {
    const { process } = this.state.around;
    const dueMs = this.state.nowMs + delayMs;
    process.timer(delayMs, () => {
      // Late: it was stopped. Sockets are read before timers then.
      this.cronOwed = true;
      if (this.stalled || this.state.nowMs > dueMs + process.slowMs) this.askTurn();
      else this.cronTurn();
    });
  }

  private cronTurn(): void {
    this.cron();
    this.askTurn();
  }

  private cron(): void {
    const { state } = this;
    this.cronOwed = false;
    this.armCron(CRON_MS);
    if (state.loading || state.busy) return;
    this.crons += 1;
    const { expiryChance, pingSeconds } = state.options;
    if (expiryChance > 0 && state.around.random.chance(expiryChance)) this.expireKeys(1);
    persistenceCron(state);
    if (state.target !== null) this.link.cron();
    masterCron(state, this.crons % pingSeconds === 0);
  }
}

/** Whether the stream leaves before the replies of a turn. */
function drawOrder(random: Random): boolean {
  return random.chance(0.5);
}

function shuffle(items: Readable[], below: (count: number) => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = below(i + 1);
    const a = items[i];
    const b = items[j];
    if (a === undefined || b === undefined) continue;
    items[i] = b;
    items[j] = a;
  }
}
