/**
 * How each fault is done to the world, and undone: one entry for each kind.
 *
 * An undoing puts right what its own fault did. What several faults did to one process is put right by the first of
 * their ends, so that overlapping faults make histories that nobody would have planned.
 */
import type { Network, Path } from '../kernel/network.ts';
import type { Process } from '../kernel/process.ts';
import type { Ensemble } from '../models/zookeeper/ensemble.ts';
import { isAct } from '../plan/acts.ts';
import type { Fault, Mishap } from '../plan/faults.ts';
import type { NodePlace } from './node-place.ts';
import type { Operators } from './operators.ts';

export interface Stage {
  readonly nodes: ReadonlyMap<string, NodePlace>;
  readonly ensemble: Ensemble;
  readonly network: Network;
  /** Every host that faults may cut off: nodes and servers. */
  readonly hosts: readonly string[];
  readonly operators: Operators;
  wiped(): void;
}

type Undo = () => void;
type NodeMishap = Extract<Mishap, { readonly node: string }>;

type RedisMishap = Extract<NodeMishap, { readonly kind: `redis_${string}` }>;
type WholeNodeMishap = Extract<NodeMishap, { readonly kind: 'node_killed' | 'node_frozen' | `host_${string}` }>;
type AgentMishap = Exclude<NodeMishap, RedisMishap | WholeNodeMishap>;

const WHOLE_NODE: readonly string[] = ['node_killed', 'node_frozen', 'host_lost', 'host_suspended'];

const isRedisMishap = (fault: NodeMishap): fault is NodeMishap & RedisMishap => fault.kind.startsWith('redis_');
const isWholeNode = (fault: NodeMishap): fault is NodeMishap & WholeNodeMishap => WHOLE_NODE.includes(fault.kind);

const NOTHING: Undo = () => undefined;

function hangRedis(place: NodePlace, how: () => void): Undo {
  how();
  place.redisServesSinceMs = null;
  return () => place.redisServesAgain();
}

function loseHost(place: NodePlace, data: 'kept' | 'aof' | 'lost', network: Network): Undo {
  place.losePower();
  return () => {
    place.host.up = true;
    network.recheck();
    place.startRedis(data);
    place.startAgent();
  };
}

/** Redis alone, by whatever means. */
function toRedis(place: NodePlace, fault: RedisMishap, forMs: number): Undo {
  switch (fault.kind) {
    case 'redis_killed':
      place.killRedis();
      return () => place.startRedis(fault.data);
    case 'redis_restarted':
      place.killRedis();
      place.startRedis(fault.data);
      return NOTHING;
    case 'redis_frozen':
      place.freezeRedis(true);
      return () => place.freezeRedis(false);
    case 'redis_busy':
      return hangRedis(place, () => place.redis.runScript(forMs, false));
    case 'redis_paused':
      return hangRedis(place, () => place.redis.setPause({ kind: 'all', untilMs: place.nowMs + forMs }));
    case 'redis_slow':
      place.redis.link.workBytesPerMs = fault.bytesPerMs;
      return () => {
        place.redis.link.workBytesPerMs = Number.POSITIVE_INFINITY;
      };
    case 'redis_refuses_writes':
      place.redis.state.rdbFailed = true;
      return () => {
        place.redis.state.rdbFailed = false;
      };
  }
}

function goOn(place: NodePlace, process: Process): void {
  process.forgetHalt();
  if (process.frozen) place.freezeAgent(false);
  place.startAgent();
}

function toAgent(place: NodePlace, fault: AgentMishap, forMs: number): Undo {
  const { process, agent, clock } = place.run;
  switch (fault.kind) {
    case 'agent_killed':
      place.killAgent();
      return () => place.startAgent();
    case 'agent_frozen':
      place.freezeAgent(true);
      return () => place.freezeAgent(false);
    case 'agent_halted':
      process.haltBeforeSend(fault.how, fault.sends, place.nowMs + forMs);
      return () => goOn(place, process);
    case 'agent_paused':
      process.pauseBeforeLook(fault.looks, place.nowMs + forMs);
      return () => goOn(place, process);
    case 'agent_twinned':
      return place.startTwin(fault.redis);
    case 'agent_slow':
      process.slowMs = fault.slowMs;
      return () => place.catchUp(process);
    case 'agent_stopped':
      process.deliver(() => agent.orders.give({ order: 'stop' }));
      return () => place.startAgent();
    case 'clock_jump':
      clock.wallLeadMs += fault.byMs;
      return NOTHING;
    case 'node_disabled':
      process.deliver(() => agent.orders.give({ order: 'disable' }));
      return () => place.run.process.deliver(() => place.run.agent.orders.give({ order: 'enable' }));
  }
}

