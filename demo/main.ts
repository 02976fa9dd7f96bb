/**
 * The demo's entry: which mode, and one single way out.
 *
 * Whatever ends the demo (its last line, a key, a signal, an exception, the overall limit) goes through `leave`: every
 * child is killed by its own handle and the folder goes with them. A child that is being started at that very moment
 * is known to the exit hooks of its starter, which run before ours because ours is added last.
 */
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failover } from './failover.ts';
import type { Script } from './failover.ts';
import { Live } from './live/live.ts';
import type { LiveSummary } from './live/live.ts';
import { Screen } from './live/screen.ts';
import { HELP, parse } from './parse.ts';
import { DemoService } from './service.ts';
import { switchover } from './switchover.ts';

const SCRIPT_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 2_000;
const USAGE = 64;
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const exit = { leaving: false };

async function leave(service: DemoService, code: number): Promise<void> {
  if (exit.leaving) return;
  exit.leaving = true;
  process.on('exit', () => service.removeFolder());
  const limit = setTimeout(() => process.exit(code), STOP_LIMIT_MS);
  try {
    await service.stop();
  } catch (error) {
    console.error(`demo: while stopping: ${String(error)}`);
  }
  clearTimeout(limit);
  process.exit(code);
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s*\n\s*/g, ' ');
}

async function script(service: DemoService, play: (script: Script) => Promise<string>): Promise<void> {
  const startMs = performance.now();
  let latest = 'starting';
  const say = (text: string): void => {
    latest = text;
    console.log(`${((performance.now() - startMs) / 1000).toFixed(3).padStart(7)} s  ${text}`);
  };
  const verdict = { given: false };
  const fail = async (reason: string): Promise<void> => {
    if (verdict.given || exit.leaving) return;
    verdict.given = true;
    for (const line of await service.diagnosis()) console.error(line);
    console.log(`demo: FAILED, ${reason}`);
    return leave(service, 1);
  };
  process.on('uncaughtException', (error) => void fail(messageOf(error)));
  process.on('unhandledRejection', (error) => void fail(messageOf(error)));
  setTimeout(() => {
    void fail(`not through after ${SCRIPT_LIMIT_MS / 1000} s, the last step was: ${latest}`);
  }, SCRIPT_LIMIT_MS).unref();
  say(`starting in ${service.folder}`);
  let last: string;
  try {
    last = await play({ service, root: ROOT, say });
  } catch (error) {
    return fail(messageOf(error));
  }
  if (exit.leaving || verdict.given) return;
  verdict.given = true;
  console.log(last);
  return leave(service, 0);
}

async function live(service: DemoService): Promise<void> {
  const screen = new Screen(process.env);
  let ended = false;
  const end = async (failure: unknown): Promise<void> => {
    if (ended) return;
    ended = true;
    const summary = await view.stop();
    await service.stop();
    screen.restore();
    if (failure === null) console.log(`demo: ${told(summary)}; everything is stopped and removed`);
    else console.error(`demo: FAILED, ${messageOf(failure)}`);
    await leave(service, failure === null ? 0 : 1);
  };
  const view = new Live(service, screen, () => void end(null));
  process.on('uncaughtException', (error) => void end(error));
  process.on('unhandledRejection', (error) => void end(error));
  // The terminal is gone.
  process.stdin.on('end', () => void leave(service, 1));
  process.stdout.on('error', () => void leave(service, 1));
  try {
    await view.start(ROOT);
  } catch (error) {
    await end(error);
  }
}

function told({ faults, gapWorstMs }: LiveSummary): string {
  return `${faults} ${faults === 1 ? 'fault' : 'faults'}, worst write gap ${gapWorstMs} ms`;
}

async function main(): Promise<void> {
  const command = parse(process.argv.slice(2), process.stdin.isTTY && process.stdout.isTTY);
  if (command.kind === 'help') return void process.stdout.write(HELP);
  if (command.kind === 'wrong') {
    console.error(`demo: ${command.because}\n\n${HELP}`);
    process.exitCode = USAGE;
    return;
  }
  // What make puts there for its recipes, for who starts the program without it.
  process.env['PATH'] = [join(ROOT, '.tools', 'bin'), process.env['PATH'] ?? ''].join(delimiter);
  const service = new DemoService();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (command.kind !== 'live' && !exit.leaving) console.log(`demo: FAILED, interrupted by ${signal}`);
      void leave(service, 128 + constants.signals[signal]);
    });
  }
  if (command.kind === 'live') return live(service);
  await script(service, command.kind === 'failover' ? failover : switchover);
}

void main();
