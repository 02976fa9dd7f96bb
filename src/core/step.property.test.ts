// What holds whatever happens: arbitrary inputs in arbitrary order, one agent.
//
// Records are coherent (what is not, the mirror does not let through) and agree in nothing else: leases of anybody,
// terms of any epoch, ballots of the dead. Answers are to actions that are on their way.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { FailsafeQuestion } from '../contract/failsafe.ts';
import type { Action } from './actions.ts';
import { ownBallot } from './claim.ts';
import { sameAddress } from './facts.ts';
import type { PeerEvent, RedisFacts, SightEvent } from './facts.ts';
import { FENCE_MIN_REPLICAS, fenceAtMs } from './fencing.ts';
import type { Input, Outcome } from './inputs.ts';
import { holdsPower } from './power.ts';
import { CLOSED_ADDRESS, ourLease } from './queries.ts';
import type { Ballot, RecordRead, Term } from './records.ts';
import type { Role } from './role.ts';
import type { State } from './state.ts';
import { step } from './step.ts';
import {
  attached, ballot, EPOCH, facts, instanceOf, kept, lease, linkTo, masterRecord, member, NAMES, nodeRecord, OLD_REPLID,
  redisOf, REPLID, runIdOf, sessionOf, START_MS, term, world,
} from './testing/world.ts';

const name = fc.constantFrom(...NAMES);
const epoch = fc.constantFrom(EPOCH, EPOCH, EPOCH + 1);
const replid = fc.constantFrom(REPLID, REPLID, OLD_REPLID, 'other');
const priority = fc.constantFrom(100, 100, 0);

const anyLink = fc.record({
  target: fc.constantFrom(...NAMES.map(redisOf), { host: '127.0.0.1', port: 1 }),
  up: fc.boolean(),
  syncInProgress: fc.boolean(),
}).map(({ target, ...rest }) => linkTo(target, rest));

function anyFacts(of: string): fc.Arbitrary<RedisFacts> {
  return fc.record({
    runId: fc.constantFrom(runIdOf(of), runIdOf(of), 'run-new'),
    loading: fc.constantFrom(false, false, true),
    replid,
    offset: fc.constantFrom(1000, 1000, 1200, 0),
    keys: fc.constantFrom(10, 10, 0),
    priority,
    link: fc.option(anyLink),
    replicas: fc.subarray([attached('a'), attached('b'), attached('c', { lagSeconds: 9 })]),
    minReplicas: fc.constantFrom(0, 1, 1_000_000, null),
  }).map((change) => facts(of, change));
}

function anySight(of: string): fc.Arbitrary<SightEvent> {
  return fc.oneof(
    { arbitrary: anyFacts(of).map((seen): SightEvent => ({ seen: 'answered', facts: seen })), weight: 5 },
    fc.constantFrom<SightEvent>(
      { seen: 'opened' },
      { seen: 'closed' },
      { seen: 'refused' },
      { seen: 'failed', code: 'auth' },
      { seen: 'blocked', by: 'busy' },
      { seen: 'blocked', by: 'loading' },
      { seen: 'silent', sinceMs: START_MS },
    ),
  );
}

const anyTerm: fc.Arbitrary<Term> = fc.record({
  epoch,
  master: fc.option(name),
  inSync: fc.subarray([...NAMES]),
  nodes: fc.subarray([...NAMES], { minLength: 1 }),
  pending: fc.boolean(),
  designated: fc.option(name, { freq: 4 }),
}).map((drawn) => term({
  ...drawn,
  master: drawn.master === null ? null : {
    name: drawn.master, runId: runIdOf(drawn.master), redis: redisOf(drawn.master),
  },
  inSync: drawn.inSync.filter((each) => each !== drawn.master),
  pending: drawn.pending ? { epoch: drawn.epoch, node: drawn.master ?? 'a' } : null,
}));

const anyBallot: fc.Arbitrary<Ballot> = fc.record({
  of: name,
  epoch,
  offset: fc.constantFrom(1000, 1200),
  priority,
  standing: fc.constantFrom('frozen', 'linked', 'incumbent'),
  refusal: fc.option(fc.constant('not_in_sync' as const)),
  deathProof: fc.constantFrom(null, runIdOf('a')),
}).map(({ of, ...change }) => ballot(of, change));

const owner = fc.constantFrom(...NAMES.map(sessionOf), 99n);
const version = fc.nat(9);