function toNode(place: NodePlace, fault: WholeNodeMishap, network: Network): Undo {
  switch (fault.kind) {
    case 'node_killed':
      place.killRedis();
      place.killAgent();
      return () => {
        place.startRedis(fault.data);
        place.startAgent();
      };
    case 'node_frozen':
      place.freezeRedis(true);
      place.freezeAgent(true);
      return () => {
        place.freezeRedis(false);
        place.freezeAgent(false);
      };
    case 'host_suspended':
      place.suspend();
      return () => place.wake();
    case 'host_lost':
      return loseHost(place, fault.data, network);
  }
}

function both(a: Undo, b: Undo): Undo {
  return () => {
    a();
    b();
  };
}

function toServers(names: readonly string[], { ensemble }: Stage, how: 'kill' | 'freeze'): Undo {
  let undo = NOTHING;
  for (const place of ensemble.places) {
    const process = place.server?.process;
    if (process === undefined || !names.includes(place.host.name)) continue;
    if (how === 'kill') process.kill();
    else process.freeze();
    undo = both(undo, how === 'kill' ? () => ensemble.start(place) : () => process.thaw());
  }
  return undo;
}

function block(network: Network, pairs: readonly (readonly [string, string])[], state: Path): Undo {
  for (const [from, to] of pairs) network.setPath(from, to, { state });
  return () => {
    for (const [from, to] of pairs) network.setPath(from, to, { state: 'open' });
  };
}

/** Every path that leads from one side to the other. */
function across(side: readonly string[], hosts: readonly string[]): readonly (readonly [string, string])[] {
  const others = hosts.filter((host) => !side.includes(host));
  return side.flatMap((a) => others.map((b) => [b, a] as const));
}

const reversed = (pairs: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] =>
  pairs.map(([from, to]) => [to, from] as const);

function worsen(stage: Stage, side: readonly string[], change: { loss?: number; delayMs?: number }): Undo {
  const pairs = across(side, stage.hosts);
  const all = [...pairs, ...reversed(pairs)];
  for (const [from, to] of all) stage.network.setPath(from, to, change);
  return () => {
    for (const [from, to] of all) stage.network.setPath(from, to, { loss: 0, delayMs: 0 });
  };
}

/** Does it, and gives what puts it right. */
export function inflict(fault: Fault, stage: Stage): Undo {
  if (isAct(fault)) return stage.operators.act(fault);
  const { ensemble, network, nodes } = stage;
  if ('node' in fault) {
    const place = nodes.get(fault.node);
    if (place === undefined) return NOTHING;
    if (isRedisMishap(fault)) return toRedis(place, fault, fault.forMs);
    return isWholeNode(fault) ? toNode(place, fault, network) : toAgent(place, fault, fault.forMs);
  }
  switch (fault.kind) {
    case 'everything_lost':
      return [...nodes.values()].map((place) => loseHost(place, fault.data, network)).reduce(both, NOTHING);
    case 'server_killed':
      return toServers([fault.server], stage, 'kill');
    case 'server_frozen':
      return toServers([fault.server], stage, 'freeze');
    case 'leader_killed':
      return toServers([ensemble.leader?.process.host.name ?? ''], stage, 'kill');
    case 'ensemble_down':
      return toServers(ensemble.places.map(({ host }) => host.name), stage, 'kill');
    case 'ensemble_wiped':
      ensemble.wipe();
      stage.wiped();
      return NOTHING;
    case 'partition': {
      const pairs = across(fault.hosts, stage.hosts);
      return block(network, fault.oneWay ? pairs : [...pairs, ...reversed(pairs)], fault.how);
    }
    case 'cut': {
      const pair = [fault.from, fault.to] as const;
      return block(network, fault.oneWay ? [pair] : [pair, ...reversed([pair])], fault.how);
    }
    case 'lossy':
      return worsen(stage, fault.hosts, { loss: fault.loss });
    case 'delayed':
      return worsen(stage, fault.hosts, { delayMs: fault.delayMs });
  }
}
