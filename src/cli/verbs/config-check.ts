/** `dictator config check FILE`: every fault and warning of a configuration file, before an agent meets it. */
import { EXIT } from '../../contract/errors.ts';
import { formatFault } from '../../config/faults.ts';
import { loadConfig } from '../../config/load.ts';
import { report } from '../report.ts';
import { printJson } from '../terminal.ts';
import type { Verb } from '../verb.ts';

export const configCheck: Verb = {
  name: 'config check',
  group: 'Set up',
  args: 'FILE',
  argsMin: 1,
  argsMax: 1,
  summary: 'every fault and warning of a configuration file',
  details: [
    'Reads FILE as the agent would, with the variables DICTATOR_* of this environment. Exit code 78 where the agent '
    + 'would not start. With --json: ok, faults and warnings as sentences.',
  ],
  flags: ['json'],
  examples: ['dictator config check /etc/dictator/dictator.conf'],
  run({ args: [file = ''], flags, io }) {
    const loaded = loadConfig({ file, env: io.env, readFile: io.readFile });
    const faults = loaded.ok ? [] : loaded.faults.map(formatFault);
    const warnings = loaded.ok ? loaded.warnings : [];
    if (flags.on('json')) printJson({ v: 1, ok: loaded.ok, faults, warnings }, io);
    if (!loaded.ok) return report({ code: 'config_invalid', details: faults }, io);
    for (const warning of warnings) io.stderr(`dictator: warning: ${warning}\n`);
    if (!flags.on('json')) io.stdout(`${file}: valid\n`);
    return EXIT.done;
  },
};