const anyRead: fc.Arbitrary<RecordRead> = fc.oneof(
  fc.record({ of: name, epoch, owner, mine: fc.boolean(), there: fc.boolean() }).map((drawn): RecordRead => {
    const value = lease(drawn.of, { epoch: drawn.epoch, instance: drawn.mine ? instanceOf(drawn.of) : 'instance-old' });
    return { record: 'lease', kept: drawn.there ? kept(value, { owner: drawn.owner }) : null };
  }),
  fc.tuple(fc.option(anyTerm, { freq: 8 }), version).map(([value, at]): RecordRead =>
    ({ record: 'term', kept: value && kept(value, { version: at }) })),
  fc.tuple(fc.option(name), owner).map(([of, by]): RecordRead =>
    ({ record: 'masterRecord', kept: of === null ? null : kept(masterRecord(of), { owner: by }) })),
  fc.record({ of: name, owner, there: fc.boolean() }).map((drawn): RecordRead =>
    ({ record: 'members', name: drawn.of, kept: drawn.there ? kept(member(drawn.of), { owner: drawn.owner }) : null })),
  fc.tuple(name, fc.boolean()).map(([of, disabled]): RecordRead =>
    ({ record: 'nodes', name: of, kept: kept(nodeRecord(of, { disabled })) })),
  fc.tuple(anyBallot, fc.boolean()).map(([value, there]): RecordRead =>
    ({ record: 'ballots', name: value.name, kept: there ? kept(value, { owner: sessionOf(value.name) }) : null })),
);

const anyPeerEvent = fc.constantFrom<PeerEvent>(
  { peer: 'up', instance: instanceOf('a') },
  { peer: 'ended', proving: true },
  { peer: 'ended', proving: false },
  { peer: 'refused' },
  { peer: 'failed' },
);

/** An input, made when its turn comes: an answer must fit an action that is then on its way. */
type Happening = (state: State) => Input;

const always = (input: Input): Happening => () => input;

function answerTo(state: State, choice: number, outcome: 'good' | 'bad'): Input {
  const flights = [...state.inFlight];
  const [kind, flight] = flights[choice % Math.max(flights.length, 1)] ?? [];
  if (kind === undefined || flight === undefined) return { kind: 'tick' };
  const sentAtMs = flight.sinceMs;
  const { lease: held } = state.records;
  const good: Outcome =
    kind === 'heartbeat'
      ? { result: 'heard', sentAtMs, lease: held && { owner: held.znode.owner, czxid: held.znode.czxid } }
      : kind === 'identify'
        ? { result: 'identified', instance: 'instance-old', as: 'refused' }
        : kind === 'ask_promises'
          ? { result: 'asked', sentAtMs, answers: allPromise(state) }
          : { result: 'done', sentAtMs };
  return {
    kind: 'action_done', id: flight.id, outcome: outcome === 'good' ? good : { result: 'failed', code: 'BUSY' },
  };
}

const allPromise = ({ failsafe }: State) =>
  (failsafe?.nodes ?? []).map((node) => ({ node, answer: { promised: true, promiseMs: 5000 } as const }));

const anyQuestion: fc.Arbitrary<FailsafeQuestion> = fc.record({
  service: fc.constant('shop'),
  node: name,
  from: name.map((of) => ({ name: of, instance: instanceOf(of) })),
  epoch,
  redis: name.map(redisOf),
  runId: fc.constant(runIdOf('a')),
  replid,
  inSync: fc.boolean(),
  promiseMs: fc.constantFrom(1000, 5000),
});

/** Anything that can happen to the agent of `self`, with the time that passes before it. */
function anyHappening(self: string): fc.Arbitrary<{ readonly afterMs: number; readonly make: Happening }> {
  const make: fc.Arbitrary<Happening> = fc.oneof(
    { arbitrary: fc.constant(always({ kind: 'tick' })), weight: 2 },
    { arbitrary: anySight(self).map((event) => always({ kind: 'own_redis', event })), weight: 5 },
    { arbitrary: anySight('a').map((event) => always({ kind: 'remote_redis', event })), weight: 3 },
    { arbitrary: anyRead.map((read) => always({ kind: 'record_read', read })), weight: 6 },
    {
      arbitrary: fc.tuple(fc.nat(9), fc.constantFrom('good', 'good', 'bad'))
        .map(([choice, outcome]): Happening => (state) => answerTo(state, choice, outcome)),
      weight: 6,
    },
    fc.constantFrom(
      always({ kind: 'session_connected', sessionId: sessionOf(self), timeoutMs: 6000 }),
      always({ kind: 'session_connected', sessionId: 77n, timeoutMs: 3000 }),
      always({ kind: 'session_disconnected' }),
      always({ kind: 'session_expired' }),
      always({ kind: 'slept' }),
      always({ kind: 'records_synced' }),
      always({ kind: 'records_synced' }),
      always({ kind: 'records_unreadable', paths: ['/dictator/shop/term'] }),
      always({ kind: 'records_unreadable', paths: [] }),
    ),
    anyQuestion.map((question) => always({ kind: 'failsafe_asked', id: 1, question })),
    fc.tuple(name, anyPeerEvent).map(([of, event]) => always({ kind: 'peer', name: of, event })),
    fc.constantFrom(
      always({ kind: 'order', order: { order: 'enable' } }),
      always({ kind: 'order', order: { order: 'disable' } }),
      always({ kind: 'order', order: { order: 'stop' } }),
      always({ kind: 'order', order: { order: 'bootstrap', master: 'b' } }),
      always({ kind: 'order', order: { order: 'forget', node: 'b' } }),
    ),
  );
  return fc.record({ afterMs: fc.constantFrom(0, 0, 0, 1, 20, 300, 1500, 4000), make });
}

