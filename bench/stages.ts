/**
 * Where the time of a failover goes, read from the agents' own log lines. A line's moment is that of its arrival
 * here: some tenths of a millisecond late, but on the same clock as the kill and the first accepted write.
 */
import type { LogLine } from '../test/support/agent-process.ts';
import type { Node, Service } from '../test/support/service.ts';
import { median } from './statistics.ts';

/** Median over the runs. */
export interface Stage {
  readonly stage: string;
  /** After the fault. */
  readonly atMs: number;
  /** Since the stage before. */
  readonly tookMs: number;
  /** Of the whole gap. */
  readonly share: number;
}

/** Moments of one failover in ms after the fault, by name of the stage. */
export type Moments = ReadonlyMap<string, number>;

const FIRST_WRITE = 'first write';

function linesAfter(node: Node, sinceMs: number): readonly LogLine[] {
  return node.agent.lines.filter((line) => line.atMs >= sinceMs);
}

export function momentsOf(service: Service, victim: Node, killedAtMs: number, firstWriteAtMs: number): Moments {
  const own = linesAfter(victim, killedAtMs);
  const others = service.others(victim).flatMap((node) => linesAfter(node, killedAtMs));
  const moments = new Map<string, number>();
  const put = (stage: string, lines: readonly LogLine[], last = false): void => {
    const times = lines.map((line) => line.atMs - killedAtMs);
    if (times.length > 0) moments.set(stage, last ? Math.max(...times) : Math.min(...times));
  };
  const named = (lines: readonly LogLine[], event: string): LogLine[] => lines.filter((line) => line.event === event);
  const becoming = (role: string): LogLine[] => named(others, 'role_changed').filter((line) => line['to'] === role);
  const claim = named(others, 'epoch_claimed')[0];
  const claimedAtMs = claim?.atMs ?? Number.POSITIVE_INFINITY;
  const beforeClaim = (lines: readonly LogLine[]): LogLine[] => lines.filter((line) => line.atMs <= claimedAtMs);
  put('own agent sees Redis gone', named(own, 'redis_down'));
  put('release sent', named(own, 'lease_released'));
  put('release confirmed', named(own, 'role_changed'));
  put('candidates', beforeClaim(becoming('candidate')), true);
  put('frozen', beforeClaim(named(others, 'frozen')), true);
  put('death proved', named(others, 'death_proved'));
  put('last ballot sent', beforeClaim(named(others, 'ballot_cast')), true);
  put('claimed', named(others, 'epoch_claimed'));
  put('promoted', named(others, 'promoted'));
  put('record sent', named(others, 'announced'));
  put('first follower told', named(others, 'following').filter((line) => line['epoch'] === claim?.['epoch']));
  moments.set(FIRST_WRITE, firstWriteAtMs - killedAtMs);
  return moments;
}

/** Every line of every agent since the fault, in the order of their arrival. */
export function timelineOf(service: Service, killedAtMs: number): readonly string[] {
  const lines = service.nodes.flatMap((node) => linesAfter(node, killedAtMs).map((line) => ({ node, line })));
  lines.sort((a, b) => a.line.atMs - b.line.atMs);
  return lines.map(({ node, line: { time: _time, level: _level, event, atMs, ...fields } }) => {
    const details = Object.entries(fields).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
    return `${(atMs - killedAtMs).toFixed(1).padStart(8)} ms  ${node.name}  ${event} ${details.join(' ')}`;
  });
}

/** Stages that most runs had, in the order of their medians, up to the first accepted write. */
export function stagesOf(runs: readonly Moments[]): readonly Stage[] {
  const names = new Set(runs.flatMap((moments) => [...moments.keys()]));
  const middles: { stage: string; atMs: number }[] = [];
  for (const stage of names) {
    const times = runs.map((moments) => moments.get(stage)).filter((time) => time !== undefined);
    if (times.length > runs.length / 2) middles.push({ stage, atMs: median(times) });
  }
  middles.sort((a, b) => a.atMs - b.atMs);
  const wholeMs = middles.find(({ stage }) => stage === FIRST_WRITE)?.atMs ?? Number.NaN;
  let beforeMs = 0;
  return middles.map(({ stage, atMs }) => {
    const tookMs = atMs - beforeMs;
    beforeMs = atMs;
    return { stage, atMs, tookMs, share: tookMs / wholeMs };
  });
}
