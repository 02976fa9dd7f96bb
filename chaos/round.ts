/**
 * One round: a storm of faults, the time until the service is well again, and the search for every write that was
 * acknowledged meanwhile.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { RawRedisError } from '../test/support/raw-redis.ts';
import type { Acknowledged, Book } from './clients/book.ts';
import type { Crowd } from './clients/crowd.ts';
import type { Fault, Injector } from './inject.ts';
import { gapsOf } from './judge/gaps.ts';
import type { FaultGap } from './judge/gaps.ts';
import { findOverlaps } from './judge/overlap.ts';
import type { Overlap } from './judge/overlap.ts';
import { conditionsHeld, judgeLosses, judgeOverlap } from './judge/rules.ts';
import type { Broken, LossSummary } from './judge/rules.ts';
import type { PlannedFault } from './plan/schedule.ts';
import type { Subject } from './world/subject.ts';
import { allCaughtUp } from './world/role.ts';

export interface RoundParts {
  readonly subject: Subject;
  readonly injector: Injector;
  readonly book: Book;
  readonly crowd: Crowd;
  readonly durable: boolean;
  readonly waitReplicas: number;
  /** Rules are promises of Dictator; Sentinel makes none of them. */
  readonly judged: boolean;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

export interface RoundResult {
  readonly faults: readonly Fault[];
  readonly gaps: readonly FaultGap[];
  /** From the end of the last fault until all was well; null when it never was. */
  readonly healMs: number | null;
  /** What an operator was asked to decide. */
  readonly operator: readonly string[];
  readonly overlaps: readonly { readonly overlap: Overlap; readonly conditions: boolean }[];
  readonly losses: LossSummary;
  /** What the guards said, counted by name. */
  readonly events: ReadonlyMap<string, number>;
  readonly broken: readonly Broken[];
}

const POLL_MS = 25;
/** Beyond the bound, to learn whether it is late or never. */
const HEAL_EXTRA_MS = 30_000;
/** Where nothing is promised. */
const HEAL_MAX_MS = 60_000;
const CATCH_UP_MS = 30_000;
/** All is well has to be true for so long. */
const STEADY_MS = 300;
/** Peace in which what belongs to the round ends, before its writes are looked for. */
const CALM_MS = 500;
const KEYS_PER_QUESTION = 500;

export async function playRound(planned: readonly PlannedFault[], parts: RoundParts): Promise<RoundResult> {
  const { injector, book, subject, crowd } = parts;
  injector.beginRound();
  const first = injector.faults.length;
  await storm(planned, parts);
  const faults = injector.faults.slice(first);
  const calmMs = Math.max(performance.now(), ...faults.map(({ endedMs }) => endedMs ?? 0));
  const healing = await heal(parts, calmMs);
  await pause(CALM_MS);
  await crowd.pause();
  const caughtUp = healing.healMs === null ? 'not healed' : await catchUp(subject);
  const writes = book.takeWrites();
  const { spans, strays } = book.takeSpans();
  const found = findOverlaps(spans, strays);
  const master = subject.belief.published()?.server;
  // Without a master nobody can say what is lost; the round says that it did not heal.
  const lost = master === undefined ? [] : await findLost(subject, master, writes);
  const losses = judgeLosses(lost, { faults, durable: parts.durable, waitReplicas: parts.waitReplicas });
  const { counts: events, complaints } = subject.takeEvents();
  const broken: Broken[] = [
    ...healing.broken,
    ...(caughtUp === null || healing.healMs === null ? [] : [{ rule: 'I7 everybody follows', what: caughtUp }]),
    ...found.flatMap((overlap) => judgeOverlap(overlap, faults) ?? []),
    ...losses.broken,
    ...complaints,
  ];
  if (healing.healMs === null || caughtUp !== null) await rebuild(parts);
  return {
    faults,
    gaps: gapsOf(faults, book.takeGaps()),
    healMs: healing.healMs,
    operator: healing.operator,
    overlaps: found.map((overlap) => ({ overlap, conditions: conditionsHeld(overlap, faults) })),
    losses,
    events,
    broken: parts.judged ? broken : [],
  };
}

