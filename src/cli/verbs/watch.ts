/** `dictator watch [SERVICE]`: the tree of `show`, again and again, on the whole screen. */
import { ERRORS, EXIT } from '../../contract/errors.ts';
import type { ExitCode } from '../../contract/errors.ts';
import type { Io } from '../io.ts';
import { looking } from '../look.ts';
import type { Lookout } from '../look.ts';
import { renderSituations } from '../render-situations.ts';
import { renderTopology } from '../render-topology.ts';
import { report } from '../report.ts';
import { situationsOf } from '../situations.ts';
import { painter, printable } from '../terminal.ts';
import { topologyOf } from '../topology.ts';
import type { Call, Verb } from '../verb.ts';

const INTERVAL_DEFAULT_S = 2;
const INTERVAL_MAX_S = 3600;

/** A screen of its own, without a cursor, and back. */
const ENTER_SCREEN = '\u001b[?1049h\u001b[?25l';
const LEAVE_SCREEN = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const ERASE_LINE_END = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

export const watch: Verb = {
  name: 'watch',
  group: 'Look',
  args: '[SERVICE]',
  argsMin: 0,
  argsMax: 1,
  summary: 'the same, live, until Ctrl-C',
  details: [
    'Needs a terminal. Looks again every 2 seconds, or every --interval SECONDS; every look asks each agent once. '
    + 'While the ensemble is silent it shows what the agent of this node sees.',
  ],
  flags: ['config', 'agent', 'zk', 'interval'],
  examples: ['dictator watch', 'dictator watch cache --interval 5'],
  run(call) {
    const { io, flags } = call;
    const seconds = Number(flags.text('interval') ?? INTERVAL_DEFAULT_S);
    const usage = (reason: string): ExitCode => report({ code: 'usage', details: [reason] }, io);
    if (!(seconds >= 1 && seconds <= INTERVAL_MAX_S)) return usage(`--interval takes 1 to ${INTERVAL_MAX_S} seconds`);
    if (!io.terminal.stdout) return usage('watch needs a terminal; dictator show prints once');
    return looking(call, (lookout) => watchUntilInterrupted(lookout, call, seconds));
  },
};

async function watchUntilInterrupted(lookout: Lookout, call: Call, seconds: number): Promise<ExitCode> {
  const { io } = call;
  const state = { ended: false };
  const ended = io.interrupted().then(() => {
    state.ended = true;
  });
  io.stdout(ENTER_SCREEN);
  try {
    for (;;) {
      const text = await Promise.race([frame(lookout, call, seconds), ended]);
      if (text === undefined || state.ended) return EXIT.done;
      io.stdout(onScreen(text, io));
      await Promise.race([new Promise<void>((resolve) => io.clock.after(seconds * 1000, resolve)), ended]);
    }
  } finally {
    io.stdout(LEAVE_SCREEN);
  }
}

/** One look as text; a failure takes the place of the tree, since the next look may succeed. */
async function frame(lookout: Lookout, { io, args: [named] }: Call, seconds: number): Promise<string> {
  const paint = painter(io);
  const time = new Date(io.clock.wallNow()).toISOString().slice(11, 19);
  const head = paint('dim', `${time} UTC, every ${seconds} s, Ctrl-C ends`);
  const looked = await lookout.facts(named);
  if (!looked.ok) {
    const { code, details = [] } = looked.failure;
    return `${head}\n\n${paint('red', ERRORS[code].what)}\n${details.map((each) => `  ${printable(each)}\n`).join('')}`;
  }
  return `${head}\n\n${renderTopology(topologyOf(looked.value), paint)}\n`
    + renderSituations(situationsOf(looked.value), paint);
}

/** Over what stands there, without a flicker, and never longer than the screen. */
function onScreen(text: string, { terminal }: Io): string {
  const lines = text.trimEnd().split('\n').slice(0, Math.max(1, terminal.rows - 1));
  return `${HOME}${lines.map((line) => `${line}${ERASE_LINE_END}\n`).join('')}${ERASE_BELOW}`;
}

