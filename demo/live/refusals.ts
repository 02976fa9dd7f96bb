/**
 * Refusals that last. In every election some hold for milliseconds, which would fill the view and tell nobody anything;
 * one that still holds after half a second explains why nothing happens.
 */
import { REASONS } from '../../src/contract/reasons.ts';
import type { ReasonCode } from '../../src/contract/reasons.ts';
import type { LogLine } from '../../test/support/agent-process.ts';

const TOLD_AFTER_MS = 500;

/** There is an event of their own for them. */
const TOLD_OTHERWISE = new Set<string>(['redis_unreachable', 'redis_hung', 'redis_loading']);

export class Refusals {
  private readonly waiting = new Map<string, NodeJS.Timeout>();
  private readonly tell: (node: string, text: string) => void;

  constructor(tell: (node: string, text: string) => void) {
    this.tell = tell;
  }

  heard(node: string, { event, reason }: LogLine): void {
    // A new process begins with no refusals, and the one before may have ended without a word.
    if (event === 'agent_started') this.forget((key) => key.startsWith(`${node} `));
    if (!isReason(reason)) return;
    const key = `${node} ${reason}`;
    if (event === 'refusal_ended') this.forget((each) => each === key);
    if (event !== 'refused' || this.waiting.has(key) || TOLD_OTHERWISE.has(reason)) return;
    this.waiting.set(key, setTimeout(() => {
      this.waiting.delete(key);
      this.tell(node, REASONS[reason].what);
    }, TOLD_AFTER_MS));
  }

  stop(): void {
    this.forget(() => true);
  }

  private forget(which: (key: string) => boolean): void {
    for (const [key, timer] of this.waiting) {
      if (!which(key)) continue;
      clearTimeout(timer);
      this.waiting.delete(key);
    }
  }
}

function isReason(reason: string | undefined): reason is ReasonCode {
  return reason !== undefined && Object.hasOwn(REASONS, reason);
}
