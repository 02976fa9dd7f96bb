/** What one process costs: memory and processor time, from the kernel's own books. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

import type { Context } from './context.ts';
import { add } from './context.ts';

const IDLE_MS = 20_000;
/** Linux counts processor time of processes in hundredths of a second, whatever its own clock. */
const TICK_MS = 10;

/** A line of /proc in kB, in MB. */
export function megabytes(pid: number, file: string, field: string): number {
  const text = readFileSync(`/proc/${pid}/${file}`, 'utf8');
  const kilobytes = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1];
  if (kilobytes === undefined) throw new Error(`/proc: ${file} has no ${field}`);
  return (Number(kilobytes) * 1024) / 1e6;
}

/** Processor time used so far, by all threads. */
export function processorMs(pid: number): number {
  const tasks = `/proc/${pid}/task`;
  const exact = readdirSync(tasks).map((task) => `${tasks}/${task}/schedstat`);
  if (exact.every((path) => existsSync(path))) {
    const nanoseconds = exact.map((path) => Number(readFileSync(path, 'utf8').split(' ')[0]));
    return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e6;
  }
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Leaves the processes in peace for 20 s, then adds `<prefix>.cpu`, `.rss`, `.anon` and `.private`, a sample each. */
export async function measureIdle(context: Context, prefix: string, pids: readonly number[]): Promise<string> {
  const before = pids.map(processorMs);
  const startedAtMs = performance.now();
  await pause(IDLE_MS);
  const elapsedMs = performance.now() - startedAtMs;
  const texts = pids.map((pid, index) => {
    const cpu = ((processorMs(pid) - (before[index] ?? 0)) / elapsedMs) * 100;
    const rss = megabytes(pid, 'status', 'VmRSS');
    const own = megabytes(pid, 'smaps_rollup', 'Pss_Anon');
    add(context, `${prefix}.cpu`, cpu);
    add(context, `${prefix}.rss`, rss);
    add(context, `${prefix}.anon`, megabytes(pid, 'status', 'RssAnon'));
    add(context, `${prefix}.private`, own);
    return `${rss.toFixed(1)} MB, private ${own.toFixed(1)} MB, ${cpu.toFixed(2)} %`;
  });
  return texts.join('; ');
}
