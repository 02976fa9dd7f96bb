/**
 * The master's host loses its network, both ways, while everything on it goes on: Redis, its guard, and clients who
 * sit on that very host and go on writing to it. Others write elsewhere. Who acknowledges last on this side, who first
 * on the other, and what is gone when the network is whole again?
 */
import { setTimeout as pause } from 'node:timers/promises';
import { clientsBeside } from './clients/beside.ts';
import { Book } from './clients/book.ts';
import type { Acknowledged, WriteClass } from './clients/book.ts';
import { connectOverNetwork, Writer } from './clients/writers.ts';
import type { Stage } from './inside.ts';
import { brokenBy, judgeCut } from './judge/cutoff.ts';
import type { CutRound } from './judge/cutoff.ts';
import { Random } from './plan/random.ts';
import { median, summarize } from './report.ts';
import type { Summary } from './report.ts';
import { findLost } from './round.ts';
import { allCaughtUp } from './world/role.ts';
import { waitFor } from '../test/support/wait-for.ts';

/** Before each cut all write in peace for so long, and up to a second longer: no cut falls into step with anything. */
const PEACE_MS = 1200;
const PEACE_MORE_MS = 1000;
/** Clients elsewhere, who follow the published master. */
const FOLLOWERS = 2;
const FOLLOW_EVERY_MS = 10;
/** After all is well, the clients of both sides write on for so long. */
const AFTERWARDS_MS = 500;
const HEAL_TIMEOUT_MS = 120_000;

export async function playCutoff(stage: Stage): Promise<Summary> {
  const { options, subject, site, say } = stage;
  const startMs = performance.now();
  const book = new Book(subject.nodes.length);
  const random = new Random(options.seed);
  const rounds: CutRound[] = [];
  const lost: Acknowledged[] = [];
  for (let round = 1; round <= options.rounds; round += 1) {
    // What a failover leaves in Sentinel's state delays the next one: each of its rounds begins anew.
    if (options.against === 'sentinel' && round > 1) await subject.rebuild();
    const played = await playRound({ stage, book, round, peaceMs: PEACE_MS + random.next() * PEACE_MORE_MS });
    rounds.push(played.round);
    lost.push(...played.lost);
    say(`round ${round}: ${told(played.round)}`);
  }
  const { counts, complaints } = subject.takeEvents();
  const summary = summarize({
    options, rounds: [], book, skipped: 0, network: site.network.kind, leftOut: [],
    seconds: (performance.now() - startMs) / 1000, nodes: subject.nodes.map(({ name }) => name),
  });
  return {
    ...summary, rounds: rounds.length, faults: rounds.length, cuts: rounds,
    lost: countLost(lost),
    events: Object.fromEntries(counts),
    broken: options.against === 'dictator' ? [...brokenBy(rounds), ...complaints] : [],
    notes: notes(rounds),
  };
}

interface Played {
  readonly round: CutRound;
  /** Acknowledged by anybody and gone. */
  readonly lost: readonly Acknowledged[];
}

