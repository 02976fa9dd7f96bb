/**
 * The run proper, in the world that outside.ts made: starts what is put to the test, lets the rounds follow each other
 * until the time is up, and reports.
 */
import { execFileSync } from 'node:child_process';
import { setMaxListeners } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { playAphyr } from './aphyr.ts';
import { Book } from './clients/book.ts';
import { Crowd } from './clients/crowd.ts';
import { playCutoff } from './cutoff.ts';
import { Injector } from './inject.ts';
import { EXIT_NOT_PERMITTED, OWN_MOUNT, PLACE_VARIABLE } from './outside.ts';
import type { Place } from './outside.ts';
import type { FaultKind } from './plan/kinds.ts';
import { traitsOf } from './plan/kinds.ts';
import type { Options, Scenario } from './plan/options.ts';
import { scheduleRound } from './plan/schedule.ts';
import { lastLine, reportText, summarize } from './report.ts';
import type { Summary } from './report.ts';
import { playRound } from './round.ts';
import type { RoundResult } from './round.ts';
import { probeCapabilities } from './world/capabilities.ts';
import type { Capabilities } from './world/capabilities.ts';
import { startDictator } from './world/dictator.ts';
import { loopbackNetwork, namespaceNetwork } from './world/network.ts';
import type { Network } from './world/network.ts';
import { startSentinel } from './world/sentinel.ts';
import { Site } from './world/site.ts';
import type { Subject } from './world/subject.ts';

const NODES = 3;
const APHYR_NODES = 5;
const NODES_MEMORY_MAX = 2;
/** A round is a storm and what it takes to heal and to look for writes. */
const ROUND_EXTRA_MS = 6000;
/** A shorter one is not worth its healing. */
const STORM_MIN_MS = 4000;

function say(text: string): void {
  process.stderr.write(`chaos: ${(performance.now() / 1000).toFixed(3).padStart(8)} s  ${text}\n`);
}

/** Ends when whoever started us closes our input, or by a signal. */
function leavesOnRequest(): AbortSignal {
  const leaving = new AbortController();
  // Each fault of a storm waits on it.
  setMaxListeners(0, leaving.signal);
  const leave = (): void => leaving.abort();
  process.stdin.on('end', leave).on('error', leave).resume();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, leave);
  return leaving.signal;
}

async function openNetwork(place: Place): Promise<Network> {
  if (place.kind === 'loopback') {
    say(`on loopback, because network namespaces are not to be had: ${place.because ?? ''}`);
    return loopbackNetwork();
  }
  // For our files and for the names of namespaces; in nobody else's sight, and gone with us.
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=0755', 'chaos', OWN_MOUNT]);
  mkdirSync(place.folder, { recursive: true });
  const network = await namespaceNetwork(place.label);
  say(`in network namespaces ${place.label}-*`);
  return network;
}

