// Configuration from sources that a test writes down: no file, environment or flag of this machine is read.

import type { Config } from '../../src/config/config.ts';
import { formatFault } from '../../src/config/faults.ts';
import type { Fault } from '../../src/config/faults.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { LoadOptions } from '../../src/config/load.ts';
import type { FileRead } from '../../src/config/read-file.ts';

export interface Sources extends Partial<Omit<LoadOptions, 'file'>> {
  readonly text?: string;
  readonly json?: unknown;
  readonly files?: Readonly<Record<string, FileRead>>;
  readonly othersMayRead?: boolean;
}

export function load(sources: Sources = {}): ReturnType<typeof loadConfig> {
  const text = sources.text ?? (sources.json === undefined ? undefined : JSON.stringify(sources.json));
  return loadConfig({
    file: text === undefined ? undefined : 'dictator.conf',
    env: sources.env ?? {},
    flags: sources.flags ?? {},
    readFile: (name) => {
      if (name === 'dictator.conf' && text !== undefined) {
        return { ok: true, text, othersMayRead: sources.othersMayRead ?? false };
      }
      return sources.files?.[name] ?? { ok: false, reason: 'does not exist' };
    },
  });
}

export function configOf(sources: Sources = {}): Config {
  const loaded = load(sources);
  if (!loaded.ok) throw new Error(loaded.faults.map(formatFault).join('\n'));
  return loaded.config;
}

export function faultsOf(sources: Sources): readonly Fault[] {
  const loaded = load(sources);
  return loaded.ok ? [] : loaded.faults;
}

export const pathsOf = (sources: Sources): string[] => faultsOf(sources).map((fault) => fault.path);
