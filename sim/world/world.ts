/**
 * One simulated service with everything around it, run from a plan.
 *
 * Three phases: it comes up; faults overlap freely; everything is put right. After the last it must heal within the
 * bound of I7, and then be quiet.
 */
import type { OperationAnswer, OperationResult } from '../../src/contract/operations.ts';
import type { Fields } from '../../src/core/actions.ts';
import { Host } from '../kernel/process.ts';
import type { Process } from '../kernel/process.ts';
import { Network } from '../kernel/network.ts';
import type { Endpoint } from '../kernel/network.ts';
import { Random } from '../kernel/random.ts';
import { Scheduler } from '../kernel/scheduler.ts';
import { Trace } from '../kernel/trace.ts';
import { ALL_CHECKERS } from '../checkers/all.ts';
import type { Checker, Sight, Violation, WritesSight } from '../checkers/checker.ts';
import type { Data } from '../models/redis/dataset.ts';
import type { Replacement, Unread } from '../models/redis/state.ts';
import { Ensemble } from '../models/zookeeper/ensemble.ts';
import type { Txn } from '../models/zookeeper/tree.ts';
import { describeFault } from '../plan/faults.ts';
import type { Fault } from '../plan/faults.ts';
import type { Plan } from '../plan/plan.ts';
import { Coverage } from './coverage.ts';
import { inflict } from './mishaps.ts';
import type { Stage } from './mishaps.ts';
import type { NodeHooks } from './node-place.ts';
import { NodePlace } from './node-place.ts';
import { WorldView } from './overview.ts';
import { startWriters } from './writers.ts';
import { isAct } from '../plan/acts.ts';
import { Operators } from './operators.ts';
import { afterCommit, NOTHING_COMMITTED, PublishedMaster } from './records.ts';

/** Clocks of agents are slow by up to this: their deadlines are late by as much in true time. */
const SLOWEST_CLOCK = 0.95;
const HEAL_EXTRA_MS = 5000;
/** A caller is answered this long after it asked, and the session timeout: 10 s to begin, 5 s for the result. */
const ANSWER_MS = 15_000;
const ANSWER_SLACK_MS = 1000;
/** Where operators are at work, what takes too long is looked for this often. */
const LOOK_MS = 500;

export interface RunResult {
  readonly violations: readonly Violation[];
  /** The same for two runs of one plan, or the simulator is not deterministic. */
  readonly digest: string;
  readonly lines: readonly string[];
  readonly coverage: Coverage;
  readonly events: number;
}

export class World implements NodeHooks {
  readonly plan: Plan;
  readonly scheduler = new Scheduler();
  readonly trace: Trace;
  readonly network: Network;
  readonly ensemble: Ensemble;
  readonly nodes = new Map<string, NodePlace>();
  readonly coverage = new Coverage();
  private readonly view: WorldView;
  private readonly operators: Operators;
  private readonly publishedMaster = new PublishedMaster();
  private readonly checkers: readonly Checker[] = ALL_CHECKERS.map((make) => make());
  private readonly writesCheckers = this.checkers.filter((checker) => checker.seeWrites !== undefined);
  private readonly mayFollow = (replica: string): boolean => this.view.mayFollow(replica);

  constructor(plan: Plan, readable: boolean) {
    this.plan = plan;
    const random = new Random(plan.seed);
    this.trace = new Trace(() => this.scheduler.nowMs, readable);
    this.network = new Network(this.scheduler, random.fork('network'));
    const { scheduler, network, trace } = this;
    const hostOf = (name: string): Host => {
      const host = new Host(name);
      network.addHost(host);
      return host;
    };
    this.ensemble = new Ensemble({
      hosts: plan.servers.map(hostOf),
      scheduler,
      network,
      random: random.fork('ensemble'),
      tickMs: plan.tickMs,
      syncLimit: plan.syncLimit,
      onCommit: (txn) => this.committed(txn),
    });
    this.view = new WorldView(this);
    for (const node of plan.nodes) {
      const parts = { plan, node, host: hostOf(node.name), scheduler, network, trace, hooks: this };
      this.nodes.set(node.name, new NodePlace({ ...parts, random: random.fork(node.name) }));
    }
    this.view.lookAtNodes();
    this.operators = new Operators({
      nodes: this.nodes,
      scheduler,
      answerMs: (ANSWER_MS + plan.sessionTimeoutMs) / SLOWEST_CLOCK + ANSWER_SLACK_MS,
      master: () => this.view.committed.lease?.node ?? null,
      answered: (asker, answer) => this.answered(asker, answer),
      unanswered: (asker) => this.see({ saw: 'unanswered', asker }),
    });
    startWriters({ network, random: random.fork('writers'), hostOf, believe: () => this.published() });
  }

  run(): RunResult {
    const { plan } = this;
    for (const fault of plan.faults) this.scheduler.at(fault.atMs, () => this.strike(fault));
    if (plan.faults.some(isAct)) this.lookOn();
    this.pass(plan.healAtMs);
    this.heal();
    const boundMs = (2 * plan.sessionTimeoutMs + HEAL_EXTRA_MS) / SLOWEST_CLOCK;
    this.pass(plan.healAtMs + boundMs);
    this.see({ saw: 'bound_passed' });
    this.pass(plan.endMs);
    this.see({ saw: 'ended' });
    const { violations } = this.view;
    return {
      violations,
      digest: this.trace.digest,
      lines: this.trace.lines,
      coverage: this.coverage,
      events: this.scheduler.ran,
    };
  }

