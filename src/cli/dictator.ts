/**
 * The program: command line -> verb -> exit code. The agent is loaded only when it is to run, and the verbs only when
 * it is not: neither pays for the other.
 */
import type { Config } from '../config/config.ts';
import { Journal } from '../log/journal.ts';
import type { Logger } from '../log/logger.ts';
import { openLog } from '../log/open-log.ts';
import type { Loaded } from '../config/load.ts';
import type { ExitCode } from '../contract/errors.ts';
import { configure, loadFrom } from './configuration.ts';
import type { FlagValues } from './flags.ts';
import type { Io } from './io.ts';
import { parse, parseAgentRun } from './parse.ts';
import { forPrograms, report } from './report.ts';

export interface Agent {
  /** Runs until told to stop; gives the exit code. */
  readonly runAgent: (config: Config, log: Logger, journal: Journal, reread: () => Loaded) => Promise<number>;
}

export type LoadAgent = () => Promise<Agent>;

/** Carries one command line out and gives the exit code. Rejects only for a programmer's error. */
export async function dictator(args: readonly string[], io: Io, loadAgent: LoadAgent): Promise<number> {
  const ofAgent = parseAgentRun(args);
  if (ofAgent !== null) return run(ofAgent, io, loadAgent);
  return asksForJson(args) ? forPrograms(io, (told) => runVerb(args, told)) : runVerb(args, io);
}

/** As it stands there, since the rest of the command line may be wrong. */
function asksForJson(args: readonly string[]): boolean {
  return args.some((arg) => /^--?json(=true)?$/.test(arg));
}

async function runVerb(args: readonly string[], io: Io): Promise<ExitCode> {
  const { VERBS } = await import('./verbs.ts');
  const parsed = parse(args, VERBS);
  if (parsed.ok) return parsed.verb.run({ args: parsed.args, flags: parsed.flags, io, verbs: VERBS });
  const next = parsed.verb === undefined ? undefined : `Run: dictator help ${parsed.verb.name}`;
  return report({ code: 'usage', details: [parsed.reason], next }, io);
}

async function run(flags: FlagValues, io: Io, loadAgent: LoadAgent): Promise<number> {
  const given = { config: flags.text('config'), logLevel: flags.text('log-level') };
  const configured = configure(given, io);
  if (!configured.ok) return configured.exitCode;
  for (const warning of configured.warnings) io.stderr(`dictator: warning: ${warning}\n`);
  const journal = new Journal(io.clock);
  const log = openLog(configured.config.logLevel, io.env, journal);
  try {
    const { runAgent } = await loadAgent();
    return await runAgent(configured.config, log, journal, () => loadFrom(given, io));
  } finally {
    log.close();
  }
}
