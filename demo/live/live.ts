/**
 * The live view: starts the service, measures, listens to the agents and to the keys, and draws ten times a second.
 */
import type { LogLine } from '../../test/support/agent-process.ts';
import { PublishedMaster } from '../published.ts';
import { SERVICE_NAME } from '../service.ts';
import type { DemoService } from '../service.ts';
import { Canary } from './canary.ts';
import type { Accepted } from './canary.ts';
import { Faults } from './faults.ts';
import { GapMeter } from './gaps.ts';
import type { LiveEvent, LiveState } from './model.ts';
import { NodeObserver, observed } from './observer.ts';
import { Refusals } from './refusals.ts';
import { duration, render } from './render.ts';
import type { Screen } from './screen.ts';
import { inWords } from './words.ts';

const DRAW_EVERY_MS = 100;
const EVENTS_MAX = 200;
/** Of each agent; what was said before is in no view any more. */
const LOG_LINES_MAX = 500;
/** A shorter gap is no event: after something happened to the canary, and without. */
const GAP_TOLD_MS = { disturbed: 20, undisturbed: 200 } as const;
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

export interface LiveSummary {
  readonly gapWorstMs: number;
  readonly faults: number;
}

export class Live {
  private readonly service: DemoService;
  private readonly screen: Screen;
  private readonly meter = new GapMeter();
  private readonly canary: Canary;
  private readonly refusals = new Refusals((node, text) => { this.tell(node, text, 'bad'); });
  private readonly quit: () => void;
  private phase: LiveState['phase'] = 'starting';
  private published: PublishedMaster | null = null;
  private observers: readonly NodeObserver[] = [];
  private faults: Faults | null = null;
  private readonly events: LiveEvent[] = [];
  private keysPressed = 0;
  private timer: NodeJS.Timeout | null = null;

  constructor(service: DemoService, screen: Screen, quit: () => void) {
    this.service = service;
    this.screen = screen;
    this.quit = quit;
    this.canary = new Canary((since) => { this.accepted(since); });
  }

  /** Resolves when everything runs; it is shown from the first moment on. */
  async start(root: string): Promise<void> {
    this.screen.enter((key) => { this.pressed(key); }, () => { this.draw(); });
    this.timer = setInterval(() => { this.draw(); }, DRAW_EVERY_MS);
    this.tell('demo', 'starting ZooKeeper and three Redis servers');
    await this.service.start(root, (text) => { this.tell('demo', text); });
    this.published = new PublishedMaster(this.service.zooKeeperPort, (now) => { this.canary.moveTo(now); });
    this.observers = this.service.nodes.map((node) => new NodeObserver(node));
    for (const { name, agent } of this.service.nodes) {
      for (const line of agent.lines) this.heard(name, line);
      agent.onLine.add((line) => {
        this.heard(name, line);
        if (agent.lines.length > LOG_LINES_MAX) agent.lines.splice(0, agent.lines.length - LOG_LINES_MAX);
      });
    }
    this.faults = new Faults({
      observers: this.observers,
      master: () => this.observers.find(({ node }) => node.name === this.published?.current?.name) ?? null,
      tell: (text) => { this.tell('you', text, 'yours'); },
    });
    this.phase = 'running';
  }

  /** Ends all measuring; the service is its owner's to end. */
  async stop(): Promise<LiveSummary> {
    this.phase = 'stopping';
    this.draw();
    if (this.timer !== null) clearInterval(this.timer);
    this.canary.stop();
    this.refusals.stop();
    for (const observer of this.observers) observer.stop();
    await this.published?.close();
    return { gapWorstMs: Math.round(this.meter.read(performance.now()).gapWorstMs), faults: this.keysPressed };
  }

  private pressed(key: string): void {
    if (key === 'q' || key === CTRL_C || key === CTRL_D) return this.quit();
    const { faults } = this;
    if (faults === null || this.phase !== 'running') return;
    const actions: Readonly<Record<string, () => Promise<void> | void>> = {
      k: () => faults.kill('redis'),
      a: () => faults.kill('agent'),
      f: () => faults.freezeOrThaw('redis'),
      F: () => faults.freezeOrThaw('agent'),
      r: () => faults.restart(),
    };
    const action = actions[key];
    if (action === undefined) return;
    if (key !== 'r') this.meter.startCounting();
    this.keysPressed += key === 'r' ? 0 : 1;
    void this.carryOut(action);
  }

  private async carryOut(action: () => Promise<void> | void): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.tell('demo', `that failed: ${error instanceof Error ? error.message : String(error)}`, 'bad');
    }
    this.draw();
  }

  private accepted({ disturbed, refusal, stalledMs }: Accepted): void {
    const gapMs = this.meter.note(performance.now());
    if (gapMs < GAP_TOLD_MS[disturbed ? 'disturbed' : 'undisturbed']) return;
    const why = refusal === null ? '' : ` (refused: ${refusal})`;
    const stalled = stalledMs > gapMs / 2 ? `; the demo itself stood still for ${duration(stalledMs)}` : '';
    this.tell('canary', `writes again after ${duration(gapMs)}${why}${stalled}`, 'good');
  }

  private heard(name: string, line: LogLine): void {
    this.refusals.heard(name, line);
    const words = inWords(line);
    if (words === null) return;
    const { time } = line as { readonly time?: string };
    this.add({ who: name, atMs: time === undefined ? Date.now() : Date.parse(time), ...words });
  }

  private tell(who: string, text: string, tone: LiveEvent['tone'] = 'plain'): void {
    this.add({ atMs: Date.now(), who, text, tone });
  }

  /** By time and not by arrival: lines of several processes arrive as the machine finds time for them. */
  private add(event: LiveEvent): void {
    const before = this.events.findLastIndex(({ atMs }) => atMs <= event.atMs);
    this.events.splice(before + 1, 0, event);
    if (this.events.length > EVENTS_MAX) this.events.shift();
  }

  private draw(): void {
    const target = this.published?.current?.name ?? null;
    const canary = { target, ...this.meter.read(performance.now()) };
    const { phase, events } = this;
    const state = { service: SERVICE_NAME, phase, canary, events, ...observed(this.observers, target) };
    this.screen.draw(render(state, this.screen.look));
  }
}
