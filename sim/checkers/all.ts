/** Every checker, in the order of the invariants. */
import type { Checker } from './checker.ts';
import { OneMasterPerEpoch } from './i1-one-master-per-epoch.ts';
import { NoTwoMasters } from './i2-no-two-masters.ts';
import { ALivingHolderKeepsItsLease } from './i2-a-living-holder-keeps-its-lease.ts';
import { FreshestWins } from './i3-freshest-wins.ts';
import { AcknowledgedMeansKept } from './i4-acknowledged-means-kept.ts';
import { NeverWipe } from './i5-never-wipe.ts';
import { PowerEndsInTime } from './i6-power-ends-in-time.ts';
import { PowerIsNotGivenLate } from './i6-power-is-not-given-late.ts';
import { ItHeals } from './i7-it-heals.ts';
import { SilenceInPeace } from './i8-silence-in-peace.ts';
import { EverythingIsExplained } from './i9-everything-is-explained.ts';
import { BackInOffice } from './i10-back-in-office.ts';
import { SwitchoverLosesNothing } from './i10-nothing-is-lost.ts';
import { OrdersEndOnce } from './i10-orders-once.ts';
import { PauseIsKept } from './i10-pause.ts';

export const ALL_CHECKERS: readonly (() => Checker)[] = [
  () => new OneMasterPerEpoch(),
  () => new NoTwoMasters(),
  () => new ALivingHolderKeepsItsLease(),
  () => new FreshestWins(),
  () => new AcknowledgedMeansKept(),
  () => new NeverWipe(),
  () => new PowerEndsInTime(),
  () => new PowerIsNotGivenLate(),
  () => new ItHeals(),
  () => new SilenceInPeace(),
  () => new EverythingIsExplained(),
  () => new OrdersEndOnce(),
  () => new SwitchoverLosesNothing(),
  () => new PauseIsKept(),
  () => new BackInOffice(),
];
