/**
 * Switchovers of many services: planned together, carried out a few at a time, ended by the first that fails.
 *
 * Nothing is begun while one of them would be refused: who asked for all of them shall know that before the first. What
 * was done stays done; what was left is named, so that it can be asked for again.
 */
import { EXIT } from '../../contract/errors.ts';
import type { ExitCode } from '../../contract/errors.ts';
import { confirm } from '../confirm.ts';
import type { Ensemble } from '../ensemble.ts';
import { factsOf, unlessSilent } from '../facts.ts';
import type { ServiceFacts } from '../facts.ts';
import { LiveViews } from '../live.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import { painter, printable, printJson, table } from '../terminal.ts';
import { reasonText } from '../topology.ts';
import type { Call } from '../verb.ts';
import { EnsembleDesk } from './ensemble-desk.ts';
import { waitFor } from './give.ts';
import { exitOf, isSuccess, outcomeOf } from './outcome.ts';
import type { Outcome } from './outcome.ts';
import { planLine } from './plan.ts';
import type { SwitchoverPlan } from './plan.ts';

const PARALLEL_MAX = 16;

/** `--max-parallel`, or null where it is none. */
function parallelOf({ flags }: Call): number | null {
  const text = flags.text('max-parallel') ?? '1';
  const count = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  return count >= 1 && count <= PARALLEL_MAX ? count : null;
}

export interface Choice {
  readonly ensemble: Ensemble;
  /** Names of the services that are meant. */
  readonly services: readonly string[];
  /** What is to become of one of them; null: nothing. */
  readonly plan: (facts: ServiceFacts) => SwitchoverPlan | null;
}

export async function switchMany(call: Call, choice: Choice): Promise<ExitCode> {
  const { io, flags } = call;
  const parallel = parallelOf(call);
  if (parallel === null) {
    return report({ code: 'usage', details: [`--max-parallel takes a number from 1 to ${PARALLEL_MAX}`] }, io);
  }
  const plans = await withProgress('reading the services', io, unlessSilent(() => plansOf(call, choice)));
  if (plans === null) return report({ code: 'ensemble_unreachable' }, io);
  const refused = plans.filter(({ refusal, judged }) => refusal !== null || !judged);
  if (flags.on('dry-run') && flags.on('json')) printJson({ v: 1, services: plans }, io);
  if (flags.on('dry-run') && !flags.on('json')) for (const plan of plans) io.stdout(`${printable(planText(plan))}\n`);
  if (refused.length > 0) {
    const details = refused.map(planText);
    return report({ code: 'services_refused', details }, io);
  }
  if (flags.on('dry-run')) return EXIT.done;
  if (plans.length === 0) {
    if (flags.on('json')) print(call, [], []);
    else io.stderr('dictator: there is nothing to do\n');
    return EXIT.done;
  }
  const declined = await confirm(call, plans.map(planText));
  if (declined !== null) return declined;
  return carryOut(call, choice.ensemble, plans, parallel);
}

async function plansOf(call: Call, { ensemble, services, plan }: Choice): Promise<readonly SwitchoverPlan[]> {
  const { io } = call;
  const gathering = { live: new LiveViews(io.clock), wallNow: () => io.clock.wallNow() };
  const plans: SwitchoverPlan[] = [];
  const left = [...services].values();
  const worker = async (): Promise<void> => {
    for (const service of left) {
      const facts = await factsOf(ensemble, service, gathering);
      const planned = facts === null ? null : plan(facts);
      if (planned !== null) plans.push(planned);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_MAX }, worker));
  return plans.toSorted((a, b) => (a.service < b.service ? -1 : 1));
}

function planText(plan: SwitchoverPlan): string {
  const { service, refusal, judged, master } = plan;
  if (refusal !== null) return `${service}: refused, ${refusal}: ${reasonText(refusal)?.what ?? 'unknown'}`;
  return judged ? planLine(plan) : `${service}: the agent of ${master ?? 'the master'} does not answer here`;
}

async function carryOut(
  call: Call,
  ensemble: Ensemble,
  plans: readonly SwitchoverPlan[],
  parallel: number,
): Promise<ExitCode> {
  const outcomes: Outcome[] = [];
  const left = [...plans].reverse();
  const running = new Set<string>();
  const worker = async (): Promise<void> => {
    while (outcomes.every(isSuccess)) {
      const plan = left.pop();
      if (plan === undefined) return;
      const { service, target, master: from } = plan;
      running.add(service);
      const given = new EnsembleDesk(ensemble, service, call.io).give({ kind: 'switchover', target, from });
      const { ended, elapsedMs } = await waitFor(call, () => `switching over ${[...running].join(', ')}`, given);
      running.delete(service);
      const outcome = outcomeOf(ended, { service, operation: 'switchover', target, elapsedMs });
      outcomes.push(outcome);
      if (!call.flags.on('json')) call.io.stderr(`${printable(`${service}: ${outcome.outcome}`)}\n`);
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, plans.length) }, worker));
  const names = left.map(({ service }) => service).sort();
  print(call, outcomes, names);
  const failed = outcomes.find((outcome) => !isSuccess(outcome));
  if (failed === undefined) return EXIT.done;
  report({
    code: 'services_left',
    details: [
      `${failed.service}: ${failed.outcome}${failed.reason === null ? '' : `, ${failed.reason}`}`,
      ...(names.length === 0 ? [] : [`left as they were: ${names.join(',')}`]),
    ],
  }, call.io);
  return exitOf(failed);
}

function print({ flags, io }: Call, outcomes: readonly Outcome[], left: readonly string[]): void {
  if (flags.on('json')) printJson({ v: 1, services: outcomes, left }, io);
  else io.stdout(renderOutcomes(outcomes, painter(io)));
}

function renderOutcomes(outcomes: readonly Outcome[], paint: ReturnType<typeof painter>): string {
  const headings = ['SERVICE', 'OUTCOME', 'MASTER', 'GAP', 'REASON'].map((heading) => paint('bold', heading));
  return table([headings, ...outcomes.map((outcome) => [
    printable(outcome.service),
    paint(isSuccess(outcome) ? 'green' : 'red', outcome.outcome),
    printable(outcome.master ?? '-'),
    outcome.gapMs === null ? '-' : `${outcome.gapMs} ms`,
    printable(outcome.reason ?? ''),
  ])]);
}
