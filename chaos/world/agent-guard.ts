/** The agent beside a Redis, with what it says. */
import type { PublishedView } from '../../src/contract/view.ts';
import type { AgentProcess, LogLine } from '../../test/support/agent-process.ts';
import type { Cgroup } from './cgroup.ts';
import type { Guard } from './subject.ts';

/** Lines of one agent between two collections; beyond that the oldest are dropped. */
const LINES_KEPT = 20_000;

export class AgentGuard implements Guard {
  readonly lines: LogLine[] = [];
  private readonly name: string;
  private readonly spawn: () => AgentProcess;
  private readonly cgroup: Cgroup | null;
  private process: AgentProcess | null = null;
  private ending = false;
  /** How it ended although nobody ended it. */
  ended: string | null = null;

  constructor(name: string, cgroup: Cgroup | null, start: () => AgentProcess) {
    this.name = name;
    this.cgroup = cgroup;
    this.spawn = start;
  }

  get alive(): boolean {
    return this.process?.alive ?? false;
  }

  start(): void {
    if (this.alive) return;
    this.ending = false;
    const process = this.spawn();
    this.process = process;
    this.cgroup?.add(process.pid);
    process.onLine.add((line) => {
      this.lines.push(line);
      if (this.lines.length > LINES_KEPT) this.lines.shift();
    });
    void process.exited.then((code) => {
      if (!this.ending) this.ended = `the agent of ${this.name} ended by itself: ${code} ${process.stray.slice(-500)}`;
    });
  }

  async kill(): Promise<void> {
    this.ending = true;
    await this.process?.kill();
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    if (this.alive) this.process?.signal(signal);
  }

  async view(): Promise<PublishedView | null> {
    return this.alive ? (await this.process?.view()) ?? null : null;
  }
}
