/**
 * The kinds of faults: what each needs of the machine, what it takes hold of, and what its victims may expect.
 *
 * The last columns are the failure table of docs/guarantees.md in the form in which a program can judge by it.
 */

/** What the machine must permit. */
export type Need = 'filter' | 'shape' | 'netem' | 'mount' | 'cgroup' | 'proxy';

/** Of one victim, each of these serves one fault at a time; whoever holds none can overlap with everything. */
export type Hold = 'redis' | 'agent' | 'link' | 'disk' | 'cpu';

export interface FaultTraits {
  readonly weight: number;
  /** One of these is enough; empty: possible everywhere. */
  readonly needs: readonly Need[];
  readonly victim: 'node' | 'ensemble';
  readonly holds: readonly Hold[];
  readonly durationMs: readonly [number, number];
  /** What Redis holds in memory alone is gone. */
  readonly losesMemory?: true;
  /** Redis executes nothing, or next to nothing. */
  readonly stopsRedis?: true;
  /** The agent does nothing, or next to nothing. */
  readonly stopsAgent?: true;
  /** The network between this node and others is not what it should be. */
  readonly hitsNetwork?: true;
  /** The failure table lets writes be lost that the victim, or others while it is hit, acknowledged. */
  readonly mayLose?: true;
}

export const KINDS = {
  'redis-killed': {
    weight: 5, needs: [], victim: 'node', holds: ['redis', 'disk'], durationMs: [50, 8000],
    losesMemory: true, mayLose: true,
  },
  'agent-killed': {
    weight: 4, needs: [], victim: 'node', holds: ['agent'], durationMs: [50, 9000], stopsAgent: true,
  },
  'both-killed': {
    weight: 4, needs: [], victim: 'node', holds: ['redis', 'agent', 'disk'], durationMs: [100, 9000],
    losesMemory: true, stopsAgent: true, mayLose: true,
  },
  'redis-stopped': {
    weight: 4, needs: [], victim: 'node', holds: ['redis'], durationMs: [100, 12_000], stopsRedis: true,
    mayLose: true,
  },
  'agent-stopped': {
    weight: 4, needs: [], victim: 'node', holds: ['agent'], durationMs: [200, 10_000], stopsAgent: true,
  },
  'both-stopped': {
    weight: 4, needs: [], victim: 'node', holds: ['redis', 'agent'], durationMs: [200, 15_000],
    stopsRedis: true, stopsAgent: true, mayLose: true,
  },
  'cut-from-nodes': {
    weight: 3, needs: ['filter'], victim: 'node', holds: [], durationMs: [300, 12_000],
    hitsNetwork: true, mayLose: true,
  },
  'cut-from-zookeeper': {
    weight: 3, needs: ['filter', 'proxy'], victim: 'node', holds: [], durationMs: [300, 10_000],
    hitsNetwork: true, mayLose: true,
  },
  'cut-from-both': {
    weight: 5, needs: ['filter'], victim: 'node', holds: [], durationMs: [300, 15_000],
    hitsNetwork: true, mayLose: true,
  },
  'cut-from-all': {
    weight: 3, needs: ['filter'], victim: 'node', holds: [], durationMs: [300, 15_000],
    hitsNetwork: true, mayLose: true,
  },
  'deaf': {
    weight: 3, needs: ['filter'], victim: 'node', holds: [], durationMs: [300, 12_000],
    hitsNetwork: true, mayLose: true,
  },
  'mute': {
    weight: 3, needs: ['filter'], victim: 'node', holds: [], durationMs: [300, 12_000],
    hitsNetwork: true, mayLose: true,
  },
  'loss': {
    weight: 3, needs: ['filter'], victim: 'node', holds: [], durationMs: [500, 10_000],
    hitsNetwork: true, mayLose: true,
  },
  'rejected': {
    weight: 3, needs: ['filter'], victim: 'node', holds: [], durationMs: [100, 6000], hitsNetwork: true, mayLose: true,
  },
  'slow-link': {
    weight: 2, needs: ['shape'], victim: 'node', holds: ['link'], durationMs: [500, 8000],
    hitsNetwork: true, mayLose: true,
  },
  'delay': {
    weight: 2, needs: ['netem'], victim: 'node', holds: ['link'], durationMs: [500, 8000],
    hitsNetwork: true, mayLose: true,
  },
  'zookeeper-leader-killed': {
    weight: 3, needs: [], victim: 'ensemble', holds: [], durationMs: [500, 6000],
  },
  'ensemble-down': {
    weight: 2, needs: [], victim: 'ensemble', holds: [], durationMs: [500, 8000],
  },
  'redis-emptied': {
    weight: 3, needs: [], victim: 'node', holds: ['redis', 'disk'], durationMs: [50, 1500],
    losesMemory: true, mayLose: true,
  },
  'disk-full': {
    weight: 2, needs: ['mount'], victim: 'node', holds: ['redis', 'disk'], durationMs: [1000, 8000],
  },
  'cpu-starved': {
    weight: 2, needs: ['cgroup'], victim: 'node', holds: ['cpu'], durationMs: [500, 6000],
    stopsRedis: true, stopsAgent: true, mayLose: true,
  },
} as const satisfies Record<string, FaultTraits>;

export type FaultKind = keyof typeof KINDS;

export const FAULT_KINDS = Object.keys(KINDS) as FaultKind[];

export function traitsOf(kind: FaultKind): FaultTraits {
  return KINDS[kind];
}

export function isFaultKind(name: string): name is FaultKind {
  return Object.hasOwn(KINDS, name);
}
