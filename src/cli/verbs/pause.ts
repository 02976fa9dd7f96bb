/** `dictator pause` and `resume`: nothing happens by itself while an operator works on a service. */
import { PAUSE_MAX_MS } from '../../contract/operations.ts';
import { acting } from '../act/acting.ts';
import { waitFor } from '../act/give.ts';
import { maintenanceFlags } from '../act/maintenance.ts';
import { conclude } from '../act/outcome.ts';
import { timeOf } from '../act/times.ts';
import { confirm } from '../confirm.ts';
import type { Verb } from '../verb.ts';

const HOUR_MS = 3_600_000;

export const pause: Verb = {
  name: 'pause',
  group: 'Act',
  args: '[SERVICE]',
  argsMin: 0,
  argsMax: 1,
  summary: 'let nothing happen by itself for a while',
  details: [
    'For an hour, or --for DURATION (at most 7d); it ends by itself, or with resume. While it lasts a master that '
    + 'dies is not replaced, and none gives up because its Redis hangs. A lease that is lost still fences, and your '
    + 'own orders are carried out. Who, why and until when is shown by list, show, explain and every agent.',
  ],
  flags: ['config', 'agent', 'zk', 'json', 'for', 'reason', 'owner', 'yes'],
  examples: ['dictator pause cache --for 30m --reason rack-4'],
  run: (call) => acting(call, call.args[0], async ({ service, facts, desk }) => {
    const { io } = call;
    const wanted = maintenanceFlags(call, { defaultMs: HOUR_MS, maxMs: PAUSE_MAX_MS });
    if (typeof wanted === 'number') return wanted;
    const forMs = wanted.forMs ?? HOUR_MS;
    const standing = facts.records?.pause?.value ?? null;
    if (standing !== null && standing.until > io.clock.wallNow() && standing.owner !== wanted.owner) {
      const declined = await confirm(call, [
        `${service} is paused by ${standing.owner} until ${timeOf(standing.until)}: ${standing.reason}. `
        + 'Yours replaces that.',
      ]);
      if (declined !== null) return declined;
    }
    const { ended, elapsedMs } = await waitFor(call, `pausing ${service}`, desk.pause({ ...wanted, forMs }));
    const until = timeOf(io.clock.wallNow() + forMs);
    return conclude(ended, { service, operation: 'pause', target: null, elapsedMs }, {
      call, line: () => `${service}: paused until ${until} by ${wanted.owner}: ${wanted.reason}`,
    });
  }),
};

export const resume: Verb = {
  name: 'resume',
  group: 'Act',
  args: '[SERVICE]',
  argsMin: 0,
  argsMax: 1,
  summary: 'end a pause',
  details: ['At once; where nothing is paused it is done as well.'],
  flags: ['config', 'agent', 'zk', 'json'],
  examples: ['dictator resume cache'],
  run: (call) => acting(call, call.args[0], async ({ service, desk }) => {
    const { ended, elapsedMs } = await waitFor(call, `resuming ${service}`, desk.resume());
    const about = { service, operation: 'resume', target: null, elapsedMs };
    return conclude(ended, about, { call, line: () => `${service}: not paused` });
  }),
};