async function playRound({ stage, book, round, peaceMs }: {
  readonly stage: Stage; readonly book: Book; readonly round: number; readonly peaceMs: number;
}): Promise<Played> {
  const { options, subject, site, signal, say } = stage;
  const clients = subject.nodes.map((node, server) => (
    clientsBeside({ node, server, name: `${node.name}.${round}`, book })
  ));
  const followers = Array.from({ length: FOLLOWERS }, (_value, index) => new Writer({
    book, by: 'plain', name: `follower${index}.${round}`, target: () => subject.belief.now(),
    connect: connectOverNetwork, batch: 1, everyMs: FOLLOW_EVERY_MS, wait: 0, patient: false,
  }));
  await waitFor(() => book.acknowledging(performance.now()) !== null, 'clients write');
  await waitFor(() => subject.isRedundant(), 'every replica may take over', HEAL_TIMEOUT_MS);
  await pause(peaceMs, undefined, { signal });
  const old = subject.belief.published()?.server;
  const host = old === undefined ? undefined : subject.nodes[old]?.host;
  if (old === undefined || host === undefined) throw new Error('no master is published');
  const others = subject.nodes.map((node) => node.host.address).filter((address) => address !== host.address);
  const peers = [...others, ...subject.ensemble?.addresses ?? [], site.network.clients];
  say(`round ${round}: ${host.name} is cut off`);
  const cutMs = performance.now();
  await site.network.filter(host, [{ kind: 'cut', peers, direction: 'both' }]);
  await pause(options.cutMs, undefined, { signal });
  await site.network.filter(host, []);
  const wholeMs = performance.now();
  await waitFor(async () => await subject.lacks() === null, 'all is well again', HEAL_TIMEOUT_MS);
  const healMs = performance.now() - wholeMs;
  await pause(AFTERWARDS_MS, undefined, { signal });
  for (const follower of followers) follower.pause();
  await Promise.all(clients.map((each) => each.stop()));
  await Promise.all(followers.map((follower) => follower.stop()));
  await waitFor(() => allCaughtUp(subject.nodes), 'all replicas have caught up', HEAL_TIMEOUT_MS);
  const survivor = subject.belief.published()?.server;
  if (survivor === undefined) throw new Error('no master is published');
  // A replica that is up counts for `min-replicas-to-write` only from its first acknowledgement on.
  const takesWrites = async (): Promise<boolean> => (
    await subject.nodes[survivor]?.redis.ask('SET', `settled.${round}`, round) === 'OK'
  );
  await waitFor(takesWrites, 'the master takes writes', HEAL_TIMEOUT_MS);
  const writes = book.takeWrites();
  const lost = await findLost(subject, survivor, writes);
  const nodes = subject.nodes.map(({ name }) => name);
  return { round: judgeCut({ nodes, old, cutMs, writes, lost, healMs }), lost };
}

function countLost(lost: readonly Acknowledged[]): Summary['lost'] {
  const counts: Record<WriteClass, number> = { plain: 0, wait: 0, stale: 0, fixed: 0 };
  for (const { by } of lost) counts[by] += 1;
  return counts;
}

const ms = (value: number | null): string => (value === null ? '-' : `${Math.round(value)} ms`);

function told(round: CutRound): string {
  const { master, successor, oldLastMs, newFirstMs, marginMs, acknowledged, lost, lostFromMs, healMs } = round;
  return `${master} acknowledged until ${ms(oldLastMs)} `
    + `(${acknowledged} writes; ${lost} lost, from ${ms(lostFromMs)}), `
    + `${successor ?? 'nobody'} from ${ms(newFirstMs)}: margin ${ms(marginMs)}; well after ${ms(healMs)}`;
}

function notes(rounds: readonly CutRound[]): readonly string[] {
  const row = (what: string, unit: string, values: readonly (number | null)[]): string => {
    const given = values.filter((value) => value !== null);
    if (given.length === 0) return `${what}: never`;
    const [mid, least, most] = [median(given), Math.min(...given), Math.max(...given)].map(Math.round);
    return `${what}: median ${mid}${unit} (${least} to ${most}), ${given.length} of ${values.length} cuts`;
  };
  return [
    row("From the cut to the old master's last acknowledged write", ' ms', rounds.map((each) => each.oldLastMs)),
    row("From the cut to the new master's first", ' ms', rounds.map((each) => each.newFirstMs)),
    row('Between the two', ' ms', rounds.map((each) => each.marginMs)),
    row('Acknowledged by the old master after the cut', ' writes', rounds.map((each) => each.acknowledged)),
    row('Acknowledged by the old master and lost', ' writes', rounds.map((each) => each.lost)),
    row('From the end of the cut until all was well', ' ms', rounds.map((each) => each.healMs)),
  ];
}
