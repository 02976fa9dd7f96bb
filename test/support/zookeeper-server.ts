// One real ZooKeeper server (Debian's package) in a temporary folder on a free port, for tests, bench and demo.
// It is a child of this process: killed by its own id when this process exits, and by the kernel if this process is
// killed. Nothing here depends on a test framework.

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort } from './free-port.ts';
import { waitFor } from './wait-for.ts';

export interface ZooKeeperServerOptions {
  /** Default 100. Sessions last at least 2 ticks and at most 20. */
  readonly tickTimeMs?: number;
  /** Default: a free one. */
  readonly port?: number;
  /** Where it is reached. Default 127.0.0.1. */
  readonly host?: string;
  /** Put in front of its command, to run it elsewhere. */
  readonly prefix?: readonly string[];
  /** Default: a temporary folder, removed by `stop`. A folder given here is kept. */
  readonly dataDir?: string;
  /** Additional flags of the Java virtual machine, `-Dzookeeper.…` for example. */
  readonly java?: readonly string[];
  /** `false` turns off the flush of each transaction to disk. Default true, as in production. */
  readonly fsync?: boolean;
  /** Additional lines of zoo.cfg (and overrides: the last one counts). */
  readonly config?: Readonly<Record<string, string | number>>;
  /** Contents of `myid`, for a member of an ensemble. */
  readonly serverId?: number;
  /** Default true; false returns as soon as the process runs (one server of an ensemble has no quorum yet). */
  readonly waitUntilServing?: boolean;
}

export interface ZooKeeperServer {
  readonly port: number;
  readonly dataDir: string;
  /** Process id; changes with `restart`. */
  readonly pid: number;
  readonly running: boolean;
  /** SIGKILL, then removes the folder unless it was given. Safe to call twice. */
  stop(): Promise<void>;
  /** SIGKILL; the folder stays. Resolves when the process is gone. */
  kill(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Kills it if it runs, and starts it again on the same port and folder. */
  restart(): Promise<void>;
  /** Kills it, forgets everything it stored, starts it again. */
  wipeAndRestart(): Promise<void>;
  /** 'standalone', 'leader', 'follower', or null while it does not serve. */
  mode(): Promise<string | null>;
  /** What it logged (warnings and errors) since its first start. */
  log(): Promise<string>;
}

const JAR_DIR = process.env['ZOOKEEPER_JARS'] ?? '/usr/share/java';
/**
 * In this order: zookeeper.jar names the rest of what it needs by absolute paths in its manifest, where another
 * version's may lie, and misses the netty jars that TLS needs. A jar that is not there is passed over.
 */
const JARS = [
  'zookeeper-jute.jar',
  'metrics-core.jar',
  'snappy-java.jar',
  'slf4j-api.jar',
  'slf4j-simple.jar',
  'netty-buffer.jar',
  'netty-codec.jar',
  'netty-common.jar',
  'netty-handler.jar',
  'netty-resolver.jar',
  'netty-transport.jar',
  'netty-transport-native-epoll.jar',
  'netty-transport-native-unix-common.jar',
  'zookeeper.jar',
];
const JAVA_FLAGS = [
  '-Xmx128m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  '-Xshare:auto',
  '-Djava.net.preferIPv4Stack=false',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dzookeeper.admin.enableServer=false',
  // Otherwise each start writes 64 MB of zeros.
  '-Dzookeeper.preAllocSize=1024',
];
const START_TIMEOUT_MS = 30_000;
const PROBE_TIMEOUT_MS = 1_000;
const START_ATTEMPTS_MAX = 3;

const children = new Set<ChildProcess>();
/** Temporary folders of ours that are still there. */
const folders = new Set<string>();
let exitHookInstalled = false;

/** Starts a server and resolves once it serves requests. Rejects with its log when it does not. */
export async function startZooKeeper(options: ZooKeeperServerOptions = {}): Promise<ZooKeeperServer> {
  for (let attempt = 1; ; attempt += 1) {
    const server = await prepare(options);
    try {
      await server.start(options.waitUntilServing ?? true);
      return server;
    } catch (error) {
      const log = await server.log();
      await server.stop();
      // A free port can be taken between asking for it and listening on it.
      const portWasTaken = options.port === undefined && log.includes('Address already in use');
      if (!portWasTaken || attempt >= START_ATTEMPTS_MAX) {
        throw new Error(`ZooKeeper did not start:\n${log.slice(-4000)}`, { cause: error });
      }
    }
  }
}

async function prepare(options: ZooKeeperServerOptions): Promise<Server> {
  if (!existsSync(join(JAR_DIR, 'zookeeper.jar'))) {
    throw new Error(`no zookeeper.jar in ${JAR_DIR}: install the package "zookeeper" (or set ZOOKEEPER_JARS)`);
  }
  const port = options.port ?? (await freePort());
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'zookeeper-')));
  if (options.dataDir === undefined) folders.add(dataDir);
  return new Server(options, port, dataDir);
}

