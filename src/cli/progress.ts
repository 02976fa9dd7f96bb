/**
 * What takes longer than a second says so, with the time that it has taken: on a terminal in one line that moves and
 * goes away, elsewhere in a line now and then.
 */
import type { Io } from './io.ts';

/** Silence before the first word, and between two on a terminal. */
const FIRST_WORD_MS = 1000;
/** Between two lines of a log. */
const NEXT_LINE_MS = 10_000;
const ERASE_LINE = '\r\u001b[K';

/** Waits for `work`, telling meanwhile that `what` goes on; a function tells what goes on now. */
export async function withProgress<T>(what: string | (() => string), io: Io, work: Promise<T>): Promise<T> {
  const beganMs = io.clock.now();
  const { stderr: isTerminal } = io.terminal;
  const state = { shown: false };
  const say = (): void => {
    const now = typeof what === 'string' ? what : what();
    const text = `dictator: ${now}, ${Math.floor((io.clock.now() - beganMs) / 1000)} s`;
    io.stderr(isTerminal ? `${ERASE_LINE}${text}` : `${text}\n`);
    state.shown = true;
    cancel = io.clock.after(isTerminal ? FIRST_WORD_MS : NEXT_LINE_MS, say);
  };
  let cancel = io.clock.after(FIRST_WORD_MS, say);
  try {
    return await work;
  } finally {
    cancel();
    if (state.shown && isTerminal) io.stderr(ERASE_LINE);
  }
}
