/**
 * Clients on the host of a server: a process in its network namespace, whose connections never leave it. They write to
 * that server whatever it is and whatever becomes of its network, as an application on the same machine does.
 *
 * The process tells each acknowledged write in one line. Its times are of the monotonic clock that all processes of a
 * machine share, so they can stand beside our own.
 */
import { spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { createInterface } from 'node:readline';
import type { ChaosNode } from '../world/subject.ts';
import type { Acknowledged, Book } from './book.ts';
import { connectOverNetwork, Writer } from './writers.ts';
import type { Target } from './writers.ts';

/** First argument of that process; the second is what it shall do, as JSON. */
export const BESIDE = '--beside';

interface Orders {
  /** Begins every key; nobody else's may. */
  readonly name: string;
  readonly target: Target;
}

/** Some 500 writes a second together. */
const CLIENTS = 5;
const WRITE_EVERY_MS = 9;
/** Answers to what was written before the end come within this, or count as not come. */
const QUIET_MS = 300;
const EXIT_FAILED = 2;

/** Pairs of readings: on a busy machine, milliseconds may pass between the two of one pair. */
const CLOCK_READINGS = 20;

/**
 * Milliseconds by which `performance.now()` of this process is behind the clock that all share. What passes between
 * two readings makes it too small, never too large.
 */
function clockOffsetMs(): number {
  const readings = Array.from({ length: CLOCK_READINGS }, () => (
    Number(process.hrtime.bigint()) / 1e6 - performance.now()
  ));
  return Math.max(...readings);
}

export interface ClientsBeside {
  /** Resolves when they have written their last and everything that they know is in the book. */
  stop(): Promise<void>;
}

/** Starts them; what is acknowledged goes into the book. Rejects from `stop` when they could not go on. */
export function clientsBeside({ node, server, name, book }: {
  readonly node: ChaosNode; readonly server: number; readonly name: string; readonly book: Book;
}): ClientsBeside {
  const orders: Orders = { name, target: { server, host: node.host.address, port: node.ports[0] ?? 0 } };
  const [program, ...args] = [
    ...node.host.prefix, process.execPath, process.argv[1] ?? '', BESIDE, JSON.stringify(orders),
  ];
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const offsetMs = clockOffsetMs();
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    const { key, sentMs, ackedMs } = JSON.parse(line) as Pick<Acknowledged, 'key' | 'sentMs' | 'ackedMs'>;
    book.acknowledged({ key, by: 'fixed', server, sentMs: sentMs - offsetMs, ackedMs: ackedMs - offsetMs });
  });
  const read = new Promise<void>((resolve) => lines.once('close', resolve));
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolve(code ?? signal ?? ''));
  });
  // Where it could not be started, `stop` says so.
  ended.catch(() => undefined);
  child.stdin.on('error', () => undefined);
  return {
    stop: async () => {
      child.stdin.end();
      const code = await ended;
      await read;
      if (code !== 0) throw new Error(`the clients beside ${node.name} ended with ${code}`);
    },
  };
}

/** That process itself. Resolves with its exit code when whoever started it closes its input. */
export async function writeBeside(json: string): Promise<number> {
  const { name, target } = JSON.parse(json) as Orders;
  const offsetMs = clockOffsetMs();
  const tell = ({ key, sentMs, ackedMs }: Acknowledged): void => {
    const line = JSON.stringify({ key, sentMs: sentMs + offsetMs, ackedMs: ackedMs + offsetMs });
    process.stdout.write(`${line}\n`);
  };
  process.stdout.on('error', () => process.exit(EXIT_FAILED));
  const writers = Array.from({ length: CLIENTS }, (_value, index) => new Writer({
    // A refusal is an answer like any other here: a replica gives nothing else.
    book: { acknowledged: tell, refused: () => undefined },
    name: `${name}.${index}`, by: 'fixed', target: () => target, connect: connectOverNetwork,
    batch: 1, everyMs: WRITE_EVERY_MS, wait: 0, patient: true,
  }));
  await new Promise((resolve) => process.stdin.once('end', resolve).resume());
  for (const writer of writers) writer.pause();
  await pause(QUIET_MS);
  await Promise.all(writers.map((writer) => writer.stop()));
  await new Promise((resolve) => process.stdout.write('', resolve));
  return 0;
}