class Server implements ZooKeeperServer {
  readonly port: number;
  readonly dataDir: string;
  readonly #options: ZooKeeperServerOptions;
  #child: ChildProcess | null = null;

  constructor(options: ZooKeeperServerOptions, port: number, dataDir: string) {
    this.#options = options;
    this.port = port;
    this.dataDir = dataDir;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('this ZooKeeper server was never started');
    return pid;
  }

  get running(): boolean {
    return this.#child !== null && !hasEnded(this.#child);
  }

  async start(waitUntilServing: boolean): Promise<void> {
    const data = join(this.dataDir, 'data');
    await mkdir(data, { recursive: true });
    const settings = {
      tickTime: this.#options.tickTimeMs ?? 100,
      dataDir: data,
      clientPort: this.port,
      maxClientCnxns: 0,
      'admin.enableServer': 'false',
      '4lw.commands.whitelist': 'srvr,ruok,mntr,wchs,conf',
      ...this.#options.config,
    };
    const lines = Object.entries(settings).map(([key, value]) => `${key}=${String(value)}\n`);
    await writeFile(join(this.dataDir, 'zoo.cfg'), lines.join(''));
    const { serverId } = this.#options;
    if (serverId !== undefined) await writeFile(join(data, 'myid'), `${String(serverId)}\n`);
    await this.#spawn();
    if (!waitUntilServing) return;
    await waitFor(async () => {
      if (!this.running) return 'ended';
      return await this.mode();
    }, `ZooKeeper serving on port ${String(this.port)}`, START_TIMEOUT_MS);
    if (!this.running) throw new Error('the ZooKeeper process ended while starting');
  }

  async #spawn(): Promise<void> {
    const classPath = JARS.map((jar) => join(JAR_DIR, jar)).join(':');
    const command = [
      ...(this.#options.prefix ?? []),
      'java',
      ...JAVA_FLAGS,
      ...(this.#options.fsync === false ? ['-Dzookeeper.forceSync=no'] : []),
      ...(this.#options.java ?? []),
      '-cp',
      classPath,
      'org.apache.zookeeper.server.quorum.QuorumPeerMain',
      join(this.dataDir, 'zoo.cfg'),
    ];
    const log = await open(join(this.dataDir, 'server.log'), 'a');
    try {
      this.#child = spawnTied(command, log.fd);
    } finally {
      await log.close();
    }
  }

  async stop(): Promise<void> {
    await this.kill();
    if (this.#options.dataDir !== undefined) return;
    await rm(this.dataDir, { recursive: true, force: true });
    folders.delete(this.dataDir);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || hasEnded(child)) return;
    const ended = new Promise<void>((resolve) => child.once('exit', () => { resolve(); }));
    child.kill('SIGKILL');
    await ended;
  }

  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start(this.#options.waitUntilServing ?? true);
  }

  async wipeAndRestart(): Promise<void> {
    await this.kill();
    await rm(join(this.dataDir, 'data'), { recursive: true, force: true });
    await this.start(this.#options.waitUntilServing ?? true);
  }

  async mode(): Promise<string | null> {
    const answer = await fourLetterWord(this.port, 'srvr', this.#options.host);
    return /^Mode: (\w+)$/m.exec(answer)?.[1] ?? null;
  }

  async log(): Promise<string> {
    return await readFile(join(this.dataDir, 'server.log'), 'utf8');
  }
}

// `setpriv --pdeathsig` has the kernel kill the server when this process is killed and cannot do it itself. It
// replaces itself by the command, so that the process id is the server's.
function spawnTied(command: readonly string[], logFd: number): ChildProcess {
  const tied = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig', 'KILL', ...command] : command;
  const [program, ...args] = tied;
  if (program === undefined) throw new Error('empty command');
  const child = spawn(program, args, { stdio: ['ignore', logFd, logFd] });
  children.add(child);
  const forget = (): void => { children.delete(child); };
  child.once('exit', forget);
  child.once('error', forget);
  if (!exitHookInstalled) {
    exitHookInstalled = true;
    process.once('exit', () => {
      for (const each of children) each.kill('SIGKILL');
      // A killed process may take a moment to let go of its files.
      for (const each of folders) rmSync(each, { recursive: true, force: true, maxRetries: 3 });
    });
  }
  return child;
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/** ZooKeeper's plain-text commands (`srvr`, `mntr`, …); '' when it does not answer. */
export function fourLetterWord(port: number, word: string, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port, host }, () => { socket.write(word); });
    socket.setTimeout(PROBE_TIMEOUT_MS, () => socket.destroy());
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => { answer += text; });
    // A refused or reset connection is the answer '' here: the server is not there yet.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => { resolve(answer); });
  });
}
