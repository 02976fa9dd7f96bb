/** What records alone tell of a service. */
import { expect, test } from 'vitest';
import { kept, member } from '../core/testing/world.ts';
import { noFacts, takeRecord } from './facts.ts';
import type { ServiceFacts } from './facts.ts';
import { topologyOf } from './topology.ts';

const A = { name: 'a', host: '10.0.0.1', port: 6379, runId: 'run-a' };
const B = { name: 'b', host: '10.0.0.2', port: 6379, runId: 'run-b' };
const memberOf = ({ name, host, port, runId }: typeof A) => (
  { name, redis: { host, port }, sentinel: { host, port: 26379 }, runId, priority: 100, takesReads: true }
);

function facts(change: Partial<ServiceFacts> = {}): ServiceFacts {
  return {
    ...noFacts(),
    lease: { ...A, epoch: 4, owner: 1n },
    announcedBy: 1n,
    term: { epoch: 4, master: A, nodes: ['a', 'b'], inSync: ['b'], handsOver: false },
    members: new Map([['b', memberOf(B)], ['a', memberOf(A)]]),
    ...change,
  };
}
const seen = (change: Partial<ServiceFacts> = {}) => (
  topologyOf(facts(change), { service: 'svc', nowMs: 5, downAfterMs: 2000 })
);

test('the master is who holds the lease and is announced by the same session', () => {
  const calm = { master: A, lastMaster: A, epoch: 4, elected: null, seesEnsemble: true, planned: false };
  expect(seen()).toMatchObject(calm);
  expect(seen({ announcedBy: null })).toMatchObject({ master: null, lastMaster: A, elected: 'a' });
  expect(seen({ announcedBy: 2n })).toMatchObject({ master: null, elected: 'a' });
  expect(seen({ lease: null })).toMatchObject({ master: null, lastMaster: A, elected: null });
  expect(seen({ lease: null, term: null })).toMatchObject({ master: null, lastMaster: null, nodes: [] });
});

test('a replica follows while the term has it in sync, and is gone when its agent says so', () => {
  expect(seen().replicas).toEqual([
    { ...B, priority: 100, attached: { online: true, offset: 0, lagSeconds: 0 }, gone: false, takesReads: true },
  ]);
  const behind = { epoch: 4, master: A, nodes: ['a', 'b'], inSync: [], handsOver: false };
  expect(seen({ term: behind }).replicas[0]).toMatchObject({ attached: { online: false }, gone: false });
  const dead = new Map([['b', { ...memberOf(B), runId: null }]]);
  expect(seen({ members: dead }).replicas).toMatchObject([{ name: 'b', attached: null, gone: true }]);
});

test.each([true, false])('who is not to be read from (%s) is known by its record', (noRead) => {
  const taken = facts({ members: new Map() });
  takeRecord(taken, { record: 'members', name: 'b', kept: kept(member('b', { noRead })) });
  const { replicas } = topologyOf(taken, { service: 'svc', nowMs: 5, downAfterMs: 2000 });
  expect(replicas.map(({ takesReads }) => takesReads)).toEqual([!noRead]);
});

test('its agents are the Sentinels, where they listen; a switchover is known as planned', () => {
  expect(seen()).toMatchObject({ liveAgents: 2, agents: [{ name: 'a', port: 26379 }, { name: 'b', port: 26379 }] });
  const silent = new Map([['a', { ...memberOf(A), sentinel: null }]]);
  expect(seen({ members: silent })).toMatchObject({ liveAgents: 1, agents: [] });
  expect(seen({ ordered: true }).planned).toBe(true);
  expect(seen({ term: { epoch: 4, master: A, nodes: ['a'], inSync: [], handsOver: true } }).planned).toBe(true);
});
