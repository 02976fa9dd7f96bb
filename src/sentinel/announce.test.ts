/** Scenes from the life of a service, and what subscribers hear of each: one picture follows another. */
import { describe, expect, test } from 'vitest';
import type { Topology, TopologyReplica } from '../contract/topology.ts';
import { eventsBetween } from './announce.ts';
import { nextPicture } from './picture.ts';
import type { Picture } from './picture.ts';
import { sentinelId } from './run-id.ts';

const A = { name: 'a', host: '10.0.0.1', port: 6379, runId: 'run-a' };
const B = { name: 'b', host: '10.0.0.2', port: 6379, runId: 'run-b' };
const C = { name: 'c', host: '10.0.0.3', port: 6379, runId: 'run-c' };
type Redis = typeof A;

const attached = { online: true, offset: 7, lagSeconds: 0 };
const replica = (redis: Redis, change: Partial<TopologyReplica> = {}): TopologyReplica => (
  { ...redis, priority: 100, attached, gone: false, takesReads: true, ...change }
);

/** Seen by the agent of `c`, unless said otherwise. */
const CALM: Topology = {
  nowMs: 1000,
  service: 'svc',
  self: 'c',
  seesEnsemble: true,
  epoch: 4,
  master: A,
  lastMaster: A,
  planned: false,
  elected: null,
  masterHeard: true,
  heardAgoMs: 10,
  replicas: [replica(B), replica(C)],
  agents: [{ name: 'a', host: '10.0.0.1', port: 26379 }, { name: 'b', host: '10.0.0.2', port: 26379 }],
  liveAgents: 3,
  nodes: ['a', 'b', 'c'],
  downAfterMs: 2000,
};
const LOST: Partial<Topology> = {
  master: null, masterHeard: false, replicas: [replica(B, { attached: null }), replica(C, { attached: null })],
};

/** What is told scene by scene; each scene is a change of the one before. */
function told(scenes: readonly Partial<Topology>[], { aliases = false, names = ['svc'] } = {}): string[][] {
  let seen = CALM;
  let picture: Picture = nextPicture(null, CALM);
  return scenes.map((scene) => {
    seen = { ...seen, nowMs: seen.nowMs + 1, ...scene };
    const next = nextPicture(picture, seen);
    const events = eventsBetween(picture, next, { names, aliases, show: (host) => host });
    picture = next;
    return events.map(({ channel, payload }) => `${channel} ${payload}`);
  });
}

const MASTER_A = 'master svc 10.0.0.1 6379';
const slave = (of: Redis, master: Redis): string => (
  `slave ${of.host}:6379 ${of.host} 6379 @ svc ${master.host} 6379`
);