const ROLES: readonly Role['name'][] = ['starting', 'replica', 'candidate', 'promoting', 'master', 'stepping_down'];

/** An agent of the working service, in any role. Only `a` holds the lease. */
const anyWorld: fc.Arbitrary<State> = fc
  .tuple(fc.constantFrom('a', 'b'), fc.constantFrom(...ROLES))
  .map(([of, role]) => world(of, role, of === 'b' && role !== 'starting' ? holding(of, role) : {}));

/** For a role with power the lease and the term are this node's. */
function holding(of: string, role: Role['name']): Parameters<typeof world>[2] {
  if (role === 'replica' || role === 'candidate') return {};
  const held = kept(lease(of), { owner: sessionOf(of) });
  const termOf = term({ master: { name: of, runId: runIdOf(of), redis: redisOf(of) }, inSync: ['a', 'c'] });
  return { record: { lease: held, term: termOf, masterRecord: kept(masterRecord(of), { owner: sessionOf(of) }) } };
}

const RUNS = 1500;
const story = anyWorld.chain((start) =>
  fc.tuple(fc.constant(start), fc.array(anyHappening(start.settings.name), { minLength: 1, maxLength: 40 })));

interface Moment {
  readonly before: State;
  readonly input: Input;
  readonly state: State;
  readonly actions: readonly Action[];
}

/** Plays arbitrary stories and shows every step to `check`. */
function inEveryStep(check: (moment: Moment) => void): void {
  fc.assert(
    fc.property(story, ([start, happenings]) => {
      let before = start;
      const told: string[] = [`${start.settings.name} is ${start.role.name}`];
      for (const { afterMs, make } of happenings) {
        const input = make(before);
        told.push(`+${afterMs} ${describeInput(input)}`);
        try {
          const { state, actions } = step(before, input, before.nowMs + afterMs);
          told.push(`  ${state.role.name}: ${actions.map(({ kind }) => kind).join(' ')}`);
          check({ before, input, state, actions });
          before = state;
        } catch (error) {
          throw new Error(told.join('\n'), { cause: error });
        }
      }
    }),
    { numRuns: RUNS, reporter: tellShortly },
  );
}

/** The state of a whole world says little; what happened in it says all. */
function tellShortly<T>(run: fc.RunDetails<T>): void {
  if (!run.failed) return;
  const error = run.errorInstance as Error & { cause?: Error };
  throw new Error(
    `seed ${run.seed}, path ${run.counterexamplePath ?? ''}\n${error.message}\n${error.cause?.message ?? ''}`,
  );
}

/** Shows every action of one kind. */
function forEvery<K extends Action['kind']>(
  kind: K, check: (action: Extract<Action, { kind: K }>, moment: Moment) => void,
): void {
  inEveryStep((moment) => {
    for (const action of moment.actions) if (action.kind === kind) check(
      action as Extract<Action, { kind: K }>, moment,
    );
  });
}

const describeInput = (input: Input): string =>
  JSON.stringify(input, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  const inside = value instanceof Map ? [...value].flat() : Object.values(value);
  for (const each of inside) deepFreeze(each);
}

describe('step', () => {
  test('never breaks an invariant', () => {
    inEveryStep(() => undefined);
  });

  test('changes neither the state nor the input it is given, and gives the same answer twice', () => {
    inEveryStep(({ before, input, state, actions }) => {
      const mapsBefore = structuredClone(before);
      deepFreeze(before);
      deepFreeze(input);
      const again = step(before, input, state.nowMs);
      expect(before).toEqual(mapsBefore);
      expect(again).toEqual({ state, actions });
    });
  });

  test('lets neither time nor proof go back but for a sleep, and names when something is due next', () => {
    inEveryStep(({ before, input, state }) => {
      expect(state.nowMs).toBeGreaterThanOrEqual(before.nowMs);
      if (input.kind !== 'slept') expect(state.lastProofMs).toBeGreaterThanOrEqual(before.lastProofMs);
      expect(state.wakeAtMs).toBeGreaterThanOrEqual(state.nowMs);
    });
  });

  test('has at most one action of a kind on its way', () => {
    inEveryStep(({ before, input, actions }) => {
      for (const { kind } of actions) {
        const answered = input.kind === 'action_done' && before.inFlight.get(kind)?.id === input.id;
        if (before.inFlight.has(kind)) expect(answered, `${kind} again`).toBe(true);
      }
      const kinds = actions.map(({ kind }) => kind).filter((kind) => kind !== 'report' && kind !== 'tell');
      expect(new Set(kinds).size).toBe(kinds.length);
    });
  });
});

