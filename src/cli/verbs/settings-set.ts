/** `dictator settings set KEY=VALUE`: changes settings of the whole service, at runtime, compare and set. */
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import { carryOut, refuse } from '../settings/change.ts';
import { atSettingsDesk } from '../settings/desk.ts';
import { readAssignments } from '../settings/text.ts';
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
    'Keys: those of docs/operations/settings.md, nodes.NAME.TAG for one node, redis.PARAMETER for every Redis. '
    + 'Stored in the ensemble, from any host; with --agent by that agent, on its own host.',
  ],
  flags: ['config', 'agent', 'zk', 'json', 'service'],
  examples: [
    'dictator settings set durability=durable wait_replicas=1',
    'dictator settings set nodes.redis3.never_master=true redis.maxmemory=4gb',
    'dictator settings set down_after_ms=',
  ],
  async run(call) {
    const { io, args } = call;
    const read = readAssignments(args);
    const isAlone = !read.ok && Object.keys(read.parameters).length === 0;
    if (isAlone) return report({ code: 'settings_invalid', details: read.faults }, io);
    return atSettingsDesk(call, async (desk) => {
      if (!read.ok) return refuse(desk, read, call);
      const told = await withProgress('reading the settings', io, desk.read());
      if (!told.ok) return report(told.failure, io);
      return carryOut({ desk, before: told.settings, patch: read.values }, call);
    });
  },
};