describe('a failover', () => {
  const won: Partial<Topology> = { epoch: 5, elected: 'b' };
  const done: Partial<Topology> = {
    master: B, lastMaster: B, elected: null, masterHeard: true,
    replicas: [replica(A, { attached: null }), replica(C)],
  };

  test('as one of those hears it who did not win', () => {
    expect(told([LOST, won, done])).toEqual([
      [`+sdown ${MASTER_A}`, `+odown ${MASTER_A} #quorum 2/2`],
      ['+new-epoch 5'],
      [
        `+config-update-from sentinel ${sentinelId('svc', 'b')} 10.0.0.2 26379 @ svc 10.0.0.1 6379`,
        '+switch-master svc 10.0.0.1 6379 10.0.0.2 6379',
        `+slave ${slave(A, B)}`,
        `+slave ${slave(C, B)}`,
        `+slave-reconf-done ${slave(C, B)}`,
      ],
    ]);
  });

  test('as the winner tells it, in the order of the reference', () => {
    const own = { self: 'b', agents: [] };
    const scenes = told([own, LOST, won, done]);
    expect(scenes.slice(1)).toEqual([
      [`+sdown ${MASTER_A}`, `+odown ${MASTER_A} #quorum 2/2`],
      [
        '+new-epoch 5',
        `+try-failover ${MASTER_A}`,
        `+vote-for-leader ${sentinelId('svc', 'b')} 5`,
        `+elected-leader ${MASTER_A}`,
        `+failover-state-select-slave ${MASTER_A}`,
        `+selected-slave ${slave(B, A)}`,
        `+failover-state-send-slaveof-noone ${slave(B, A)}`,
        `+failover-state-wait-promotion ${slave(B, A)}`,
      ],
      [
        `+promoted-slave ${slave(B, A)}`,
        `+failover-state-reconf-slaves ${MASTER_A}`,
        `-odown ${MASTER_A}`,
        `+failover-end ${MASTER_A}`,
        '+switch-master svc 10.0.0.1 6379 10.0.0.2 6379',
        `+slave ${slave(A, B)}`,
        `+slave ${slave(C, B)}`,
        `+slave-reconf-sent ${slave(C, B)}`,
        `+slave-reconf-inprog ${slave(C, B)}`,
        `+slave-reconf-done ${slave(C, B)}`,
      ],
    ]);
  });

  test('a winner whose Redis does not become the master says so, once, and tells of who does', () => {
    const lost = { elected: null };
    const replicas = [replica(A, { attached: null }), replica(B)];
    const other = { ...done, master: C, lastMaster: C, epoch: 6, replicas };
    const lines = told([{ self: 'b', agents: [] }, LOST, won, lost, {}, other]).slice(3);
    expect(lines[0]).toEqual([`-failover-abort-slave-timeout ${MASTER_A}`]);
    expect(lines[1]).toEqual([]);
    expect(lines[2]?.slice(0, 2)).toEqual(['+new-epoch 6', '+switch-master svc 10.0.0.1 6379 10.0.0.3 6379']);
    expect(told([LOST, won, lost]).flat().join()).not.toContain('-failover-abort');
  });

  test('steps that were not seen are told all the same, in their order', () => {
    const [, , all] = told([{ self: 'b', agents: [] }, LOST, { ...won, ...done }]);
    expect(all?.map((line) => line.split(' ')[0])).toEqual([
      '+new-epoch', '+try-failover', '+vote-for-leader', '+elected-leader', '+failover-state-select-slave',
      '+selected-slave', '+failover-state-send-slaveof-noone', '+failover-state-wait-promotion', '+promoted-slave',
      '+failover-state-reconf-slaves', '-odown', '+failover-end', '+switch-master', '+slave', '+slave',
      '+slave-reconf-sent', '+slave-reconf-inprog', '+slave-reconf-done',
    ]);
  });

  test('the old master counts as down only when it stays away, and is converted when it comes back', () => {
    const away = [replica(C), replica(A, { attached: null })];
    const back = [replica(C), replica(A)];
    const scenes = [LOST, won, done, { nowMs: 2000, replicas: away }, { nowMs: 9000 }, { replicas: back }];
    expect(told(scenes).slice(3)).toEqual([
      [],
      [`+sdown ${slave(A, B)}`],
      [`-sdown ${slave(A, B)}`, `+convert-to-slave ${slave(A, B)}`],
    ]);
  });

  test('one that its own agent calls dead is down at once', () => {
    const scenes = told([LOST, won, { ...done, replicas: [replica(A, { attached: null, gone: true }), replica(C)] }]);
    expect(scenes[2]).toContain(`+sdown ${slave(A, B)}`);
  });

  test('a switch is told once, whatever is looked at again', () => {
    const lines = told([LOST, won, done, {}, { epoch: 5 }, done]).flat();
    expect(lines.filter((line) => line.startsWith('+switch-master'))).toHaveLength(1);
  });

  test('the aliases follow the events that they stand for, unless they are switched off', () => {
    const lines = told([LOST, won, done], { aliases: true })[2] ?? [];
    expect(lines.filter((line) => !line.startsWith('+config')).slice(0, 2)).toEqual([
      '+switch-master svc 10.0.0.1 6379 10.0.0.2 6379',
      'switch-master svc 10.0.0.1 6379 10.0.0.2 6379',
    ]);
    expect(lines.at(-1)).toBe(`+replica-reconf-done ${slave(C, B)}`);
  });

  test('is told under each name of the master', () => {
    const lines = told([LOST, won, done], { names: ['svc', 'mymaster'] }).flat();
    expect(lines.filter((line) => line.startsWith('+switch-master'))).toEqual([
      '+switch-master svc 10.0.0.1 6379 10.0.0.2 6379',
      '+switch-master mymaster 10.0.0.1 6379 10.0.0.2 6379',
    ]);
  });
});

