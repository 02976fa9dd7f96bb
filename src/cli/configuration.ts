/** The configuration as a verb gets it: loaded, or every fault printed. */
import type { Config } from '../config/config.ts';
import { formatFault } from '../config/faults.ts';
import { loadConfig } from '../config/load.ts';
import type { Loaded } from '../config/load.ts';
import { ENV_CONFIG_FILE } from '../config/sources.ts';
import type { ExitCode } from '../contract/errors.ts';
import type { Io } from './io.ts';
import { report } from './report.ts';

/** Where `make install` puts the node's configuration. */
const INSTALLED_CONFIG_FILE = '/etc/dictator/dictator.conf';

export type Configured =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly exitCode: ExitCode };

export interface ConfigurationFlags {
  readonly config: string | undefined;
  readonly logLevel?: string | undefined;
}

/** Reads file, environment and flags, as they are now. */
export function loadFrom({ config, logLevel }: ConfigurationFlags, io: Io): Loaded {
  return loadConfig({
    file: config ?? fileOfEnvironment(io),
    env: io.env,
    flags: logLevel === undefined ? {} : { log_level: logLevel },
    readFile: io.readFile,
  });
}

export function configure(flags: ConfigurationFlags, io: Io): Configured {
  const loaded = loadFrom(flags, io);
  if (loaded.ok) return loaded;
  return { ok: false, exitCode: report({ code: 'config_invalid', details: loaded.faults.map(formatFault) }, io) };
}

export type ConfiguredLooking =
  | (Configured & { readonly ok: true; readonly passwordKnown: boolean })
  | { readonly ok: false; readonly exitCode: ExitCode };

const PASSWORD_FILE_KEYS: readonly string[] = ['node.password_file', 'sentinel.password_file'];

/**
 * The configuration of this host's node, for a verb: the agent itself reads no file that nobody named, but whoever
 * types `dictator list` on a node means that node. A password that this user may not read (a credential of the agent's
 * unit, say) keeps nobody from looking at the rest.
 */
export function configureLooking(config: string | undefined, io: Io): ConfiguredLooking {
  const file = config ?? fileOfEnvironment(io) ?? installedFile(io);
  const load = (readFile: Io['readFile']) => loadConfig({ file, env: io.env, readFile });
  const loaded = load(io.readFile);
  if (loaded.ok) return { ...loaded, passwordKnown: true };
  const onlyPassword = loaded.faults.every(({ path }) => PASSWORD_FILE_KEYS.includes(path));
  const others = load((name) => {
    const read = io.readFile(name);
    return read.ok || name === file ? read : { ok: true, text: 'unknown', othersMayRead: false };
  });
  if (onlyPassword && others.ok) return { ...others, passwordKnown: false };
  return { ok: false, exitCode: report({ code: 'config_invalid', details: loaded.faults.map(formatFault) }, io) };
}

function fileOfEnvironment({ env }: Io): string | undefined {
  const file = env[ENV_CONFIG_FILE];
  return file === '' ? undefined : file;
}

/** A file that is there and cannot be read is a fault to be told; one that is not there is none. */
function installedFile(io: Io): string | undefined {
  const read = io.readFile(INSTALLED_CONFIG_FILE);
  return !read.ok && read.reason === 'does not exist' ? undefined : INSTALLED_CONFIG_FILE;
}
