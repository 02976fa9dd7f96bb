/** `dictator version`: which build this is. */
import { EXIT } from '../../contract/errors.ts';
import { printJson } from '../terminal.ts';
import type { Verb } from '../verb.ts';
import { BUILD_TIME, REVISION, VERSION, VERSION_LINE } from '../version.ts';

export const version: Verb = {
  name: 'version',
  group: 'Set up',
  args: '',
  argsMin: 0,
  argsMax: 0,
  summary: 'version, build time and revision',
  details: ['With --json: version, built (ISO 8601, UTC), revision.'],
  flags: ['config', 'log-level', 'json'],
  examples: ['dictator version', 'dictator --version'],
  run({ flags, io }) {
    if (flags.on('json')) printJson({ version: VERSION, built: BUILD_TIME, revision: REVISION }, io);
    else io.stdout(`${VERSION_LINE}\n`);
    return EXIT.done;
  },
};
