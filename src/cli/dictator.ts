/**
 * The program: command line -> verb -> exit code. The agent itself is loaded only when it is to run, so that every
 * other verb starts fast and needs nothing of it.
 */
import type { Config } from '../config/config.ts';
import { EXIT } from '../contract/errors.ts';
import type { Logger } from '../log/logger.ts';
import { openLog } from '../log/open-log.ts';
import { bootstrap } from './bootstrap.ts';
import { configure } from './configuration.ts';
import { HELP } from './help.ts';
import type { Io } from './io.ts';
import { parse } from './parse.ts';
import type { Command } from './parse.ts';
import { report } from './report.ts';
import { VERSION_LINE } from './version.ts';

export interface Agent {
  /** Runs until told to stop; gives the exit code. */
  readonly runAgent: (config: Config, log: Logger, io: Io) => Promise<number>;
}

export type LoadAgent = () => Promise<Agent>;

/** Carries one command line out and gives the exit code. Rejects only for a programmer's error. */
export async function dictator(args: readonly string[], io: Io, loadAgent: LoadAgent): Promise<number> {
  const parsed = parse(args);
  if (!parsed.ok) return report({ code: 'usage', details: [parsed.reason] }, io);
  const { command } = parsed;
  switch (command.verb) {
    case 'help':
      io.stdout(HELP);
      return EXIT.done;
    case 'version':
      io.stdout(`${VERSION_LINE}\n`);
      return EXIT.done;
    case 'bootstrap':
      return bootstrap(command, io);
    case 'run':
      return run(command, io, loadAgent);
  }
}

async function run(command: Command & { readonly verb: 'run' }, io: Io, loadAgent: LoadAgent): Promise<number> {
  const configured = configure(command, io);
  if (!configured.ok) return configured.exitCode;
  for (const warning of configured.warnings) io.stderr(`dictator: warning: ${warning}\n`);
  const log = openLog(configured.config.logLevel, io.env);
  try {
    const { runAgent } = await loadAgent();
    return await runAgent(configured.config, log, io);
  } finally {
    log.close();
  }
}
