/**
 * The scripted switchover: clients write without pause, an operator's command hands the mastership over, and every
 * write that was acknowledged is looked for. `--help` says what the figures mean.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { Writers } from '../test/support/writers.ts';
import { DemoFailed, settled } from './failover.ts';
import type { Script } from './failover.ts';
import type { DemoNode, DemoService } from './service.ts';

/** Acknowledged writes that are waited for, before the order and after it. */
const WRITES = 500;
/** Written together, so that the servers are not idle. */
const BATCH = 4;

/** Resolves with the last line; rejects when anything went wrong. */
export async function switchover({ service, root, say }: Script): Promise<string> {
  await service.start(root, say);
  const master = await settled(service, null);
  const target = service.nodes.find((node) => node !== master);
  if (target === undefined) throw new DemoFailed('there is no replica');
  say(`${master.name} is master; clients write to all three servers without pause`);
  const writers = new Writers(service.nodes, { batch: BATCH });
  try {
    await writers.progress(master, WRITES);
    say(`dictator switchover --to ${target.name} --yes`);
    const { gapMs, elapsedMs } = await order(service, target, root);
    say(`done in ${elapsedMs} ms: ${target.name} is the master, ${gapMs} ms without one`);
    await writers.progress(target, WRITES);
    await writers.stop();
    const waitedMs = await judge({ service, writers, master, target, say });
    const all = writers.acknowledged.length;
    const waited = `writes waited ${waitedMs} ms (${gapMs} ms without a master)`;
    return `demo: ok, ${waited}, 0 of ${all} acknowledged writes lost`;
  } finally {
    await writers.stop();
  }
}

interface Measured {
  readonly gapMs: number;
  readonly elapsedMs: number;
}

/** Runs the command line as an operator does. */
async function order(service: DemoService, target: DemoNode, root: string): Promise<Measured> {
  const zk = `127.0.0.1:${service.zooKeeperPort}`;
  const args = ['switchover', '--to', target.name, '--zk', zk, '--yes', '--json'];
  const child = spawn(process.execPath, [join(root, 'dist', 'dictator.cjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const stop = (): void => void child.kill('SIGKILL');
  process.on('exit', stop);
  const printed = { out: '', err: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (printed.err += text));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  process.off('exit', stop);
  if (code !== 0) throw new DemoFailed(`the command ended with ${String(code)}: ${printed.err}`);
  const { gapMs, elapsedMs } = JSON.parse(printed.out) as { gapMs: number | null; elapsedMs: number };
  if (gapMs === null) throw new DemoFailed('nobody measured the gap');
  return { gapMs, elapsedMs };
}

interface Played {
  readonly service: DemoService;
  readonly writers: Writers;
  readonly master: DemoNode;
  readonly target: DemoNode;
  readonly say: (text: string) => void;
}

/** Milliseconds from the last acknowledgement of the old master to the first of the new one. */
async function judge({ service, writers, master, target, say }: Played): Promise<number> {
  await settled(service, target);
  say(`${target.name} is master for every agent, in ZooKeeper and by ROLE; both replicas are in sync`);
  const overlap = writers.overlap(master, target);
  if (overlap.length > 0) throw new DemoFailed(`${overlap.length} writes were acknowledged beside the other master`);
  const missing = await writers.missingOn(target.redis);
  if (missing.length > 0) throw new DemoFailed(`${missing.length} acknowledged writes are lost`);
  const timesOf = (node: DemoNode): number[] =>
    writers.acknowledged.filter((write) => write.node === node.name).map(({ atMs }) => atMs);
  const lastMs = Math.max(...timesOf(master));
  const firstMs = Math.min(...timesOf(target));
  say(`all ${writers.acknowledged.length} acknowledged writes are on ${target.name}`);
  return Math.round(firstMs - lastMs);
}