test('a planned switchover is no failure: nobody is called down on the way', () => {
  const without = { ...LOST, planned: true };
  const between = { planned: false, epoch: 5, elected: 'b' };
  const done = { master: B, elected: null, masterHeard: true, replicas: [replica(A), replica(C)] };
  const lines = told([{ planned: true }, without, between, done]).flat();
  expect(lines.filter((line) => /down/.test(line))).toEqual([]);
  expect(lines.filter((line) => line.startsWith('+switch-master'))).toHaveLength(1);
  expect(lines).toContain(`+convert-to-slave ${slave(A, B)}`);
});

test('a switchover that leaves nobody in office ends as a failure', () => {
  const lines = told([{ ...LOST, planned: true }, { planned: false }]);
  expect(lines).toEqual([[], [`+sdown ${MASTER_A}`, `+odown ${MASTER_A} #quorum 2/2`]]);
});

test('the same master again is up again, and restarted where it is another process', () => {
  expect(told([LOST, { ...CALM, nowMs: 1002, epoch: 5 }])[1]).toEqual([
    '+new-epoch 5', `-sdown ${MASTER_A}`, `-odown ${MASTER_A}`,
  ]);
  expect(told([{ master: { ...A, runId: 'another' } }])).toEqual([[`+reboot ${MASTER_A}`]]);
});

test('an agent that does not see the ensemble says so, and calls nobody down', () => {
  const blind = { seesEnsemble: false, master: null, replicas: [], agents: [], nodes: [], epoch: 0 };
  expect(told([blind, { nowMs: 60_000 }, { ...CALM, nowMs: 60_001 }])).toEqual([
    ['+tilt #tilt mode entered'], [], ['-tilt #tilt mode exited'],
  ]);
});

test('what happened while it could not see is told when it can', () => {
  const blind = { seesEnsemble: false, master: null };
  const later = { seesEnsemble: true, master: B, epoch: 6, replicas: [replica(A), replica(C)] };
  const lines = told([blind, later])[1] ?? [];
  expect(lines.slice(0, 2)).toEqual(['-tilt #tilt mode exited', '+new-epoch 6']);
  expect(lines).toContain('+switch-master svc 10.0.0.1 6379 10.0.0.2 6379');
});

test('replicas and agents come and go', () => {
  const d = { name: 'd', host: '10.0.0.4', port: 6379, runId: 'run-d' };
  const id = sentinelId('svc', 'b');
  expect(told([
    { replicas: [replica(B), replica(C), replica(d)] },
    { replicas: [replica(B), replica(C, { attached: null, gone: true })] },
    { replicas: [replica(B, { runId: 'other' }), replica(C)] },
    { agents: [{ name: 'a', host: '10.0.0.1', port: 26379 }] },
    { agents: [...CALM.agents.slice(0, 1), { name: 'b', host: '10.0.0.2', port: 26380 }] },
    { agents: [...CALM.agents.slice(0, 1), { name: 'b', host: '10.0.0.9', port: 26380 }] },
  ])).toEqual([
    [`+slave ${slave(d, A)}`],
    [`+sdown ${slave(C, A)}`],
    [`+reboot ${slave(B, A)}`, `-sdown ${slave(C, A)}`],
    [`+sdown sentinel ${id} 10.0.0.2 26379 @ svc 10.0.0.1 6379`],
    [`+sentinel sentinel ${id} 10.0.0.2 26380 @ svc 10.0.0.1 6379`],
    [`+sentinel-address-switch ${MASTER_A} ip 10.0.0.9 port 26380 for ${id}`],
  ]);
});

test('a registered node that nobody lists is still one, and down; a forgotten one is not', () => {
  const gone = told([{ replicas: [replica(B)] }]);
  expect(gone).toEqual([[`+sdown ${slave(C, A)}`]]);
  const picture = nextPicture(nextPicture(null, CALM), { ...CALM, replicas: [replica(B)], nodes: ['a', 'b'] });
  expect(picture.replicas.map(({ name }) => name)).toEqual(['b']);
});

test('the first master of a service is announced as one that is monitored', () => {
  const none = nextPicture(null, { ...CALM, master: null, lastMaster: null, replicas: [], agents: [] });
  const events = eventsBetween(none, nextPicture(none, CALM), { names: ['svc'], aliases: false, show: (host) => host });
  expect(events.map(({ channel }) => channel)).toEqual(['+monitor', '+slave', '+slave', '+sentinel', '+sentinel']);
  expect(events[0]?.payload).toBe(`${MASTER_A} quorum 2`);
});