export interface Stage {
  readonly options: Options;
  readonly subject: Subject;
  readonly site: Site;
  readonly capabilities: Capabilities;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

/** Kinds that this machine permits; the others are named. */
function possibleKinds({ options, capabilities }: Stage): readonly FaultKind[] {
  const possible = options.kinds.filter((kind) => {
    const { needs } = traitsOf(kind);
    return needs.length === 0 || needs.some((need) => capabilities.has.has(need));
  });
  const left = options.kinds.filter((kind) => !possible.includes(kind));
  if (left.length > 0) say(`left out here: ${left.join(', ')}`);
  for (const [need, because] of Object.entries(capabilities.missing)) say(`  ${need}: ${because}`);
  if (possible.length === 0) throw new Error('none of the chosen faults is possible here');
  return possible;
}

async function playStorms(stage: Stage): Promise<Summary> {
  const { options, subject, site, signal } = stage;
  const kinds = possibleKinds(stage);
  const book = new Book(subject.nodes.length);
  const crowd = new Crowd({
    nodes: subject.nodes, belief: subject.belief, book, writesPerSecond: options.writesPerSecond,
  });
  const injector = new Injector({
    subject, network: site.network, book, cgroups: site.cgroups,
    memoryLosersMax: options.durable ? options.waitReplicas : NODES_MEMORY_MAX,
  });
  const rounds: RoundResult[] = [];
  const startMs = performance.now();
  const endMs = startMs + options.seconds * 1000;
  const restMs = (): number => Math.max(0, endMs - performance.now() - ROUND_EXTRA_MS);
  for (let round = 1; round === 1 || restMs() > STORM_MIN_MS; round += 1) {
    const { seed, everyMs, durable, waitReplicas } = options;
    const stormMs = Math.max(STORM_MIN_MS, Math.min(options.stormMs, restMs()));
    const planned = scheduleRound({ seed, round, nodes: subject.nodes.length, stormMs, kinds, everyMs });
    say(`round ${round}: ${planned.length} faults`);
    const beganMs = performance.now();
    const result = await playRound(planned, {
      subject, injector, book, crowd, durable, waitReplicas, judged: options.against === 'dictator', signal, say,
    });
    rounds.push(result);
    for (const { rule, what } of result.broken) say(`BROKEN ${rule}: ${what}`);
    if (result.broken.length > 0 || result.healMs === null) keepTrace({ stage, round, beganMs, result });
    crowd.resume();
  }
  await crowd.stop();
  return summarize({
    options, rounds, book, skipped: injector.skipped, network: site.network.kind,
    leftOut: options.kinds.filter((kind) => !kinds.includes(kind)),
    seconds: (performance.now() - startMs) / 1000,
    nodes: subject.nodes.map(({ name }) => name),
  });
}

/** What a reader of a broken rule needs: the faults and what everybody said, by one clock. */
function keepTrace({ stage, round, beganMs, result }: {
  readonly stage: Stage;
  readonly round: number;
  readonly beganMs: number;
  readonly result: Pick<RoundResult, 'faults' | 'broken'>;
}): void {
  const { options, subject } = stage;
  const faults = result.faults.map(({ beganMs: atMs, endedMs, kind, victim, role, detail }) => (
    `${atMs.toFixed(0)} FAULT ${kind} ${detail} on ${victim === null ? 'ensemble' : subject.nodes[victim]?.name ?? ''} `
    + `(${role}) until ${endedMs?.toFixed(0) ?? '?'}`
  ));
  const broken = result.broken.map(({ rule, what }) => `BROKEN ${rule}: ${what}`);
  const lines = [...faults, ...subject.trace(beganMs)].sort((a, b) => Number.parseFloat(a) - Number.parseFloat(b));
  const path = join(dirname(options.results), `trace-${options.seed}-${round}.log`);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${[`seed ${options.seed} round ${round}`, ...broken, ...lines].join('\n')}\n`);
  say(`the trace is in ${path}`);
}

const PLAYS: Readonly<Record<Scenario, (stage: Stage) => Promise<Summary>>> = {
  storm: playStorms, aphyr: playAphyr, cutoff: playCutoff,
};

export async function inside(given: Options): Promise<number> {
  const place = JSON.parse(process.env[PLACE_VARIABLE] ?? '{}') as Place;
  const options = { ...given, seed: place.seed };
  const signal = leavesOnRequest();
  // Whatever is under way then is of no interest any more: the processes end with us.
  signal.addEventListener('abort', () => {
    say('leaving');
    process.exit(1);
  });
  process.env['TMPDIR'] = place.folder;
  say(`seed ${options.seed}`);
  const network = await openNetwork(place);
  const mounts = place.kind === 'namespaces';
  const site = new Site({ folder: place.folder, network, mounts, label: place.label });
  const count = options.scenario === 'aphyr' ? APHYR_NODES : NODES;
  const start = options.against === 'dictator' ? startDictator : startSentinel;
  const subject = await start({ site, options, count });
  say(`${options.against} is up: ${subject.nodes.map(({ name }) => name).join(', ')}`);
  const host = subject.nodes[0]?.host;
  if (host === undefined) throw new Error('no node');
  const capabilities = await probeCapabilities({ network, host, mounts, cgroupName: `${place.label}-probe` });
  const stage: Stage = { options, subject, site, capabilities, signal, say };
  const { filter } = capabilities.missing;
  if (options.scenario === 'cutoff' && filter !== undefined) {
    say(`cutoff is not possible here: ${filter}`);
    await subject.stop();
    return EXIT_NOT_PERMITTED;
  }
  const summary = await PLAYS[options.scenario](stage);
  if (options.scenario === 'cutoff' && summary.broken.length > 0) {
    keepTrace({ stage, round: summary.rounds, beganMs: 0, result: { faults: [], broken: summary.broken } });
  }
  await subject.stop();
  process.stdout.write(reportText(summary));
  mkdirSync(dirname(options.results), { recursive: true });
  writeFileSync(options.results, `${JSON.stringify(summary, null, 2)}\n`);
  process.stdout.write(`${lastLine(summary)}\n`);
  return summary.broken.length === 0 ? 0 : 1;
}