describe('power', () => {
  test('nothing is announced but by a master that holds the lease and saw its Redis to be master', () => {
    forEvery('announce', (_action, { state }) => {
      expect(state.role.name).toBe('master');
      expect(ourLease(state)).not.toBe(null);
      expect(state.own.facts?.role).toBe('master');
    });
  });

  test('nothing is promoted without our lease', () => {
    forEvery('promote', (_action, { state }) => expect(ourLease(state)).not.toBe(null));
  });

  test('nothing is promoted, and no term or dead-man changed, by a holder without fresh proof', () => {
    inEveryStep(({ state, actions }) => {
      if (!holdsPower(state) || state.nowMs < fenceAtMs(state) || state.role.name === 'stepping_down') return;
      const widening = actions.filter(
        ({ kind }) => kind === 'promote' || kind === 'write_term' || kind === 'set_min_replicas',
      );
      const ordered = state.bootstrap !== null;
      expect(ordered ? [] : widening).toEqual([]);
    });
  });

  test('the dead-man is not lowered while the term names anybody in sync', () => {
    forEvery('set_min_replicas', ({ minReplicas }, { state }) => {
      if (!holdsPower(state) || (state.records.term?.value.inSync.length ?? 0) === 0) return;
      expect(minReplicas).toBeGreaterThanOrEqual(1);
    });
  });

  test('whoever holds power without fresh proof has its Redis fenced, or is about to', () => {
    inEveryStep(({ state }) => {
      const { own, role, nowMs, inFlight, retryAtMs } = state;
      if (!holdsPower(state) || nowMs < fenceAtMs(state) || (role.name === 'stepping_down' && role.alone)) return;
      if (own.link !== 'open' || !own.current || own.facts?.role !== 'master') return;
      if (own.facts.minReplicas === FENCE_MIN_REPLICAS) return;
      const retried = (retryAtMs.get('fence_reversibly') ?? 0) > nowMs;
      const underWay = inFlight.has('fence_reversibly') || inFlight.has('fence_hard') || retried;
      expect(underWay, `${role.name} is not fenced`).toBe(true);
    });
  });

  test('whoever promised neither claims nor votes until the end, but for the lease of its own node', () => {
    inEveryStep(({ before, state, actions }) => {
      if (before.promise === null || state.promise === null || state.nowMs >= before.promise.untilMs) return;
      expect(state.promise.untilMs).toBeGreaterThanOrEqual(before.promise.untilMs);
      const claims = actions.filter((action) => action.kind === 'claim' && action.record === null);
      expect(claims).toEqual([]);
      expect(actions.map(({ kind }) => kind)).not.toContain('cast_ballot');
    });
  });

  test('every question is answered in the step that took it in', () => {
    inEveryStep(({ input, actions }) => {
      const answers = actions.filter(({ kind }) => kind === 'answer_question');
      expect(answers).toHaveLength(input.kind === 'failsafe_asked' ? 1 : 0);
    });
  });

  test('a claim is of a higher epoch than anything remembered, and names no master as its own replica', () => {
    forEvery('claim', ({ lease: { epoch: claimed }, term: next }, { before, state }) => {
      expect(claimed).toBe(next.epoch);
      expect(claimed).toBeGreaterThan(Math.max(before.rememberedEpoch, state.records.term?.value.epoch ?? 0));
      expect(next.inSync).not.toContain(state.settings.name);
    });
  });
});

describe('data', () => {
  test('nobody follows another while a ballot of ours stands in the present term', () => {
    inEveryStep(({ state, actions }) => {
      const present = state.records.term?.value;
      if (present === undefined || ownBallot(state, present) === null) return;
      for (const action of actions) {
        if (action.kind !== 'follow' && action.kind !== 'fence_hard') continue;
        expect(sameAddress(action.target, CLOSED_ADDRESS), `${action.kind} with a ballot`).toBe(true);
      }
    });
  });

  test('nobody follows a Redis that was not seen to be a serving master', () => {
    forEvery('follow', ({ target }, { before, input, state }) => {
      expect(before.remoteTarget).toEqual(target);
      const seen = input.kind === 'remote_redis' ? state.remote : before.remote;
      expect(seen).toMatchObject({ link: 'open', current: true, facts: { role: 'master' } });
    });
  });

  test('a ballot tells what was seen', () => {
    forEvery('cast_ballot', ({ ballot: cast }, { state }) => {
      const seen = state.own.facts;
      expect(cast).toMatchObject({ name: state.settings.name, runId: seen?.runId, offset: seen?.offset });
    });
  });
});
