/**
 * Real Redis servers for tests, bench and demo: each in its own folder on its own port, killed by its own id on every
 * way out of this process.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as pause } from 'node:timers/promises';
import { connectRaw, RawRedisError, type RawRedis, type RawReply } from './raw-redis.ts';

export interface RedisServerOptions {
  /** Default: a free one. */
  port?: number;
  /** Further arguments, for instance `['--min-replicas-to-write', '1']`; they win over the defaults. */
  args?: readonly string[];
  /** Kept by `stop()` when given; otherwise a temporary folder that `stop()` removes. */
  dataDir?: string;
  password?: string;
  /** Writes an RDB file when stopped by `term()`; default: nothing is ever saved. */
  save?: boolean;
}

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RedisServerProcess {
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Of the current process; changes with `restart()`. */
  readonly pid: number;
  readonly dataDir: string;
  readonly running: boolean;
  /** Of the current process. */
  readonly exited: Promise<ServerExit>;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM: Redis shuts down in order; resolves when the process is gone. */
  term(): Promise<void>;
  /** SIGSTOP and SIGCONT. */
  freeze(): void;
  thaw(): void;
  /** On the same port, killing first where still running. `empty` removes the data; `args` replace the earlier ones. */
  restart(options?: { empty?: boolean; args?: readonly string[] }): Promise<void>;
  /** Kills, and removes the folder. */
  stop(): Promise<void>;
  /** A new connection of one's own, authenticated. */
  client(): Promise<RawRedis>;
  /** One command over a connection kept for this purpose and reopened when it ended. */
  cmd(...args: readonly (string | number)[]): Promise<RawReply>;
}

const START_TIMEOUT_MS = 15_000;
const POLL_MS = 3;
const BIND_ATTEMPTS = 5;

/** Below the range from which kernels take ports for outgoing connections. */
const PORT_FIRST = 20_000;
const PORT_COUNT = 12_000;

const children = new Set<ChildProcess>();
const temporaryFolders = new Set<string>();
let exitHooked = false;

/** Resolves when the server answers, if only LOADING to most commands. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServerProcess> {
  const dataDir = options.dataDir ?? await temporaryFolder();
  await mkdir(dataDir, { recursive: true });
  for (let attempt = 1; ; attempt += 1) {
    const server = new Server(options, options.port ?? await freeServerPort(), dataDir);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.kill();
      if (options.port === undefined && attempt < BIND_ATTEMPTS && error instanceof PortTaken) continue;
      await server.stop();
      throw error;
    }
  }
}

/**
 * A port of 127.0.0.1 that nobody listens on, outside the ephemeral range: there, an outgoing connection of anybody
 * could take it while the server is down, and a client that retries could even connect to itself.
 */
async function freeServerPort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = PORT_FIRST + Math.floor(Math.random() * PORT_COUNT);
    if (await canListen(port)) return port;
  }
  throw new Error('no free port found');
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

/** `REDIS_SERVER`, else `redis-server` on the PATH, else the project's own `.tools/bin`. */
export function findRedisServer(): string {
  const given = process.env['REDIS_SERVER'];
  if (given) return given;
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  folders.push(fileURLToPath(new URL('../../.tools/bin', import.meta.url)));
  const found = folders.map((folder) => join(folder, 'redis-server')).find((path) => existsSync(path));
  if (found === undefined) throw new Error('redis-server not found: install Redis, or set REDIS_SERVER');
  return found;
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-'));
  temporaryFolders.add(folder);
  return folder;
}

class PortTaken extends Error {}

class Server implements RedisServerProcess {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly dataDir: string;
  exited: Promise<ServerExit> = Promise.resolve({ code: null, signal: null });
  private readonly options: RedisServerOptions;
  private args: readonly string[];
  private child: ChildProcess | null = null;
  private helper: RawRedis | null = null;
  private helperOpening: Promise<RawRedis> | null = null;

  constructor(options: RedisServerOptions, port: number, dataDir: string) {
    this.options = options;
    this.args = options.args ?? [];
    this.port = port;
    this.dataDir = dataDir;
  }

  get pid(): number {
    if (this.child?.pid === undefined) throw new Error('Redis was not started');
    return this.child.pid;
  }

  get running(): boolean {
    return this.child !== null && this.child.exitCode === null && this.child.signalCode === null;
  }

