/**
 * One agent as a process of its own, as a user runs it: configuration file, log lines, HTTP.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import type { PublishedView } from '../../src/contract/view.ts';

/** The bundle that `make` builds, relative to the project's root. */
const PROGRAM = 'dist/dictator.cjs';

export interface AgentOptions {
  readonly name: string;
  readonly folder: string;
  readonly config: Record<string, unknown>;
  readonly httpPort: number;
  /** Where it is reached. Default 127.0.0.1. */
  readonly httpHost?: string;
  /** Another program that understands the same flags. */
  readonly program?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface LogLine {
  readonly event: string;
  readonly reason?: string;
  /** performance.now() of the reader when the line arrived. */
  readonly atMs: number;
  readonly [field: string]: unknown;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class AgentProcess {
  readonly options: AgentOptions;
  readonly lines: LogLine[] = [];
  readonly onLine = new Set<(line: LogLine) => void>();
  private child: ChildProcess;
  /** Resolves with the exit code, or the signal, of the present process. */
  exited: Promise<number | string>;
  /** What was written that is no JSON line. */
  stray = '';

  constructor(options: AgentOptions) {
    this.options = options;
    this.configure({});
    [this.child, this.exited] = this.spawn();
  }

  get configFile(): string {
    return join(this.options.folder, `${this.options.name}.conf`);
  }

  get pid(): number {
    return this.child.pid ?? -1;
  }

  get alive(): boolean {
    return running.has(this.child);
  }

  /** Many agents share one host here: the Sentinel port, which has a default, is open where a test asks for it. */
  private configure(change: Record<string, unknown>): void {
    const sentinel = { port: 'off' };
    writeFileSync(this.configFile, JSON.stringify({ sentinel, ...this.options.config, ...change }));
  }

  private spawn(): [ChildProcess, Promise<number | string>] {
    const [command, ...args] = this.options.program ?? [process.execPath, PROGRAM];
    const child = spawn(command ?? process.execPath, [...args, `--config=${this.configFile}`], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, ...this.options.env },
    });
    running.add(child);
    let rest = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.take(line);
    });
    const exited = new Promise<number | string>((resolve) => {
      child.on('exit', (code, signal) => {
        running.delete(child);
        resolve(code ?? signal ?? -1);
      });
    });
    return [child, exited];
  }

  private take(text: string): void {
    try {
      const line: LogLine = { ...(JSON.parse(text) as LogLine), atMs: performance.now() };
      this.lines.push(line);
      for (const listener of this.onLine) listener(line);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.stray += `${text}\n`;
    }
  }

  /** Starts a new process for the same node, with the same or another configuration. */
  restart(change: Record<string, unknown> = {}): void {
    if (Object.keys(change).length > 0) this.configure(change);
    [this.child, this.exited] = this.spawn();
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Ends the process at once, if it still runs, and waits for its end. */
  async kill(): Promise<void> {
    if (this.alive) this.child.kill('SIGKILL');
    await this.exited;
  }

  count(event: string): number {
    return this.lines.filter((line) => line.event === event).length;
  }

  said(event: string, reason?: string): boolean {
    return this.lines.some((line) => line.event === event && (reason === undefined || line.reason === reason));
  }

  /** What the agent publishes of itself, or null while it does not answer. */
  async view(): Promise<PublishedView | null> {
    const answer = await this.http('/v1/view');
    return answer === null ? null : (JSON.parse(answer.body) as PublishedView);
  }

  /** One GET, or null when nobody answers within a second. */
  http(path: string): Promise<{ status: number; body: string } | null> {
    const { httpHost: host = '127.0.0.1', httpPort: port } = this.options;
    return new Promise((resolve) => {
      const request = get({ host, port, path, timeout: 1000, agent: false });
      request.on('response', (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => resolve(null));
    });
  }
}
