/**
 * Health checks as a balancer makes them, each over a connection of its own, 500 a second: how long one takes, and what
 * they cost the agent.
 */
import { createConnection } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

import type { Context } from './context.ts';
import { add, repeat, startBenchService } from './context.ts';
import { processorMs } from './footprint.ts';
import { median, percentile } from './statistics.ts';

const CHECKS_PER_SECOND = 500;
const RUN_MS = 2000;
const MS_PER_S = 1000;
const SLOW_SHARE = 0.99;
/** As HAProxy sends it for `option httpchk OPTIONS /primary`. */
const CHECK = 'OPTIONS /primary HTTP/1.0\r\n\r\n';

/** One check: milliseconds from dialling to the status line. */
function check(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fromMs = performance.now();
    const socket = createConnection({ host: '127.0.0.1', port, noDelay: true });
    socket.on('connect', () => socket.write(CHECK));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('a check was not answered')));
    socket.once('data', (answer: Buffer) => {
      if (answer.toString('latin1', 0, 12) === 'HTTP/1.1 200') resolve(performance.now() - fromMs);
      else reject(new Error(`a check was answered: ${answer.toString('latin1')}`));
      socket.destroy();
    });
  });
}

/** Checks at an even pace; one that is late does not hold up the others. */
async function checks(port: number): Promise<readonly number[]> {
  const asked: Promise<number>[] = [];
  const beganMs = performance.now();
  for (let elapsedMs = 0; elapsedMs < RUN_MS; elapsedMs = performance.now() - beganMs) {
    const due = Math.floor((elapsedMs / MS_PER_S) * CHECKS_PER_SECOND);
    while (asked.length < due) asked.push(check(port));
    await pause(1);
  }
  return Promise.all(asked);
}

export async function measureChecks(context: Context): Promise<void> {
  await repeat(context, {
    name: 'checks',
    runs: context.options.runs,
    open: () => startBenchService(context),
    close: (service) => service.stop(),
    run: async (service) => {
      const { master } = await service.settled();
      const beforeMs = processorMs(master.agent.pid);
      const beganMs = performance.now();
      const tookMs = await checks(master.agent.options.httpPort);
      const cpu = ((processorMs(master.agent.pid) - beforeMs) / (performance.now() - beganMs)) * 100;
      const slowMs = percentile(tookMs, SLOW_SHARE);
      add(context, 'checks.answer', median(tookMs));
      add(context, 'checks.slow', slowMs);
      add(context, 'checks.cpu', cpu);
      return `${tookMs.length} checks, median ${median(tookMs).toFixed(2)} ms, 99 % ${slowMs.toFixed(2)} ms`;
    },
  });
}
