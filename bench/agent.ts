/** What the agent itself costs: memory, time until it answers, processor time in peace; and the same of Sentinel. */
import { execFileSync } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';

import type { Node } from '../test/support/service.ts';
import { waitFor } from '../test/support/wait-for.ts';
import type { Context } from './context.ts';
import { add, say, startBenchService } from './context.ts';
import { measureIdle } from './footprint.ts';
import { findNode24 } from './node24.ts';
import { SentinelTrio } from './sentinel-trio.ts';

const PROGRAM = 'dist/dictator.cjs';
const READY_POLL_MS = 2;
const READY_TIMEOUT_MS = 20_000;
/** Start-up is over by then; what is left is what stays. */
const SETTLE_MS = 3000;

/** From the exec to the first answer 200 of /status. */
async function readyMs({ agent }: Node): Promise<number> {
  agent.signal('SIGTERM');
  await agent.exited;
  const startedAtMs = performance.now();
  agent.restart();
  for (;;) {
    const answer = await agent.http('/status');
    const tookMs = performance.now() - startedAtMs;
    if (answer?.status === 200) return tookMs;
    if (tookMs > READY_TIMEOUT_MS) throw new Error('the agent did not answer /status');
    await pause(READY_POLL_MS);
  }
}

async function measureRuntime(context: Context, label: string, node: string): Promise<void> {
  const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim();
  context.notes.push(`agent, ${label}: Node.js ${version}`);
  const service = await startBenchService(context, { program: [node, PROGRAM] });
  try {
    const { master } = await service.settled();
    const [replica] = service.others(master);
    if (replica === undefined) throw new Error('no replica');
    for (let run = 1; run <= context.options.runs; run += 1) {
      const took = await readyMs(replica);
      add(context, `agent.${label}.ready`, took);
      say(`agent, Node.js ${version}, ready ${run}/${context.options.runs}: ${took.toFixed(0)} ms`);
      await waitFor(async () => (await replica.agent.view())?.role === 'replica', 'the agent is a replica again');
    }
    await service.settled();
    await pause(SETTLE_MS);
    const pids = service.nodes.map(({ agent }) => agent.pid);
    say(`agent, Node.js ${version}, idle: ${await measureIdle(context, `agent.${label}`, pids)}`);
  } finally {
    await service.stop();
  }
}

async function measureSentinelProcess(context: Context): Promise<void> {
  const trio = await SentinelTrio.start();
  try {
    for (const sentinel of trio.sentinels) add(context, 'sentinel.ready', sentinel.readyMs);
    await pause(SETTLE_MS);
    const pids = trio.sentinels.map(({ pid }) => pid);
    say(`Sentinel, idle: ${await measureIdle(context, 'sentinel', pids)}`);
  } finally {
    await trio.stop();
  }
}

export async function measureAgent(context: Context): Promise<void> {
  const node24 = await findNode24(context);
  if (node24 !== null) await measureRuntime(context, 'node24', node24);
  if (node24 !== process.execPath) await measureRuntime(context, 'present', process.execPath);
  if (context.options.sentinelRuns > 0) await measureSentinelProcess(context);
}
