/**
 * Whether a Redis would take parameters, asked before anything is stored, and without changing one of them.
 *
 * `CONFIG SET` of several (Redis 7.0 and newer) takes all or none, and looks at every value before the first takes
 * effect. So each is set together with a value that no Redis takes: the error names the one of the two that was wrong.
 * An older Redis takes one at a time: it is set, and set back in the same transaction. What shows only when a value
 * takes effect (a file that cannot be read) is named later, by `redis_parameter_refused`.
 */
import type { Command, ErrorReply, Reply } from '../redis/link.ts';
import type { Asks } from './redis-parameters.ts';
import { valueIn } from './redis-parameters.ts';

/** A parameter that was refused, and how Redis worded it. */
export interface RefusedParameter {
  readonly name: string;
  readonly value: string;
  readonly said: string;
}

/** Null where Redis could not be asked, or had no verdict (it loads its dataset, or a script keeps it busy). */
type Done = (refused: readonly RefusedParameter[] | null) => void;

type Parameter = readonly [name: string, value: string];
type Verdict = 'taken' | 'try_alone' | ErrorReply;

const NO_NUMBER = '?';
/** Numbers of every Redis; two, since a parameter is not named twice in one command. */
const [COMPANION, OTHER_COMPANION] = ['hz', 'timeout'] as const;
const COMMANDS_EACH = 4;
const UNKNOWN: ErrorReply = { ok: false, code: 'ERR', message: 'ERR it has no parameter of that name' };

export function tryParameters(own: Asks, parameters: Readonly<Record<string, string>>, done: Done): void {
  const tried: readonly Parameter[] = Object.entries(parameters);
  const commands = tried.flatMap(([name, value]): Command[] => [
    ['CONFIG', 'GET', name], ['CONFIG', 'SET', name, value, companionOf(name), NO_NUMBER],
  ]);
  own.ask(commands, (replies) => {
    if (replies === null || replies.some(saysNothing)) return done(null);
    const old = tried.map((_parameter, at) => valueIn(replies[2 * at]));
    const verdicts = tried.map(([name], at) => old[at] === null ? UNKNOWN : judge(name, replies[2 * at + 1]));
    const alone = tried.flatMap(([name, value], at) => {
      return verdicts[at] === 'try_alone' ? [[name, value, old[at] ?? ''] as const] : [];
    });
    const refused = tried.flatMap((parameter, at) => refusedBy(parameter, verdicts[at]));
    if (alone.length === 0) return done(refused);
    tryAlone(own, alone, (others) => done(others === null ? null : [...refused, ...others]));
  });
}

const companionOf = (name: string): string => (name === COMPANION ? OTHER_COMPANION : COMPANION);

/** Every other error is about the server or the user, not about the parameter. */
const saysNothing = (reply: Reply): boolean => !reply.ok && reply.code !== 'ERR';

function judge(name: string, reply: Reply | undefined): Verdict {
  if (reply === undefined || reply.ok) return 'taken';
  if (reply.message.includes(`'${companionOf(name)}'`)) return 'taken';
  return reply.message.includes(`'${name}'`) ? reply : 'try_alone';
}

type Alone = readonly [name: string, value: string, old: string];

function tryAlone(own: Asks, tried: readonly Alone[], done: Done): void {
  const commands = tried.flatMap(([name, value, old]): Command[] => [
    ['MULTI'], ['CONFIG', 'SET', name, value], ['CONFIG', 'SET', name, old], ['EXEC'],
  ]);
  own.ask(commands, (replies) => {
    if (replies === null) return done(null);
    done(tried.flatMap(([name, value], at) => {
      const ran = replies[COMMANDS_EACH * at + COMMANDS_EACH - 1];
      const set = ran?.ok === true && Array.isArray(ran.value) ? (ran.value as readonly unknown[])[0] : ran;
      return refusedBy([name, value], isError(set) ? set : 'taken');
    }));
  });
}

function isError(reply: unknown): reply is ErrorReply {
  return typeof reply === 'object' && reply !== null && 'ok' in reply && reply.ok === false;
}

function refusedBy([name, value]: Parameter, verdict: Verdict | undefined): readonly RefusedParameter[] {
  return typeof verdict === 'object' ? [{ name, value, said: essence(verdict.message) }] : [];
}

/** Redis says first which command it was. */
function essence(message: string): string {
  return message.replace(/^ERR /, '').replace(/^CONFIG SET failed \([^)]*\) - /, '');
}
