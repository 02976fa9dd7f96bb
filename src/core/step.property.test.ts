// What holds whatever happens: arbitrary inputs in arbitrary order, one agent.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { story } from '../../test/support/happenings.ts';
import type { Action } from './actions.ts';
import { ownBallot } from './claim.ts';
import { sameAddress } from './facts.ts';
import { FENCE_MIN_REPLICAS, fenceAtMs } from './fencing.ts';
import type { Input } from './inputs.ts';
import { holdsPower } from './power.ts';
import { CLOSED_ADDRESS, ourLease } from './queries.ts';
import type { State } from './state.ts';
import { step } from './step.ts';

const RUNS = 1500;

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
      if (seen === null) throw new Error('nothing was seen');
      // Who was detached for a copy tells the history that it had until then.
      const former = { replid: seen.replid2, offset: Math.min(seen.offset, seen.secondReplOffset - 1) };
      const { replid, offset } = cast.replid === seen.replid ? seen : former;
      expect(cast).toMatchObject({ name: state.settings.name, runId: seen.runId, replid, offset });
    });
  });
});
