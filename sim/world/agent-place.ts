/**
 * One node's agent: the real one, in a simulated process, with simulated surroundings.
 */
import { Agent } from '../../src/agent/agent.ts';
import type { ProcessPort, RescuePort } from '../../src/agent/ports.ts';
import type { EventName } from '../../src/contract/events.ts';
import type { Fields } from '../../src/core/actions.ts';
import type { Settings } from '../../src/core/state.ts';
import type { RedisConnector } from '../../src/redis/link.ts';
import type { ZkPort } from '../../src/zookeeper/index.ts';
import type { Network } from '../kernel/network.ts';
import type { Host } from '../kernel/process.ts';
import { Process, SkewedClock } from '../kernel/process.ts';
import type { Random } from '../kernel/random.ts';
import type { Scheduler } from '../kernel/scheduler.ts';
import { AgentDoor } from '../models/peers.ts';
import { Client } from '../models/zookeeper/client.ts';

export const AGENT_PORT = 8080;
export const REDIS_PORT = 6379;
export const SERVICE = 'shop';

export interface AgentOptions {
  readonly host: Host;
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly random: Random;
  readonly clockRate: number;
  readonly servers: readonly string[];
  readonly settings: Settings;
  /** Of its process: `agent-r1`. */
  readonly processName: string;
  readonly connector: (process: Process) => RedisConnector;
  readonly rescue: RescuePort;
  readonly hostProcess: ProcessPort;
  readonly onEvent: (name: EventName, fields: Fields) => void;
}

/** One run of one agent, from its start to its end. */
export class AgentRun {
  readonly process: Process;
  readonly clock: SkewedClock;
  readonly agent: Agent;
  readonly settings: Settings;
  /** What it exited with, or null while it runs or when it was killed. */
  exitCode: number | null = null;
  /** True moment at which the latest request that the ensemble's leader answered was sent. */
  heardSentMs = Number.NEGATIVE_INFINITY;
  /** It says goodbye to the ensemble, and does nothing else any more. */
  leaving = false;

  constructor(options: AgentOptions) {
    const { host, scheduler, network, settings, random } = options;
    const { name, instance, service } = settings;
    this.settings = settings;
    this.process = new Process(options.processName, host, scheduler);
    const { process } = this;
    const originMs = 100_000 + random.below(100_000);
    const clock = new SkewedClock(process, { rate: options.clockRate, originMs });
    this.clock = clock;
    const door = new AgentDoor({ process, network, clock, self: { service, name, instance }, port: AGENT_PORT });
    this.agent = new Agent(settings, {}, {
      clock,
      log: { event: (event, fields = {}) => options.onEvent(event, fields) },
      redis: options.connector(process),
      openZooKeeper: (events) => {
        const { servers: hosts } = options;
        const { sessionTimeoutMs } = settings;
        return this.listening(new Client({ process, clock, network, random, hosts, sessionTimeoutMs, events }));
      },
      openPeers: (events) => door.openPeers(events),
      rescue: options.rescue,
      process: options.hostProcess,
      identify: (address, timeoutMs, done) => door.identify(address, timeoutMs, done),
      ask: (address, question, timeoutMs, done) => door.ask(address, question, timeoutMs, done),
      exit: (code) => {
        this.exitCode = code;
        process.kill();
      },
    });
    door.onQuestion = (question, done) => this.agent.question(question, done);
    process.deliver(() => this.agent.start());
  }

  /** Notes what the quorum heard of this agent, whatever the agent makes of it. */
  private listening(zk: ZkPort): ZkPort {
    return {
      submit: (request, done) => {
        const sentMs = this.process.presentMs;
        zk.submit(request, (answer) => {
          const quorum = request.op === 'sync' || request.op === 'multi';
          if (quorum && answer.ok) this.heardSentMs = Math.max(this.heardSentMs, sentMs);
          done(answer);
        });
      },
      close: (done) => {
        this.leaving = true;
        zk.close(done);
      },
      abandon: () => {
        this.leaving = true;
        zk.abandon();
      },
    };
  }

  get runs(): boolean {
    return this.process.alive && !this.process.frozen;
  }
}
