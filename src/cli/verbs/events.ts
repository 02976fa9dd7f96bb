/** `dictator events [--follow]`: what one agent did and saw lately, in the words of its log. */
import * as v from 'valibot';
import { EXIT } from '../../contract/errors.ts';
import type { ExitCode } from '../../contract/errors.ts';
import { getJson } from '../live.ts';
import type { Target } from '../../peers/exchange.ts';
import type { Asked } from '../live.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import { sourceOf } from '../source.ts';
import { painter, printable, shownAddress } from '../terminal.ts';
import type { Paint, Style } from '../terminal.ts';
import type { Call, Verb } from '../verb.ts';

/** How long the agent holds the question open; below its own bound. */
const WAIT_MS = 15_000;
/** Beyond the wait itself. */
const ANSWER_MS = 5000;
/** Pause before an agent that did not answer is asked again. */
const RETRY_MS = 1000;

export const events: Verb = {
  name: 'events',
  group: 'Look',
  args: '',
  argsMin: 0,
  argsMax: 0,
  summary: 'what an agent did and saw lately',
  details: [
    'Asks one agent: that of this node, or --agent URL. It keeps its last 500 lines of log; what log_level leaves out '
    + 'is left out. docs/events.md explains each event.',
    'With --json every line is one JSON object: seq, time, level, event, and the fields of the event.',
  ],
  flags: ['config', 'agent', 'json', 'follow'],
  examples: ['dictator events', 'dictator events --follow --agent http://10.0.0.2:8000'],
  async run(call) {
    const sourced = sourceOf(call);
    if (!sourced.ok) return sourced.exitCode;
    const { agent } = sourced.source;
    if (agent === null) return report({ code: 'usage', details: ['events asks one agent: --agent URL'] }, call.io);
    return call.flags.on('follow') ? follow(agent, call) : recent(agent, call);
  },
};

const pageSchema = v.object({
  instance: v.string(),
  next: v.number(),
  lost: v.boolean(),
  events: v.array(v.looseObject({ seq: v.number(), time: v.string(), level: v.string(), event: v.string() })),
});

type Page = v.InferOutput<typeof pageSchema>;
export type ShownEvent = Readonly<Page['events'][number]>;

async function ask(agent: Target, after: number, waitMs: number): Promise<Asked<Page>> {
  const asked = await getJson(agent, `/v1/events?after=${after}&wait_ms=${waitMs}`, waitMs + ANSWER_MS);
  if (!asked.ok) return asked;
  const parsed = v.safeParse(pageSchema, asked.value);
  return parsed.success ? { ok: true, value: parsed.output } : { ok: false, why: 'foreign' };
}

async function recent(agent: Target, call: Call): Promise<ExitCode> {
  let after = 0;
  for (;;) {
    const asked = await withProgress('asking the agent', call.io, ask(agent, after, 0));
    if (!asked.ok) return unanswered(agent, asked.why, call);
    const { events: lines, next } = asked.value;
    print(lines, call);
    if (lines.length === 0 || next <= after) return EXIT.done;
    after = next;
  }
}

/** An agent that is restarted counts anew; one that is away is asked again until the user has enough. */
async function follow(agent: Target, call: Call): Promise<ExitCode> {
  const { io } = call;
  const state = { ended: false, after: 0, instance: '', away: false };
  const ended = io.interrupted().then(() => {
    state.ended = true;
  });
  for (;;) {
    const asked = await Promise.race([ask(agent, state.after, state.instance === '' ? 0 : WAIT_MS), ended]);
    if (asked === undefined || state.ended) return EXIT.done;
    if (asked.ok) {
      if (state.instance !== '' && asked.value.instance !== state.instance) {
        io.stderr('dictator: the agent was restarted\n');
      } else if (asked.value.lost && state.after > 0) io.stderr('dictator: some lines are gone\n');
      print(asked.value.events, call);
      Object.assign(state, { after: asked.value.next, instance: asked.value.instance, away: false });
      continue;
    }
    if (state.instance === '') return unanswered(agent, asked.why, call);
    if (!state.away) io.stderr(`dictator: the agent does not answer (${asked.why}); asking again\n`);
    state.away = true;
    await Promise.race([new Promise<void>((resolve) => io.clock.after(RETRY_MS, resolve)), ended]);
  }
}

function unanswered(agent: Target, why: 'refused' | 'silent' | 'foreign', { io }: Call): ExitCode {
  const code = why === 'foreign' ? 'not_an_agent' : 'agent_unreachable';
  return report({ code, details: [`http://${shownAddress(agent)}: ${why}`] }, io);
}

function print(lines: readonly ShownEvent[], { flags, io }: Call): void {
  const paint = painter(io);
  for (const line of lines) io.stdout(flags.on('json') ? `${JSON.stringify(line)}\n` : renderEvent(line, paint));
}

const LEVEL_STYLE: Readonly<Record<string, Style>> = { DEBUG: 'dim', INFO: 'cyan', WARN: 'yellow', FATAL: 'red' };
const LEVEL_WIDTH = 5;

function renderEvent({ time, level, event, seq: _seq, ...fields }: ShownEvent, paint: Paint): string {
  const pairs = Object.entries(fields).map(([name, value]) => {
    const text = typeof value === 'string' && /^[\w.:/@+-]+$/.test(value) ? value : JSON.stringify(value);
    return `${paint('dim', `${printable(name)}=`)}${printable(text)}`;
  });
  const styled = paint(LEVEL_STYLE[level] ?? 'bold', printable(level).padEnd(LEVEL_WIDTH));
  return `${[paint('dim', printable(time)), styled, paint('bold', printable(event)), ...pairs].join(' ')}\n`;
}
