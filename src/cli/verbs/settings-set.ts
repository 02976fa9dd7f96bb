/** `dictator settings set KEY=VALUE`: changes settings of the whole service, at runtime, compare and set. */
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import { askSettings } from '../settings/agent.ts';
import { carryOut } from '../settings/change.ts';
import { readAssignments } from '../settings/text.ts';
import { orderTargetOf } from '../source.ts';
import type { Verb } from '../verb.ts';

/** More than anybody types; a document has `settings edit`. */
const ASSIGNMENTS_MAX = 64;

export const settingsSet: Verb = {
  name: 'settings set',
  group: 'Act',
  args: 'KEY=VALUE',
  argsMin: 1,
  argsMax: ASSIGNMENTS_MAX,
  summary: 'change settings of the service, on all nodes',
  details: [
    'One or several. Checked before anything is stored, all faults at once. Of two operators at the same time the '
    + 'second is refused. An empty value (KEY=) takes the setting away, and each node\'s file holds again.',
    'Keys: those of docs/operations/settings.md, nodes.NAME.TAG for one node, redis.PARAMETER for every Redis. Run it '
    + 'on the host of an agent of the service.',
  ],
  flags: ['config', 'agent', 'json'],
  examples: [
    'dictator settings set durability=durable wait_replicas=1',
    'dictator settings set nodes.redis3.never_master=true redis.maxmemory=4gb',
    'dictator settings set down_after_ms=',
  ],
  async run(call) {
    const { io, args } = call;
    const read = readAssignments(args);
    if (!read.ok) return report({ code: 'settings_invalid', details: read.faults }, io);
    const found = orderTargetOf(call);
    if (!found.ok) return found.exitCode;
    const told = await withProgress('reading the settings', io, askSettings(found.target));
    if (!told.ok) return report(told.failure, io);
    return carryOut({ agent: found.target, before: told.settings, patch: read.values }, call);
  },
};
