/**
 * When each node was last told to take part again. A disabled node is left as it is, whatever it is; once it is told,
 * its agent has a moment to put that right, of which each rule says how long it is.
 */
import type { Overview, Sight } from './checker.ts';

export class ToldToTakePart {
  private readonly atMs = new Map<string, number>();

  see(sight: Sight, { nowMs }: Overview): void {
    if (sight.saw === 'said' && sight.event === 'enabled') this.atMs.set(sight.node, nowMs);
  }

  lastMs(node: string): number | undefined {
    return this.atMs.get(node);
  }
}
