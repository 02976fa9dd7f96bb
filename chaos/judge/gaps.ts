/** Which gap belongs to which fault. */
import type { Gap } from '../clients/gaps.ts';
import type { Fault } from '../inject.ts';

export interface FaultGap {
  readonly fault: Fault;
  /** The longest time without an acknowledged write that began while the fault lasted; 0 when there was none. */
  readonly gapMs: number;
  /** No other fault lasted from its beginning to the end of the gap. */
  readonly alone: boolean;
}

/** The last acknowledgement before a fault may be read a moment before the fault is entered, or after. */
const EARLY_MS = 50;
/** A fault's end (a thaw, a restart) may cost a gap as well. */
const AFTERMATH_MS = 1000;

export function gapsOf(faults: readonly Fault[], gaps: readonly Gap[]): readonly FaultGap[] {
  return faults.map((fault) => {
    const endMs = (fault.endedMs ?? fault.beganMs) + AFTERMATH_MS;
    const own = gaps.filter(({ fromMs }) => fromMs >= fault.beganMs - EARLY_MS && fromMs <= endMs);
    const gapMs = Math.max(0, ...own.map((gap) => gap.toMs - gap.fromMs));
    const untilMs = Math.max(endMs, ...own.map(({ toMs }) => toMs));
    const alone = faults.every((other) => (
      other === fault || other.beganMs > untilMs || (other.endedMs ?? other.beganMs) + AFTERMATH_MS < fault.beganMs
    ));
    return { fault, gapMs, alone };
  });
}
