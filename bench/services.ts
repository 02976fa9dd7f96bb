/**
 * What a Sentinel port costs that answers for a thousand services instead of one: memory of an agent and of a gateway,
 * and the time of the longest answer, all masters at once.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { AgentProcess } from '../test/support/agent-process.ts';
import { freePort } from '../test/support/free-port.ts';
import { waitFor } from '../test/support/wait-for.ts';
import { WrittenServices } from '../test/support/written-services.ts';
import type { Context } from './context.ts';
import { add, repeat, startBenchService } from './context.ts';
import { megabytes } from './footprint.ts';
import { median } from './statistics.ts';

const SERVICES = Array.from({ length: 1000 }, (_value, index) => `bench-written-${index}`);
const ONE: readonly string[] = ['bench-written-0'];
const ALL: readonly string[] = ['bench-written-*'];
const ANSWERS = 20;
/** Start-up is over by then; what is left is what stays. */
const SETTLE_MS = 3000;
const END = 'end-of-answer';

/** Milliseconds from the question to the last byte of its answer, and the number of masters in it. */
function askMasters(port: number): Promise<{ readonly tookMs: number; readonly masters: number }> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
    const chunks: Buffer[] = [];
    let fromMs = 0;
    socket.on('error', reject);
    socket.on('connect', () => {
      fromMs = performance.now();
      socket.write(`SENTINEL MASTERS\r\nECHO ${END}\r\n`);
    });
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (!Buffer.concat(chunks.slice(-2)).includes(END)) return;
      const tookMs = performance.now() - fromMs;
      socket.destroy();
      resolve({ tookMs, masters: Buffer.concat(chunks).toString('latin1').split('\r\nrunid\r\n').length - 1 });
    });
  });
}

/** Waits until it answers for so many and is at rest; gives its resident memory in MB, after it was asked a lot. */
async function footprint(process: AgentProcess, port: number, least: number): Promise<{ mb: number; took: number[] }> {
  await waitFor(async () => {
    try {
      return (await askMasters(port)).masters >= least;
    } catch (error) {
      // It does not listen yet.
      if (error instanceof Error && 'code' in error) return false;
      throw error;
    }
  }, `${least} masters`, 60_000);
  await pause(SETTLE_MS);
  const took: number[] = [];
  while (took.length < ANSWERS) took.push((await askMasters(port)).tookMs);
  return { mb: megabytes(process.pid, 'status', 'VmRSS'), took };
}

interface Subject {
  readonly process: AgentProcess;
  readonly port: number;
  readonly end: () => Promise<void>;
}

async function agent(context: Context): Promise<Subject> {
  const service = await startBenchService(context, { nodes: 1, sentinel: { services: ONE } });
  const [node] = service.nodes;
  if (node === undefined) throw new Error('no node');
  return { process: node.agent, port: node.sentinelPort ?? 0, end: () => service.stop() };
}

async function gateway({ zookeeper }: Context): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), 'dictator-gateway-'));
  const port = await freePort();
  const httpPort = await freePort();
  const config = { http_port: httpPort, zk_hosts: [`127.0.0.1:${zookeeper.port}`], sentinel: { port, services: ONE } };
  const program = [process.execPath, 'dist/dictator.cjs', 'gateway'];
  const running = new AgentProcess({ name: 'gateway', folder, config, httpPort, program });
  const end = async (): Promise<void> => {
    await running.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return { process: running, port, end };
}

async function measure(context: Context, name: 'agent' | 'gateway', open: () => Promise<Subject>): Promise<void> {
  await repeat(context, {
    name: `services, ${name}`,
    runs: context.options.runs,
    open,
    close: ({ end }) => end(),
    run: async ({ process: running, port }) => {
      const answeringFor = async (services: readonly string[], least: number) => {
        await running.kill();
        running.restart({ sentinel: { port, services } });
        return footprint(running, port, least);
      };
      const one = await answeringFor(ONE, 1);
      const all = await answeringFor(ALL, SERVICES.length);
      const tookMs = median(all.took);
      add(context, `services.${name}.more`, all.mb - one.mb);
      add(context, `services.${name}.masters`, tookMs);
      return `${one.mb.toFixed(1)} MB, with all ${all.mb.toFixed(1)} MB; MASTERS ${tookMs.toFixed(1)} ms`;
    },
  });
}

export async function measureServices(context: Context): Promise<void> {
  const written = await WrittenServices.open(context.zookeeper.port);
  try {
    await written.write(SERVICES);
    await measure(context, 'agent', () => agent(context));
    await measure(context, 'gateway', () => gateway(context));
  } finally {
    for (const service of SERVICES) await written.remove(service);
    await written.close();
  }
}
