/** Giving one order: shows that it goes on, and leaves it standing where the user no longer wants to wait. */
import type { Call } from '../verb.ts';
import { withProgress } from '../progress.ts';
import type { Ended } from './desk.ts';

export interface Waited {
  readonly ended: Ended;
  readonly elapsedMs: number;
}

/** Waits for what a desk was asked, telling that `progress` goes on. Ctrl-C ends the waiting and not the operation. */
export async function waitFor(call: Call, progress: string | (() => string), given: Promise<Ended>): Promise<Waited> {
  const { io } = call;
  const beganMs = io.clock.now();
  const ended = await Promise.race([withProgress(progress, io, given), stopped(call)]);
  return { ended, elapsedMs: io.clock.now() - beganMs };
}

async function stopped({ io }: Call): Promise<Ended> {
  await io.interrupted();
  return { ended: 'unknown', why: 'interrupted here; the order stands' };
}

/** Lets time pass. */
export const sleep = ({ io: { clock } }: Call, ms: number): Promise<void> =>
  new Promise<void>((resolve) => clock.after(ms, resolve));
