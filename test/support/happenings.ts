/**
 * Anything that can happen to one agent, for properties that hold whatever happens.
 *
 * Records are coherent (what is not, the mirror does not let through) and agree in nothing else: leases of anybody,
 * terms of any epoch, ballots of the dead. Answers are to actions that are on their way.
 */
import fc from 'fast-check';
import type { FailsafeQuestion } from '../../src/contract/failsafe.ts';
import type { PeerEvent, RedisFacts, SightEvent } from '../../src/core/facts.ts';
import type { Input, Outcome } from '../../src/core/inputs.ts';
import type { Ballot, RecordRead, Term } from '../../src/core/records.ts';
import type { Role } from '../../src/core/role.ts';
import type { State } from '../../src/core/state.ts';
import {
  attached, ballot, EPOCH, facts, instanceOf, kept, lease, linkTo, masterRecord, member, NAMES, nodeRecord, OLD_REPLID,
  redisOf, REPLID, runIdOf, sessionOf, START_MS, term, world,
} from '../../src/core/testing/world.ts';

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
  pending: drawn.pending ? { epoch: drawn.epoch, node: drawn.master ?? 'a', former: null, inSync: [] } : null,
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

/** An agent in any role, and what happens to it. */
export const story = anyWorld.chain((start) =>
  fc.tuple(fc.constant(start), fc.array(anyHappening(start.settings.name), { minLength: 1, maxLength: 40 })));
