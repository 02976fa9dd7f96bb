/**
 * Small worlds in which two things crash: whoever decides the action number `first`, and whoever decides number
 * `second`. A story is tried with every pair of numbers that it reaches, so no order of two crashes is left out.
 */
import type { Action } from '../actions.ts';
import { Village } from './village.ts';

/** Actions of a story: those after it has ended are not worth a world. */
const STORY_MS = 600;
/** A crashed agent is started again after this; the second crash may come before or after. */
const AWAY_MS = 150;
/** Sessions end, elections settle, and somebody serves or says why not. */
const SETTLES_MS = 14_000;

export type Victim = 'agent' | 'redis';

function inPeace(): Village {
  const village = new Village(['a', 'b', 'c'], { bootstrapSettleMs: 100 });
  village.pass(1000);
  village.redis('a').write(1000);
  village.pass(2000);
  return village;
}

interface Crashes {
  readonly first: number;
  readonly second: number;
  /** What falls at the second one; at the first it is always an agent. */
  readonly victim: Victim;
}

/** Plays the story that `begin` begins; says who fell. */
function play(begin: (village: Village) => void, { first, second, victim }: Crashes): [Village, readonly string[]] {
  const village = inPeace();
  const fallen: string[] = [];
  let count = 0;
  village.interrupt = (by: string, action: Action): boolean => {
    if (action.kind === 'heartbeat') return false;
    const number = count++;
    if (number !== first && number !== second) return false;
    fallen.push(by);
    if (number === first || victim === 'agent') return true;
    village.killRedis(by);
    return false;
  };
  begin(village);
  for (let passedMs = 0; passedMs < STORY_MS; passedMs += AWAY_MS) {
    village.pass(AWAY_MS);
    for (const name of fallen) if (!village.agent(name).alive) village.start(name);
  }
  village.interrupt = () => false;
  return [village, fallen];
}

/** Lets time pass until this is so, or nobody can expect it any more. */
export function settleUntil(village: Village, isSettled: () => boolean): void {
  for (let ms = 0; ms < SETTLES_MS && !isSettled(); ms += STORY_MS) village.pass(STORY_MS);
}

export interface Story {
  readonly begin: (village: Village) => void;
  readonly victimOf: (first: number, second: number) => Victim;
  readonly judge: (village: Village, what: string) => void;
}

/** Every pair of crashes of the story, one world each, judged when it has settled. Returns how many worlds. */
export function everyTwoCrashes(story: Story): number {
  let worlds = 0;
  for (let first = 0; ; first++) {
    let second = first + 1;
    while (judgeOne(story, first, second)) second++;
    worlds += second - first - 1;
    if (second === first + 1) return worlds;
  }
}

/** One pair of crashes, up to its verdict. False: the story ends before the second. */
function judgeOne({ begin, victimOf, judge }: Story, first: number, second: number): boolean {
  const victim = victimOf(first, second);
  const [village, fallen] = play(begin, { first, second, victim });
  if (fallen.length < 2) return false;
  for (const redis of village.redises.values()) if (!redis.alive) redis.restart('kept');
  settleUntil(village, () => village.writable().length === 1);
  judge(village, `crashes at ${first} and ${second} (${victim}): ${JSON.stringify(village.roles())}`);
  return true;
}

/** Everything that anybody refuses to do, and why. */
export function reasonsIn(village: Village): readonly string[] {
  return [...village.inhabitants.values()].flatMap(({ state }) => [...state.reasons]);
}
