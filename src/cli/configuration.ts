/** The configuration as a verb gets it: loaded, or every fault printed. */
import type { Config } from '../config/config.ts';
import { formatFault } from '../config/faults.ts';
import { loadConfig } from '../config/load.ts';
import { ENV_CONFIG_FILE } from '../config/sources.ts';
import type { ExitCode } from '../contract/errors.ts';
import type { Io } from './io.ts';
import { report } from './report.ts';

export type Configured =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly exitCode: ExitCode };

export interface ConfigurationFlags {
  readonly config: string | undefined;
  readonly logLevel?: string | undefined;
}

export function configure({ config, logLevel }: ConfigurationFlags, io: Io): Configured {
  const fromEnv = io.env[ENV_CONFIG_FILE];
  const loaded = loadConfig({
    file: config ?? (fromEnv === '' ? undefined : fromEnv),
    env: io.env,
    flags: logLevel === undefined ? {} : { log_level: logLevel },
    readFile: io.readFile,
  });
  if (loaded.ok) return loaded;
  return { ok: false, exitCode: report({ code: 'config_invalid', details: loaded.faults.map(formatFault) }, io) };
}
