/** The clients of a simulated service: some wait, some learn late, one never lets go of a server that answers. */
import type { Endpoint, Network } from '../kernel/network.ts';
import type { Host } from '../kernel/process.ts';
import { Process } from '../kernel/process.ts';
import type { Random } from '../kernel/random.ts';
import { Writer } from '../clients/writer.ts';
import type { WriterOptions } from '../clients/writer.ts';

const KINDS: readonly Partial<WriterOptions>[] = [
  { writesPerSecond: 40, pipeline: 2, wait: 1, staleMs: 50 },
  { writesPerSecond: 40, pipeline: 4, wait: 0, staleMs: 500 },
  { writesPerSecond: 20, pipeline: 2, wait: 1, staleMs: 3000, stubborn: true },
];

export interface WritersParts {
  readonly network: Network;
  readonly random: Random;
  readonly hostOf: (name: string) => Host;
  readonly believe: () => Endpoint | null;
}

export function startWriters({ network, random, hostOf, believe }: WritersParts): readonly Writer[] {
  let ids = 0;
  return KINDS.map((options, i) => {
    const name = `client-${i + 1}`;
    const process = new Process(name, hostOf(name), network.scheduler);
    return new Writer({ process, network, random: random.fork(name), options, nextId: () => ++ids, believe });
  });
}
