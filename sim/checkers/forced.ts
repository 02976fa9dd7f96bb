/**
 * Who was last ordered to become master whatever is lost. What such an order costs is the operator's decision: the
 * rules that choose a master do not bind it, those that keep two masters apart do.
 */
import type { Sight } from './checker.ts';

export class Forced {
  private node: string | null = null;

  see(sight: Sight): void {
    if (sight.saw !== 'said' || sight.event !== 'failover_ordered') return;
    this.node = sight.fields['acknowledge_loss'] === true ? sight.node : null;
  }

  was(node: string): boolean {
    return this.node === node;
  }
}
