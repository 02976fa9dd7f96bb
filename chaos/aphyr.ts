/**
 * The partition of 2013 (https://aphyr.com/posts/283-jepsen-redis): five nodes, a client at each, all of them writing
 * to the master that their own side names. The network parts, with the master among the two that are fewer; later it
 * is whole again, and every acknowledged write is looked for. Sentinel lost 56 % then.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { Book } from './clients/book.ts';
import { connectOverNetwork, Writer } from './clients/writers.ts';
import type { Target } from './clients/writers.ts';
import type { Stage } from './inside.ts';
import { summarize } from './report.ts';
import type { Summary } from './report.ts';
import { findLost } from './round.ts';
import type { Acknowledged } from './clients/book.ts';
import { waitFor } from '../test/support/wait-for.ts';

/** The original: some 2,000 writes in all, most of them while the network was parted. */
const BEFORE_MS = 6000;
const PARTED_MS = 30_000;
const AFTER_MS = 8000;
const WRITE_EVERY_MS = 30;
const BELIEF_EVERY_MS = 50;
const HEAL_TIMEOUT_MS = 120_000;
const QUIET_MS = 500;

export async function playAphyr({ options, subject, site, say, signal }: Stage): Promise<Summary> {
  const startMs = performance.now();
  const book = new Book(subject.nodes.length);
  const master = subject.belief.now()?.server ?? 0;
  const minority = [master, (master + 1) % subject.nodes.length];
  const parted = { now: false };
  const sameSide = (a: number, b: number): boolean => !parted.now || minority.includes(a) === minority.includes(b);
  const beliefs: (Target | null)[] = subject.nodes.map(() => null);
  const asking = new AbortController();
  const ask = async (index: number): Promise<void> => {
    while (!asking.signal.aborted) {
      beliefs[index] = await subject.namedAt(index) ?? beliefs[index] ?? null;
      await pause(BELIEF_EVERY_MS);
    }
  };
  const asked = subject.nodes.map((_node, index) => ask(index));
  const writers = subject.nodes.map((_node, index) => new Writer({
    book, by: 'plain', name: `client${index + 1}`, batch: 1, everyMs: WRITE_EVERY_MS, wait: 0, patient: false,
    connect: connectOverNetwork,
    target: () => {
      const target = beliefs[index] ?? null;
      // The clients run outside of both sides: what a side cannot reach, its clients must not reach either.
      return target !== null && sameSide(index, target.server) ? target : null;
    },
  }));
  await pause(BEFORE_MS, undefined, { signal });
  const others = subject.nodes.filter((_node, index) => !minority.includes(index)).map(({ host }) => host.address);
  const peers = [...others, ...subject.ensemble?.addresses ?? []];
  say(`parted: ${minority.map((index) => subject.nodes[index]?.name).join(', ')} from the rest, master among them`);
  parted.now = true;
  await Promise.all(minority.map(async (index) => {
    const host = subject.nodes[index]?.host;
    if (host !== undefined) await site.network.filter(host, [{ kind: 'cut', peers, direction: 'both' }]);
  }));
  await pause(PARTED_MS, undefined, { signal });
  await Promise.all(minority.map(async (index) => {
    const host = subject.nodes[index]?.host;
    if (host !== undefined) await site.network.filter(host, []);
  }));
  parted.now = false;
  say('whole again');
  await pause(AFTER_MS, undefined, { signal });
  for (const writer of writers) writer.pause();
  await pause(QUIET_MS);
  await waitFor(async () => await subject.lacks() === null, 'all is well again', HEAL_TIMEOUT_MS);
  asking.abort();
  await Promise.all([...asked, ...writers.map((writer) => writer.stop())]);
  const writes = book.takeWrites();
  const survivor = subject.belief.published()?.server;
  if (survivor === undefined) throw new Error('no master is published');
  const lost = await findLost(subject, survivor, writes);
  const summary = summarize({
    options, rounds: [], book, skipped: 0, network: site.network.kind, leftOut: [],
    seconds: (performance.now() - startMs) / 1000, nodes: subject.nodes.map(({ name }) => name),
  });
  return {
    ...summary, faults: 1, lost: { ...summary.lost, plain: lost.length },
    notes: [tell(writes, lost)],
  };
}

function tell(writes: readonly Acknowledged[], lost: readonly Acknowledged[]): string {
  const percent = writes.length === 0 ? 0 : (100 * lost.length) / writes.length;
  const at = (server: number): string => {
    const all = writes.filter((write) => write.server === server).length;
    const gone = lost.filter((write) => write.server === server).length;
    return `node${server + 1} ${all} (${gone} lost)`;
  };
  const servers = [...new Set(writes.map(({ server }) => server))].sort((a, b) => a - b);
  return `Acknowledged ${writes.length}, lost ${lost.length} (${percent.toFixed(1)} %): ${servers.map(at).join(', ')}`;
}
