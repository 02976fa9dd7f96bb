/** A real HAProxy in front of a service, with the configuration that `dictator haproxy` prints, used as it is. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import type { Service } from './service.ts';

const PROGRAM = 'dist/dictator.cjs';
const ATTEMPTS = 5;

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export interface HaproxyProcess {
  /** Ports that lead to the master, and to a replica. */
  readonly writePort: number;
  readonly readPort: number;
  /** What it was started with. */
  readonly configuration: string;
  /** What it said so far: its verdicts on servers. */
  log(): string;
  stop(): Promise<void>;
}

/** Prints the configuration of a service, has HAProxy check it, and starts it. */
export async function startHaproxy(service: Service): Promise<HaproxyProcess> {
  let last: unknown;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = await twoFreePorts();
    const configuration = await printed(service, port);
    const file = join(service.folder, 'haproxy.cfg');
    writeFileSync(file, configuration);
    try {
      await promisify(execFile)('haproxy', ['-c', '-f', file]);
    } catch (error) {
      // A check does not bind: whatever it says is about the configuration.
      throw new Error(`HAProxy does not take the configuration:\n${configuration}`, { cause: error });
    }
    try {
      return { writePort: port, readPort: port + 1, configuration, ...await spawned(file) };
    } catch (error) {
      // Somebody took a port in between.
      last = error;
    }
  }
  throw last;
}

async function printed({ name, zookeeper }: Service, port: number): Promise<string> {
  const args = [PROGRAM, 'haproxy', name, '--zk', `127.0.0.1:${String(zookeeper.port)}`, '--port', String(port)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return stdout;
}

/** Two ports side by side; another process may still take one of them. */
async function twoFreePorts(): Promise<number> {
  for (;;) {
    const port = await freePort();
    if (await isFree(port + 1)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, () => server.close(() => resolve(true)));
  });
}

/** Up when its first verdict, or the end of its start, was logged; it checks at once. */
async function spawned(file: string): Promise<Pick<HaproxyProcess, 'log' | 'stop'>> {
  const child = spawn('haproxy', ['-db', '-f', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let said = '';
  const exited = new Promise<void>((resolve) => {
    child.on('exit', () => {
      running.delete(child);
      resolve();
    });
  });
  const began = new Promise<boolean>((resolve) => {
    const take = (chunk: string): void => {
      said += chunk;
      if (/ is (?:UP|DOWN)/.test(said)) resolve(true);
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    void exited.then(() => resolve(false));
  });
  if (!await began) throw new Error(`HAProxy ended: ${said}`);
  return {
    log: () => said,
    async stop() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