  /** What was violated so far. */
  get violations(): readonly Violation[] {
    return this.view.violations;
  }

  private pass(untilMs: number): void {
    this.scheduler.runUntil(untilMs);
  }

  private strike(fault: Fault): void {
    this.trace.note(fault.kind, 'fault');
    this.trace.say('FAULT', () => describeFault(fault));
    this.coverage.fault(fault.kind);
    const undo = inflict(fault, this.stage());
    this.scheduler.after(fault.forMs, () => {
      this.trace.say('FAULT', () => `ends: ${fault.kind}`);
      undo();
    });
  }

  private lookOn(): void {
    this.see({ saw: 'time' });
    this.scheduler.after(LOOK_MS, () => this.lookOn());
  }

  private answered(asker: string, answer: OperationAnswer): void {
    this.trace.note(answer.answer, asker);
    this.trace.say(asker, () => `is answered ${JSON.stringify(answer)}`);
    this.coverage.answered(answer);
    this.see({ saw: 'answered', asker, answer });
  }

  private stage(): Stage {
    const { nodes, ensemble, network, plan, operators } = this;
    const hosts = [...plan.nodes.map(({ name }) => name), ...plan.servers];
    return { nodes, ensemble, network, hosts, operators, wiped: () => this.wiped() };
  }

  /** Everything works again, whatever a fault that ended in another order left behind. */
  private heal(): void {
    this.trace.say('FAULT', () => 'everything is put right');
    this.network.heal();
    for (const place of this.ensemble.places) {
      place.server?.process.thaw();
      this.ensemble.start(place);
    }
    for (const place of this.nodes.values()) place.putRight();
    this.see({ saw: 'healed' });
  }

  private published(): Endpoint | null {
    const tree = (this.ensemble.leader ?? this.ensemble.servers[0])?.disk.tree;
    return tree === undefined ? null : this.publishedMaster.in(tree);
  }

  private wiped(): void {
    this.view.committed = NOTHING_COMMITTED;
    this.see({ saw: 'wiped' });
  }

  private see(sight: Sight): void {
    for (const checker of this.checkers) checker.see(sight, this.view);
  }

  private committed(txn: Txn): void {
    if (txn.changes.size === 0) return;
    const before = this.view.committed;
    const after = afterCommit(before, txn);
    this.view.committed = after;
    this.view.commits += 1;
    this.trace.note('commit', 'ensemble', txn.changes.size);
    this.trace.say('ensemble', () => `commits ${[...txn.changes.keys()].join(' ')}`);
    if (after === before) return;
    this.noteResults(before.results, after.results);
    this.see({ saw: 'committed', before, after, by: txn.by });
    const { lease, masterRecordOwner } = after;
    if (lease === null || masterRecordOwner === before.masterRecordOwner || masterRecordOwner !== lease.owner) return;
    // Of the process that was announced: it may have ended on the way, and a twin has another.
    if (this.view.nodes.get(lease.node)?.redis?.runId !== lease.runId) return;
    this.see({ saw: 'promoted', node: lease.node });
  }

  private noteResults(before: readonly OperationResult[], after: readonly OperationResult[]): void {
    if (after === before) return;
    const known = new Set(before.map(({ id }) => id));
    for (const result of after) if (!known.has(result.id)) this.coverage.ended(result);
  }

  acknowledged(node: string, ids: readonly number[], waited: number): void {
    this.nodes.get(node)?.noteGoodReplica(this.mayFollow);
    const isReply = waited === 0;
    if (isReply) for (const id of ids) this.view.acknowledged.add(id);
    if (isReply) this.coverage.acknowledged += ids.length;
    const sight: WritesSight = isReply
      ? { saw: 'acknowledged', node, ids }
      : { saw: 'confirmed', node, ids, replicas: waited };
    for (const checker of this.writesCheckers) checker.seeWrites?.(sight, this.view);
  }

  restarted(node: string, had: Data, has: Data): void {
    this.see({ saw: 'restarted', node, had, has });
  }

  promoted(node: string): void {
    this.trace.note('promoted', node);
    this.see({ saw: 'promoted', node });
  }

  opened(node: string): void {
    this.see({ saw: 'opened', node });
  }

  replaced(node: string, what: Replacement): void {
    this.see({ saw: 'replaced', node, ...what });
  }

  unread(node: string, { bytes, endedMs }: Unread): void {
    this.see({ saw: 'unread', node, bytes, endedMs });
  }

  started(instance: string, process: Process): void {
    this.view.agents.set(instance, process);
  }

  said(node: string, event: string, fields: Fields): void {
    this.trace.note(event, node);
    this.trace.say(node, () => `${event} ${JSON.stringify(fields)}`);
    this.coverage.said(event, fields);
    this.see({ saw: 'said', node, event, fields });
  }
}