async function storm(planned: readonly PlannedFault[], { injector, signal, say, subject }: RoundParts): Promise<void> {
  const startMs = performance.now();
  const sleepUntil = async (atMs: number): Promise<void> => {
    const restMs = startMs + atMs - performance.now();
    if (restMs > 0) await pause(restMs, undefined, { signal });
  };
  await Promise.all(planned.map(async (each) => {
    await sleepUntil(each.atMs);
    const begun = await injector.begin(each);
    if (begun === null) return;
    const { fault, end } = begun;
    const whom = fault.victim === null ? 'ensemble' : `${subject.nodes[fault.victim]?.name ?? ''} (${fault.role})`;
    say(`${fault.kind} ${fault.detail} on ${whom} for ${each.durationMs} ms`);
    await sleepUntil(each.atMs + each.durationMs);
    await end();
  }));
}

interface Healing {
  readonly healMs: number | null;
  readonly operator: readonly string[];
  readonly broken: readonly Broken[];
}

/** Healed is: well by what everybody says, and a client's write was acknowledged since. */
async function heal({ subject, book, say, judged }: RoundParts, calmMs: number): Promise<Healing> {
  const boundMs = subject.healWithinMs ?? HEAL_MAX_MS;
  const limitMs = calmMs + boundMs + HEAL_EXTRA_MS;
  let wellSinceMs: number | null = null;
  let lack = '';
  let lackAtBound = '';
  while (performance.now() < limitMs) {
    const lacks = await lackOf(subject, book, calmMs);
    wellSinceMs = lacks === null ? wellSinceMs ?? performance.now() : null;
    lack = lacks ?? lack;
    if (performance.now() - calmMs < boundMs) lackAtBound = lack;
    if (wellSinceMs !== null && performance.now() - wellSinceMs >= STEADY_MS) {
      const healMs = wellSinceMs - calmMs;
      say(`well after ${healMs.toFixed(0)} ms`);
      const late = { rule: 'I7 heals in time', what: `${healMs.toFixed(0)} ms: ${lackAtBound}` };
      return { healMs, operator: [], broken: judged && healMs > boundMs ? [late] : [] };
    }
    await pause(POLL_MS);
  }
  const operator = await subject.operatorCodes();
  say(`not well: ${lack}; ${operator.join(', ')}`);
  const excused = operator.length > 0 || !judged;
  return { healMs: null, operator, broken: excused ? [] : [{ rule: 'I7 heals', what: lack }] };
}

async function lackOf(subject: Subject, book: Book, calmMs: number): Promise<string | null> {
  const lacks = await subject.lacks();
  if (lacks !== null) return lacks;
  const server = subject.belief.published()?.server;
  if (server === undefined) return 'no master is published';
  return book.lastAcknowledgedMs(server) > calmMs ? null : 'the master acknowledges no write';
}

async function catchUp(subject: Subject): Promise<string | null> {
  const limitMs = performance.now() + CATCH_UP_MS;
  while (performance.now() < limitMs) {
    if (await allCaughtUp(subject.nodes)) return null;
    await pause(POLL_MS);
  }
  return 'a replica has not caught up with its master';
}

async function rebuild({ subject, say }: RoundParts): Promise<void> {
  say('begins anew with empty servers');
  await subject.rebuild();
}

/** Looks for every acknowledged write at the master, and removes those that are there. */
export async function findLost(
  subject: Subject, server: number, writes: readonly Acknowledged[],
): Promise<readonly Acknowledged[]> {
  const master = await subject.nodes[server]?.redis.client();
  if (master === undefined) throw new Error('no master');
  const lost: Acknowledged[] = [];
  try {
    for (let start = 0; start < writes.length; start += KEYS_PER_QUESTION) {
      const part = writes.slice(start, start + KEYS_PER_QUESTION);
      const keys = part.map(({ key }) => key);
      const values = await master.cmd('MGET', ...keys);
      if (!Array.isArray(values)) throw new Error('MGET answers with a list');
      lost.push(...part.filter((_write, index) => values[index] === null));
      await master.cmd('UNLINK', ...keys);
    }
  } catch (error) {
    if (error instanceof RawRedisError) throw new Error(`looking for writes: ${error.message}`, { cause: error });
    throw error;
  } finally {
    master.close();
  }
  return lost;
}
