// No full sync from a process that nobody saw to be the master (I5): who leaves which address, and who stays.

import { describe, expect, test } from 'vitest';

import type { RedisFacts } from './facts.ts';
import { YOUNG_LOOK_MS } from './fencing.ts';
import type { State } from './state.ts';
import type { Change } from './testing/world.ts';
import {
  facts, kept, lease, linkTo, masterFacts, member, ownAnswers, redisOf, remoteAnswers, replicaFacts, run, runIdOf,
  sessionOf, sight, START_MS, T_MS, term, world,
} from './testing/world.ts';
import { POLL_ALERT_MS, POLL_SETTLING_MS, wanted } from './wanted.ts';

const broken = { up: false, syncInProgress: false } as const;
const syncing = { up: false, syncInProgress: true } as const;
const streaming = (change: Parameters<typeof linkTo>[1] = {}) =>
  replicaFacts('b', { announced: redisOf('b'), link: linkTo(redisOf('a'), change) });
const answering = sight(masterFacts());
const silent = sight(masterFacts(), { silentSinceMs: START_MS - 100 });
const unreached = sight(null, { link: 'failed', current: false, failure: 'timeout' });
const demoted = sight(replicaFacts('a', { runId: runIdOf('a') }));
const another = sight(masterFacts({ runId: 'run-restarted', keys: 0 }));

describe('a replica', () => {
  const replica = (link: Parameters<typeof linkTo>[1], remote: State['remote']): State =>
    world('b', 'replica', { own: sight(streaming(link)), remote });
  test.each<[string, State, boolean]>([
    ['stays while its master answers, whatever the link does', replica(broken, answering), false],
    ['stays with a silent master as long as it streams', replica({}, silent), false],
    ['leaves a silent master when the stream breaks', replica(broken, silent), true],
    ['leaves when a full sync begins from a silent one', replica(syncing, silent), true],
    ['leaves when another process answers there', replica({}, another), true],
    ['leaves when the stream breaks and nothing there could be reached so far', replica(broken, unreached), true],
    ['stays with one that could not be reached so far as long as it streams', replica({}, unreached), false],
    ['leaves when the stream breaks and that process is a replica by now', replica(broken, demoted), true],
  ])('%s', (_what, state, leaves) => {
    expect(run(state, 1).does.includes('freeze')).toBe(leaves);
  });

  test('calls off a full sync until its master has answered since the stream broke', () => {
    const begins = run(replica({}, answering), 500, ownAnswers(streaming(syncing)));
    expect(begins.does).toContain('freeze');
    const confirmed = run(replica({}, answering), 500, ownAnswers(streaming(broken)));
    expect(confirmed.does).not.toContain('freeze');
    expect(wanted(confirmed.state).pollRemoteMs).toBe(POLL_ALERT_MS);
    const goesOn = run(confirmed.state, 2, remoteAnswers(masterFacts()), ownAnswers(streaming(syncing)));
    expect(goesOn.does).not.toContain('freeze');
  });

  test('leaves a master that answered until the stream broke, and not at once behind it', () => {
    const quiet = run(replica({}, answering), 500, ownAnswers(streaming(broken)));
    expect(run(quiet.state, 9).does).not.toContain('freeze');
    expect(run(quiet.state, 10).does).toContain('freeze');
    expect(run(quiet.state, 5, remoteAnswers(masterFacts()), 20).does).not.toContain('freeze');
  });

  test('does not follow a master that has fallen silent', () => {
    const own = sight(facts('b', { link: linkTo({ host: '127.0.0.1', port: 1 }, broken) }));
    expect(run(world('b', 'replica', { own, remote: answering }), 1).does).toContain('follow');
    expect(run(world('b', 'replica', { own, remote: silent }), 1).does).not.toContain('follow');
  });

  test.each([[broken, true], [{}, false]])('with link %o leaves the old master of a successor that is silent: %s', (
    link, leaves,
  ) => {
    const record = { lease: kept(lease('c'), { owner: sessionOf('c') }), term: term({ inSync: ['b'] }) };
    const own = sight(streaming(link));
    const state = world('b', 'replica', { own, remote: silent, remoteTarget: redisOf('c'), record });
    expect(run(state, 1).does.includes('freeze')).toBe(leaves);
  });

  test('bound by a promise in an outage, leaves a master that is gone, and not one that is out of reach', () => {
    const promise = { to: 'a', epoch: 5, redis: redisOf('a'), sinceMs: START_MS, untilMs: START_MS + 3 * T_MS };
    const bound = (remote: State['remote']): readonly string[] => {
      const own = sight(streaming(broken), { unlinkedSinceMs: START_MS });
      return run(world('b', 'replica', { own, remote, promise, session: null, lastProofMs: START_MS }), T_MS).does;
    };
    const gone = { link: 'refused', current: false, endedAfterHealth: true } as const;
    expect(bound(sight(masterFacts(), gone))).toEqual(['freeze']);
    expect(bound(sight(masterFacts(), { ...gone, link: 'failed', failure: 'timeout' }))).toEqual([]);
  });

  test.each([[broken, true], [{}, false]])('bound again as a candidate, with link %o leaves its master: %s', (
    link, leaves,
  ) => {
    const promise = { to: 'a', epoch: 5, redis: redisOf('a'), sinceMs: START_MS, untilMs: START_MS + T_MS };
    const own = sight(streaming(link), { unlinkedSinceMs: START_MS });
    const state = world('b', 'candidate', { own, remote: silent, promise, record: { lease: null } });
    expect(run(state, 20).does.includes('freeze')).toBe(leaves);
  });

  test('leaves the old master of a successor that answers, and that nothing proves, when the stream breaks', () => {
    const record = { lease: kept(lease('c'), { owner: sessionOf('c') }), term: term({ inSync: ['b'] }) };
    const does = (link: Parameters<typeof linkTo>[1], afterMs: number): readonly string[] => {
      const remote = sight(masterFacts({ runId: runIdOf('c') }), { answeredAtMs: START_MS + afterMs });
      const unproven = { session: null, lastProofMs: START_MS, remote, remoteTarget: redisOf('c'), record };
      return run(world('b', 'replica', { own: sight(streaming(link)), ...unproven }), afterMs).does;
    };
    expect(does(broken, 1)).toEqual(['follow']);
    expect(does(broken, T_MS)).toEqual(['freeze']);
    expect(does({}, 1)).toEqual(['follow']);
  });
});

