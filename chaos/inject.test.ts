import { describe, expect, test } from 'vitest';
import { Book } from './clients/book.ts';
import { Injector } from './inject.ts';
import type { FaultKind } from './plan/kinds.ts';
import type { PlannedFault } from './plan/schedule.ts';
import type { Host, Network } from './world/network.ts';
import type { RedisHost } from './world/redis-host.ts';
import type { Filter } from './world/rules.ts';
import type { Ensemble, Subject } from './world/subject.ts';

/** A world in which everything is written down and nothing happens. */
class Paper {
  readonly done: string[] = [];
  /** What each host's filter holds now. */
  readonly filters = new Map<string, readonly Filter[]>();
  readonly book = new Book(3);
  readonly injector: Injector;
  private applied = 0;

  constructor(ensemble: Ensemble | null = null, memoryLosersMax = 2) {
    const nodes = [0, 1, 2].map((index) => this.node(index));
    const subject = { nodes, ensemble, cutFromZooKeeper: null } as unknown as Subject;
    const network: Network = {
      kind: 'namespaces',
      clients: '10.0.0.1',
      addHost: () => Promise.reject(new Error('there are enough')),
      filter: (host, filters) => this.filter(host, filters),
      shape: (host, shape) => Promise.resolve(void this.done.push(`shape ${host.name} ${shape?.kind ?? 'off'}`)),
    };
    this.injector = new Injector({ subject, network, book: this.book, cgroups: [null, null, null], memoryLosersMax });
  }

  /** The earlier call takes longer: applied as they come, the older rules would win. */
  private async filter(host: Host, filters: readonly Filter[]): Promise<void> {
    this.applied += 1;
    await new Promise((resolve) => setTimeout(resolve, Math.max(1, 20 - 5 * this.applied)));
    this.filters.set(host.name, filters);
  }

  private node(index: number): Subject['nodes'][number] {
    const name = `node${index + 1}`;
    const note = (what: string) => (detail = ''): Promise<void> => (
      Promise.resolve(void this.done.push(`${what} ${name}${detail}`))
    );
    const redis = {
      running: true, kill: note('kill redis of'), start: note('start redis of'), empty: note('empty'),
      signal: note('signal redis of '), fillDisk: note('fill'), freeDisk: note('free'),
    } as unknown as RedisHost;
    const guard = {
      alive: true, kill: note('kill agent of'), start: note('start agent of'), signal: note('signal agent of '),
    };
    return { name, host: { name, address: `10.0.0.1${index}`, prefix: [] }, redis, guard, ports: [6379, 8000] };
  }
}

function planned(kind: FaultKind, change: Partial<PlannedFault> = {}): PlannedFault {
  return {
    kind, atMs: 0, durationMs: 10, aim: 0, lossPercent: 10, peers: 'both', rejection: 'icmp', kbitPerSecond: 64,
    delayMs: 5, byStopping: false, ...change,
  };
}

describe('the injector', () => {
  test('aims at the master of that moment', async () => {
    const { injector, book } = new Paper();
    const nowMs = performance.now();
    book.acknowledged({ key: 'a', by: 'fixed', server: 2, sentMs: nowMs, ackedMs: nowMs });
    const begun = await injector.begin(planned('agent-stopped', { aim: 'master' }));
    expect(begun?.fault).toMatchObject({ victim: 2, role: 'master' });
  });

  test('what is hit already is not hit again: the next node is, and in the end nobody', async () => {
    const { injector } = new Paper();
    const victims: (number | null | undefined)[] = [];
    for (let i = 0; i < 4; i += 1) {
      const begun = await injector.begin(planned('redis-stopped', { aim: 1 }));
      victims.push(begun?.fault.victim);
    }
    expect(victims).toEqual([1, 2, 0, undefined]);
    expect(injector.skipped).toBe(1);
  });

  test('an end makes room again', async () => {
    const { injector, done } = new Paper();
    const first = await injector.begin(planned('both-killed'));
    await first?.end();
    expect(first?.fault.endedMs).not.toBeNull();
    expect((await injector.begin(planned('both-killed')))?.fault.victim).toBe(0);
    expect(done.slice(0, 4)).toEqual([
      'kill redis of node1', 'kill agent of node1', 'start agent of node1', 'start redis of node1',
    ]);
  });

  test('no more nodes lose their memory in one round than may', async () => {
    const { injector } = new Paper(null, 1);
    const first = await injector.begin(planned('redis-killed', { aim: 0 }));
    await first?.end();
    const second = await injector.begin(planned('redis-emptied', { aim: 1 }));
    expect(second?.fault.victim).toBe(0);
    await second?.end();
    injector.beginRound();
    expect((await injector.begin(planned('redis-emptied', { aim: 1 })))?.fault.victim).toBe(1);
  });

  test('filters of one node add up, and those that end together all end', async () => {
    const { injector, filters } = new Paper();
    const [cut, loss] = await Promise.all([
      injector.begin(planned('cut-from-both')), injector.begin(planned('loss')),
    ]);
    expect(filters.get('node1')?.map(({ kind }) => kind)).toEqual(['cut', 'loss']);
    await Promise.all([cut?.end(), loss?.end()]);
    expect(filters.get('node1')).toEqual([]);
  });

  test('a fault of the ensemble finds nobody where there is none', async () => {
    const { injector } = new Paper();
    expect(await injector.begin(planned('ensemble-down'))).toBeNull();
    expect(injector.skipped).toBe(1);
  });
});