  async start(): Promise<void> {
    const child = spawn(findRedisServer(), this.commandLine(), { stdio: 'ignore', cwd: this.dataDir });
    this.child = child;
    this.exited = new Promise((resolve) => {
      child.once('error', () => resolve({ code: null, signal: null }));
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    killWithUs(child);
    await this.answering();
  }

  async kill(): Promise<void> { await this.signalAndWait('SIGKILL'); }
  async term(): Promise<void> { await this.signalAndWait('SIGTERM'); }
  freeze(): void { this.child?.kill('SIGSTOP'); }
  thaw(): void { this.child?.kill('SIGCONT'); }

  async restart(options: { empty?: boolean; args?: readonly string[] } = {}): Promise<void> {
    await this.kill();
    if (options.empty === true) {
      await rm(this.dataDir, { recursive: true, force: true });
      await mkdir(this.dataDir, { recursive: true });
    }
    if (options.args !== undefined) this.args = options.args;
    await this.start();
  }

  async stop(): Promise<void> {
    await this.kill();
    if (!temporaryFolders.delete(this.dataDir)) return;
    await rm(this.dataDir, { recursive: true, force: true });
  }

  client(): Promise<RawRedis> {
    const { password } = this.options;
    return connectRaw(this.port, password === undefined ? {} : { password });
  }

  async cmd(...args: readonly (string | number)[]): Promise<RawReply> {
    if (!this.helper?.open) {
      this.helperOpening ??= this.client().finally(() => { this.helperOpening = null; });
      this.helper = await this.helperOpening;
    }
    return this.helper.cmd(...args);
  }

  private commandLine(): string[] {
    const { password, save } = this.options;
    const line = [
      '--port', String(this.port), '--bind', this.host, '--dir', this.dataDir, '--logfile', 'redis.log',
      '--protected-mode', 'no', '--daemonize', 'no', '--appendonly', 'no', '--save', save === true ? '3600 1' : '',
    ];
    // Both, as in production: whoever requires a password of clients also needs it to follow a master.
    if (password !== undefined) line.push('--requirepass', password, '--masterauth', password);
    return [...line, ...this.args];
  }

  private async answering(): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!await this.answersInfo()) {
      if (!this.running || this.child?.pid === undefined) throw await this.startFailure('ended while starting');
      if (performance.now() > deadline) throw await this.startFailure('did not answer in time');
      await pause(POLL_MS);
    }
  }

  /** INFO is answered while loading too, and tells whether it is our child that has the port. */
  private async answersInfo(): Promise<boolean> {
    let client: RawRedis | null = null;
    try {
      client = await this.client();
      const processId = /^process_id:(\d+)/m.exec(String(await client.cmd('INFO', 'server')))?.[1];
      if (processId === String(this.pid)) return true;
      throw new PortTaken(`port ${String(this.port)} is served by process ${String(processId)}`);
    } catch (error) {
      if (error instanceof PortTaken) throw error;
      // A refused password, say, is an answer; a refused or ended connection is not.
      return error instanceof RawRedisError;
    } finally {
      client?.close();
    }
  }

  private async startFailure(what: string): Promise<Error> {
    const path = join(this.dataDir, 'redis.log');
    const log = existsSync(path) ? await readFile(path, 'utf8') : '(no log)';
    const text = `Redis on port ${String(this.port)} ${what}: ${log.slice(-600)}`;
    return log.includes('Address already in use') ? new PortTaken(text) : new Error(text);
  }

  private async signalAndWait(signal: NodeJS.Signals): Promise<void> {
    this.helper?.close();
    this.helper = null;
    if (this.child?.pid === undefined) return;
    if (this.running) this.child.kill(signal);
    await this.exited;
  }
}

function killWithUs(child: ChildProcess): void {
  children.add(child);
  child.once('exit', () => children.delete(child));
  if (exitHooked) return;
  exitHooked = true;
  process.on('exit', cleanUp);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, endBySignal);
}

function cleanUp(): void {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of temporaryFolders) rmSync(folder, { recursive: true, force: true });
}

/** With a listener Node no longer dies of the signal: do so ourselves, unless the program has a handler of its own. */
function endBySignal(signal: NodeJS.Signals): void {
  cleanUp();
  if (process.listenerCount(signal) > 1) return;
  process.removeListener(signal, endBySignal);
  process.kill(process.pid, signal);
}
