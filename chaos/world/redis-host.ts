/**
 * One Redis server on its host, with a small disk of its own.
 *
 * Everything that watches or judges it talks to its Unix socket: that way leads past every partition, so what is
 * measured is what the server does, not what the network lets through.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { RawRedis, RawReply } from '../../test/support/raw-redis.ts';
import { connectRaw } from '../../test/support/raw-redis.ts';
import { findRedisServer } from '../../test/support/redis-server.ts';
import type { Cgroup } from './cgroup.ts';
import type { Host } from './network.ts';

export interface RedisHostOptions {
  readonly host: Host;
  readonly port: number;
  /** For socket, log and configuration, which a full or wiped disk must not touch. */
  readonly folder: string;
  /** Its disk. */
  readonly dataDir: string;
  /** Lines of its configuration beyond the common ones. */
  readonly settings: readonly string[];
  readonly cgroup: Cgroup | null;
}

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 5;
/** Before a server that ended itself is started again. */
const REVIVE_MS = 500;
/** For the questions of the judge; a stopped server does not answer. */
const QUESTION_MS = 1000;
/** A disk is filled in writes of this size. */
const FILL_BYTES = 1 << 18;
const FILL_PARTS_MAX = 1 << 12;

const children = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export class RedisHost {
  readonly options: RedisHostOptions;
  readonly socket: string;
  /** How often its files could not be read. */
  discarded = 0;
  /** How often it was started again after it had ended itself. */
  revived = 0;
  private child: ChildProcess | null = null;
  private killed = false;
  private questioner: RawRedis | null = null;

  constructor(options: RedisHostOptions) {
    this.options = options;
    const { folder, host } = options;
    this.socket = join(folder, `${host.name}.sock`);
    mkdirSync(options.dataDir, { recursive: true });
    this.writeConfiguration();
  }

  /** As at first: whoever rewrote it is forgotten. */
  writeConfiguration(): void {
    writeFileSync(this.configFile, this.settings().map((line) => `${line}\n`).join(''));
  }

  private get configFile(): string {
    return join(this.options.folder, `${this.options.host.name}-redis.conf`);
  }

  get running(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null;
  }

  /**
   * Resolves when it serves. A server that cannot read its files (a full disk may have torn them) does what an operator
   * would have it do: it begins anew without them, and `discarded` counts that.
   */
  async start(): Promise<void> {
    if (this.running) return;
    if (await this.serve()) return;
    this.discarded += 1;
    this.empty();
    if (!await this.serve()) throw new Error(`Redis of ${this.options.host.name} does not start: see its log`);
  }

  /** Started, and from then on kept up as a container's runtime would: a replica on a full disk ends itself. */
  private async serve(): Promise<boolean> {
    const serves = await this.launch();
    const { child } = this;
    if (!serves || child === null) return serves;
    child.once('exit', () => {
      if (!this.wasReplaced(child)) void this.revive();
    });
    return serves;
  }

  private async revive(): Promise<void> {
    do {
      await pause(REVIVE_MS);
      if (this.killed || this.running) return;
      this.revived += 1;
    } while (!await this.serve());
  }

  /** False when it ended by itself before it served. */
  private async launch(): Promise<boolean> {
    const { host, dataDir, cgroup } = this.options;
    const [program, ...args] = [...host.prefix, findRedisServer(), this.configFile];
    const child = spawn(program, args, { stdio: 'ignore', cwd: dataDir });
    this.child = child;
    this.killed = false;
    children.add(child);
    const forget = (): void => { children.delete(child); };
    child.once('exit', forget);
    child.once('error', forget);
    if (child.pid !== undefined) cgroup?.add(child.pid);
    const deadlineMs = performance.now() + START_TIMEOUT_MS;
    while (this.child === child && child.exitCode === null && child.signalCode === null) {
      const answer = await this.ask('PING');
      if (answer !== null && answer !== 'LOADING') return true;
      if (performance.now() > deadlineMs) throw new Error(`Redis of ${host.name} does not answer`);
      await pause(POLL_MS);
    }
    return this.wasReplaced(child);
  }

  /** Ended by the next fault, or already another one: whoever did that goes on from there. */
  private wasReplaced(child: ChildProcess): boolean {
    return this.killed || this.child !== child;
  }

  async kill(): Promise<void> {
    this.questioner?.close();
    this.questioner = null;
    const { child } = this;
    this.killed = true;
    if (child === null || !this.running) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.running) this.child?.kill(signal);
  }

  /** Removes what is on its disk. */
  empty(): void {
    const { dataDir } = this.options;
    for (const name of readdirSync(dataDir)) rmSync(join(dataDir, name), { recursive: true, force: true });
  }

  /** Takes every byte that is free on its disk. */
  async fillDisk(): Promise<void> {
    const block = Buffer.alloc(FILL_BYTES);
    for (let part = 0; part < FILL_PARTS_MAX; part += 1) {
      try {
        await appendFile(this.filler, block);
      } catch (error) {
        // Full is what it should be.
        if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return;
        throw error;
      }
    }
    throw new Error(`the disk of ${this.options.host.name} is larger than it should be`);
  }

  freeDisk(): void {
    rmSync(this.filler, { force: true });
  }

  private get filler(): string {
    return join(this.options.dataDir, 'filler');
  }

  /** A new connection past the network. Rejects when refused. */
  client(): Promise<RawRedis> {
    return connectRaw(0, { path: this.socket });
  }

  /** The answer, an error's code as text, or null when there is no answer within a second. */
  async ask(...args: readonly (string | number)[]): Promise<RawReply> {
    const given = new AbortController();
    const question = this.question(args);
    const patience = pause(QUESTION_MS, null, { signal: given.signal });
    patience.catch((error: unknown) => {
      if (!given.signal.aborted) throw error;
    });
    try {
      return await Promise.race([question, patience]);
    } finally {
      given.abort();
    }
  }

  private async question(args: readonly (string | number)[]): Promise<RawReply> {
    try {
      if (this.questioner?.open !== true) this.questioner = await this.client();
      return await this.questioner.cmd(...args);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      return 'code' in error && error.name === 'RawRedisError' ? String(error.code) : null;
    }
  }

  private settings(): readonly string[] {
    const { host, port, folder, dataDir, settings } = this.options;
    return [
      `port ${port}`, 'bind 0.0.0.0', 'protected-mode no', 'daemonize no',
      `unixsocket ${this.socket}`, 'unixsocketperm 777',
      `dir ${dataDir}`, `logfile ${join(folder, `${host.name}-redis.log`)}`,
      ...settings,
    ];
  }
}
