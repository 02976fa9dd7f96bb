/** `dictator switchover [SERVICE]`: the master hands over, and nothing that was acknowledged is lost. */
import { SCHEDULE_AHEAD_MAX_MS } from '../../contract/operations.ts';
import { EXIT } from '../../contract/errors.ts';
import type { ExitCode } from '../../contract/errors.ts';
import { acting } from '../act/acting.ts';
import type { Acting } from '../act/acting.ts';
import { waitFor } from '../act/give.ts';
import { matcherOf } from '../act/glob.ts';
import { switchMany } from '../act/many.ts';
import { conclude, explain } from '../act/outcome.ts';
import type { Outcome } from '../act/outcome.ts';
import { planLine, planOf } from '../act/plan.ts';
import { parseTime, timeOf } from '../act/times.ts';
import { confirm } from '../confirm.ts';
import { unlessSilent } from '../facts.ts';
import { looking } from '../look.ts';
import { report } from '../report.ts';
import { duration, printable, printJson } from '../terminal.ts';
import type { Call, Verb } from '../verb.ts';

export const switchover: Verb = {
  name: 'switchover',
  group: 'Act',
  args: '[SERVICE]',
  argsMin: 0,
  argsMax: 1,
  summary: 'hand over to a replica, losing nothing',
  details: [
    'To the best replica, or --to NODE. Waits until it has ended and says how long there was no master, as the agent '
    + 'of the old one measured. The order is kept in ZooKeeper and carried out at most once, within ten seconds or '
    + 'not at all: any host that reaches the ensemble can give it.',
    '--dry-run asks the master whether it would succeed now, why not, and what gap to expect; nothing is changed. '
    + '--at TIME stores it for later (2026-11-23T03:00:00+01:00, or +30m), --cancel takes back what is stored.',
    'Many services: --service PATTERN (* and ?, commas between several), each to its best replica, --max-parallel at '
    + 'once. While one of them would be refused nothing is begun, and the first failure ends it.',
  ],
  flags: ['config', 'agent', 'zk', 'json', 'to', 'at', 'cancel', 'dry-run', 'service', 'max-parallel', 'yes'],
  examples: [
    'dictator switchover',
    'dictator switchover cache --to redis2 --yes',
    'dictator switchover --service cache-* --max-parallel 4 --dry-run',
    'dictator switchover cache --at 2026-11-23T03:00:00+01:00',
  ],
  run(call) {
    const { flags, io } = call;
    const pattern = flags.text('service');
    if (pattern !== undefined) {
      const stray = [...call.args, ...(['to', 'at', 'cancel', 'agent'] as const).filter((name) => flags.on(name))];
      return stray.length === 0 ? many(call, pattern) : report({
        code: 'usage', details: [`--service takes neither ${stray.join(' nor ')}: it moves many services at once`],
      }, io);
    }
    return acting(call, call.args[0], (found) => {
      return call.flags.on('cancel') ? cancel(call, found) : order(call, found);
    });
  },
};

function many(call: Call, pattern: string): Promise<ExitCode> {
  return looking(call, async ({ ensemble }) => {
    const services = ensemble === null ? null : await unlessSilent(() => ensemble.services());
    if (ensemble === null || services === null) return report({ code: 'ensemble_unreachable' }, call.io);
    const matching = services.filter(matcherOf(pattern));
    if (matching.length === 0) return report({ code: 'service_unknown', details: [pattern] }, call.io);
    return switchMany(call, { ensemble, services: matching, plan: (facts) => planOf(facts, null) });
  });
}

async function cancel(call: Call, { service, desk }: Acting): Promise<ExitCode> {
  const { ended, elapsedMs } = await waitFor(call, 'taking the order back', desk.cancel());
  const about = { service, operation: 'cancel', target: null, elapsedMs };
  return conclude(ended, about, { call, line: () => `${service}: the order was taken back` });
}

async function order(call: Call, found: Acting): Promise<ExitCode> {
  const { flags, io } = call;
  const { service, facts, desk } = found;
  const target = flags.text('to') ?? null;
  const at = flags.text('at');
  const scheduledAt = at === undefined ? null : parseTime(at, io.clock.wallNow());
  const aheadMs = (scheduledAt ?? 0) - io.clock.wallNow();
  if (at !== undefined && (scheduledAt === null || aheadMs <= 0 || aheadMs > SCHEDULE_AHEAD_MAX_MS)) {
    const details = ['--at takes a time of the next 31 days with its zone, such as 2026-11-23T03:00:00Z, or +30m'];
    return report({ code: 'usage', details }, io);
  }
  const plan = planOf(facts, target);
  if (flags.on('dry-run')) return dryRun(call, plan);
  const about = { service, operation: 'switchover', target, elapsedMs: 0 };
  const told = { call, line: lineOf(scheduledAt) };
  // What is for later may have passed by then.
  if (plan.refusal !== null && scheduledAt === null) {
    return conclude({ ended: 'refused', reason: plan.refusal }, about, told);
  }
  const when = scheduledAt === null ? [] : [`At ${timeOf(scheduledAt)}, by the clock of the master's host.`];
  const declined = await confirm(call, [planLine({ ...plan, target: plan.target ?? target }), ...when]);
  if (declined !== null) return declined;
  const given = desk.give({ kind: 'switchover', target, from: scheduledAt === null ? plan.master : null, scheduledAt });
  const { ended, elapsedMs } = await waitFor(call, `${service}: ${plan.master ?? 'the master'} hands over`, given);
  return conclude(ended, { ...about, elapsedMs }, told);
}

export const lineOf = (scheduledAt: number | null) => (outcome: Outcome): string => {
  const { service, master, target, gapMs, epoch, elapsedMs } = outcome;
  if (outcome.outcome === 'scheduled') {
    return `${service}: switchover to ${target ?? 'the best replica'} is stored for ${timeOf(scheduledAt)}`;
  }
  const gap = gapMs === null ? 'gap not measured' : `gap ${gapMs} ms`;
  return `${service}: ${master ?? target ?? 'another node'} is the master, ${gap}, epoch ${epoch ?? '?'}, `
    + `done in ${duration(elapsedMs)}`;
};

function dryRun({ flags, io }: Call, plan: ReturnType<typeof planOf>): ExitCode {
  const { service, refusal, judged } = plan;
  if (flags.on('json')) printJson({ v: 1, ...plan }, io);
  if (!judged) {
    const details = [`${service}: the agent of ${plan.master ?? 'the master'}, which alone sees its replicas`];
    return report({ code: 'agent_unreachable', details }, io);
  }
  if (refusal === null) {
    if (!flags.on('json')) io.stdout(`${printable(`would succeed. ${planLine(plan)}`)}\n`);
    return EXIT.done;
  }
  const outcome = { service, operation: 'switchover', target: plan.target, elapsedMs: 0 };
  return explain({ ended: 'refused', reason: refusal }, outcome, io);
}