describe('a node without a place, while no ensemble answers', () => {
  const unread = (link: Parameters<typeof linkTo>[1], change: Change = {}): State =>
    world('b', 'starting', {
      own: sight(streaming(link)), session: null, synced: false, managedBefore: true, remote: silent, ...change,
    });
  const nothing = { record: { term: null } };
  const master = { name: 'c', redis: redisOf('c'), runId: runIdOf('c') };
  const later = { record: { term: term({ master, inSync: ['b'] }) } };
  const known = { memory: { term: term(), version: 7, settings: null } };
  test.each<[string, State, number, boolean]>([
    ['knows its master: leaves when the stream breaks in a silence', unread(broken, known), 1, true],
    ['knows its master: stays while that one answers', unread(broken, { ...known, remote: answering }), 1, false],
    ['knows of a later master than it is linked to: leaves when the stream breaks', unread(broken, later), 1, true],
    ['knows of a later master than it is linked to: stays as long as it streams', unread({}, later), 1, false],
    ['knows nothing: looks around first', unread(syncing, nothing), YOUNG_LOOK_MS - 1, false],
    ['knows nothing: leaves an address without a link', unread(broken, nothing), YOUNG_LOOK_MS, true],
    ['knows nothing, and streams: stays until its proof is due', unread({}, nothing), 100, false],
  ])('%s', (_what, state, afterMs, leaves) => {
    const begun = { ...state, startedAtMs: START_MS, lastProofMs: START_MS };
    expect(run(begun, afterMs).does.includes('freeze')).toBe(leaves);
  });
});

test('a master in doubt that was made a replica copies nobody whom it meets there', () => {
  const made = (link: Parameters<typeof linkTo>[1]): State =>
    world('a', 'master', { own: sight(replicaFacts('a', { link: linkTo(redisOf('b'), link) })) });
  const doubts = (state: State) => run(state, { kind: 'session_disconnected' }, T_MS);
  expect(doubts(made({})).does).not.toContain('freeze');
  expect(doubts(made(broken)).does).toContain('freeze');
  expect(wanted(made({})).pollOwnMs).toBe(POLL_SETTLING_MS);
});

describe('a dataset that is none of the service', () => {
  const foreign = (change: Partial<RedisFacts> = {}): State => ({
    ...world('d', 'replica', {
      own: sight(facts('d', { replid: 'other', replid2: null, ...change })),
      record: { members: [member('a'), member('d')] },
    }),
    remote: sight(masterFacts()),
    remoteTarget: redisOf('a'),
  });

  test('does not follow', () => {
    const played = run(foreign(), 0);
    expect(played.does).not.toContain('fence_hard');
    expect([...played.state.reasons]).toContain('foreign_dataset');
  });

  test.each<[string, RedisFacts['link'], boolean]>([
    ['that streamed from another process there', linkTo(redisOf('a'), { up: false }), true],
    ['that only starts as a replica is left', linkTo(redisOf('a'), { up: false, everUp: false }), false],
    ['of the master of another service is left', linkTo(redisOf('z'), { up: false }), false],
  ])('leaves the master: one %s', (_what, link, leaves) => {
    const played = run(foreign({ role: 'replica', link }), 0);
    expect(played.does.includes('freeze')).toBe(leaves);
    expect([...played.state.reasons]).toContain('foreign_dataset');
  });
});
