/** Explains one failing plan: what it violates, what of it is needed for that, and how it came to it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plan } from '../plan/plan.ts';
import { keptPlanText, slugOf } from '../regressions/kept-plans.ts';
import { keepPlan, ROOT } from './files.ts';
import { findingsText, planText, traceText } from './report.ts';
import { checkedTwice, runPlan } from './run.ts';
import type { Finding, Outcome } from './run.ts';
import { shrink } from './shrink.ts';

const SHRUNK = join('.cache', 'simulate');

export interface ExplainOptions {
  /** How this run is asked for: `--seed 73`. */
  readonly name: string;
  readonly shrink: boolean;
  readonly trace: boolean;
  /** Sentence under which the shrunk plan becomes a regression. */
  readonly keep: string | null;
}

/** The first finding is what the shrinking keeps: the same invariant, whoever it happens to. */
function shrunk(plan: Plan, finding: Finding): { readonly plan: Plan; readonly runs: number } {
  return shrink(plan, (smaller) => runPlan(smaller).findings.some(({ invariant }) => invariant === finding.invariant));
}

function saved(name: string, plan: Plan, finding: Finding): string {
  mkdirSync(join(ROOT, SHRUNK), { recursive: true });
  const file = join(SHRUNK, `${slugOf(name)}.json`);
  writeFileSync(join(ROOT, file), keptPlanText({ sentence: finding.text, violated: finding.invariant, plan }));
  return file;
}

function findingToShow(outcome: Outcome, wanted: Finding): Finding {
  return outcome.findings.find(({ invariant }) => invariant === wanted.invariant) ?? wanted;
}

/** Prints what is found in this plan; returns whether it was anything. */
export function explain(plan: Plan, options: ExplainOptions): boolean {
  const outcome = checkedTwice(plan, runPlan(plan, true));
  const { name, trace } = options;
  const first = outcome.findings[0];
  if (first === undefined) {
    console.log(`${name}: nothing is violated; digest ${outcome.digest}, ${outcome.events} events`);
    console.log(planText(plan));
    if (trace) console.log(traceText(outcome.lines, 0, true));
    return false;
  }
  console.log(`${name}: violates ${first.invariant}\n${findingsText(outcome.findings)}\nthe plan:\n${planText(plan)}`);
  if (!options.shrink || first.invariant === 'chance') {
    console.log(`the trace:\n${traceText(outcome.lines, first.atMs, trace)}`);
    return true;
  }
  const small = shrunk(plan, first);
  const again = runPlan(small.plan, true);
  const finding = findingToShow(again, first);
  const file = saved(name, small.plan, first);
  console.log(`what is needed of it (${small.runs} runs):\n${planText(small.plan)}\n${findingsText(again.findings)}`);
  console.log(`the trace of that, up to the violation:\n${traceText(again.lines, finding.atMs, trace)}`);
  console.log(`all of it: make simulate ARGS="--plan ${file} --no-shrink --trace"`);
  console.log(`the plan as it was drawn: make simulate ARGS="${name} --no-shrink --trace"`);
  const { keep } = options;
  if (keep !== null) console.log(`kept: ${keepPlan({ sentence: keep, violated: first.invariant, plan: small.plan })}`);
  return true;
}
