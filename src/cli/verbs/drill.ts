/** `dictator drill [SERVICE]`: a real switchover there and back, with the gap that a client saw as its result. */
import { EXIT } from '../../contract/errors.ts';
import type { ExitCode } from '../../contract/errors.ts';
import { acting } from '../act/acting.ts';
import type { Acting } from '../act/acting.ts';
import { Canary, CANARY_KEY } from '../act/canary.ts';
import type { CanaryTarget } from '../act/canary.ts';
import { sleep, waitFor } from '../act/give.ts';
import { untilInSync } from '../act/in-sync.ts';
import { exitOf, explain, isSuccess, outcomeOf } from '../act/outcome.ts';
import type { Outcome } from '../act/outcome.ts';
import { planOf } from '../act/plan.ts';
import { confirm } from '../confirm.ts';
import type { ServiceFacts } from '../facts.ts';
import { report } from '../report.ts';
import { printable, printJson } from '../terminal.ts';
import { topologyOf } from '../topology.ts';
import type { Call, Verb } from '../verb.ts';
import { whyNotReady } from './rolling.ts';

const CANARY_WAIT_MS = 10_000;
const LOOK_EVERY_MS = 20;
/** Writes that show that the canary is at work. */
const WARM_UP_WRITES = 20;

export const drill: Verb = {
  name: 'drill',
  group: 'Act',
  args: '[SERVICE]',
  argsMin: 0,
  argsMax: 1,
  summary: 'a switchover there and back, measured',
  details: [
    'Begins only where every node is in sync and nothing is paused. A canary writes the key dictator:canary, which '
    + 'expires after ten seconds, every 2 ms; the result is the longest time for which no server took a write, beside '
    + 'the gap that the agents measured. Nothing else is written, and only during the drill.',
    'The canary connects from here to the Redis servers of the old and the new master, with the password of this '
    + 'node\'s configuration: run it on a node, or where no password is needed.',
  ],
  flags: ['config', 'zk', 'json', 'to', 'yes'],
  examples: ['dictator drill cache', 'dictator drill --to redis2 --yes --json'],
  run: (call) => acting(call, call.args[0], async (found) => {
    const { facts, service } = found;
    const plan = planOf(facts, call.flags.text('to') ?? null);
    const why = [
      ...whyNotReady(facts, []),
      ...(plan.refusal === null ? [] : [`${service}: ${plan.refusal}`]),
      ...(plan.judged ? [] : [`${service}: the agent of ${plan.master ?? 'the master'} does not answer here`]),
    ];
    const { master, target } = plan;
    if (why.length > 0 || master === null || target === null) {
      return report({ code: 'not_ready', details: [...new Set(why)] }, call.io);
    }
    const declined = await confirm(call, [
      `${service}: ${master} hands over to ${target}, and ${target} back to ${master}.`,
      `Meanwhile ${CANARY_KEY} is written; it expires by itself.`,
    ]);
    return declined ?? run(call, found, { master, target });
  }),
};

interface Pair {
  readonly master: string;
  readonly target: string;
}

interface Leg extends Outcome {
  readonly from: string;
  /** Longest time between two writes of the canary that were taken; null where it was not to be measured. */
  readonly canaryGapMs: number | null;
}

async function run(call: Call, found: Acting, pair: Pair): Promise<ExitCode> {
  const { io, flags } = call;
  const { service } = found;
  const canary = new Canary(io.clock, targetsOf(found, pair));
  try {
    const isWarm = await until(call, () => canary.writes >= WARM_UP_WRITES && canary.at === pair.master);
    if (!isWarm) {
      const why = canary.fault ?? `no write was taken in ${CANARY_WAIT_MS / 1000} s`;
      return report({ code: 'not_ready', details: [`the canary cannot write to ${pair.master}: ${why}`] }, io);
    }
    const legs: Leg[] = [await leg(call, found, canary, pair)];
    const [there] = legs;
    const why = there !== undefined && isSuccess(there)
      ? await untilInSync(call, found.lookout, { service, node: pair.master })
      : null;
    if (there !== undefined && isSuccess(there) && why === null) {
      legs.push(await leg(call, found, canary, { master: pair.target, target: pair.master }));
    }
    if (flags.on('json')) printJson({ v: 1, service, legs, writes: canary.writes }, io);
    else for (const each of legs) io.stdout(`${printable(lineOf(each))}\n`);
    if (why !== null) {
      const details = [`${service}: ${pair.master}: ${why}; ${pair.target} stays the master`];
      return report({ code: 'not_in_time', details }, io);
    }
    return endOf(call, legs, pair);
  } finally {
    canary.stop();
  }
}

function endOf({ io }: Call, legs: readonly Leg[], { master, target }: Pair): ExitCode {
  const failed = legs.find((each) => !isSuccess(each));
  if (failed === undefined) return EXIT.done;
  io.stderr(`dictator: the drill ended ${failed.from === master ? `with ${master} in its office` : `at ${target}`}\n`);
  const { service, operation, target: to, elapsedMs, reason, outcome } = failed;
  const about = { service, operation, target: to, elapsedMs };
  if (outcome === 'refused') explain({ ended: 'refused', reason: reason ?? 'unknown' }, about, io);
  else report({ code: 'order_interrupted', details: [`${service}: ${outcome}, ${reason ?? 'no reason'}`] }, io);
  return exitOf(failed);
}

async function leg(call: Call, { desk, service }: Acting, canary: Canary, { master, target }: Pair): Promise<Leg> {
  canary.takeGapMs();
  const given = desk.give({ kind: 'switchover', target, from: master });
  const { ended, elapsedMs } = await waitFor(call, `${service}: ${master} hands over to ${target}`, given);
  const outcome = outcomeOf(ended, { service, operation: 'switchover', target, elapsedMs });
  const isThere = isSuccess(outcome) && await until(call, () => canary.at === target);
  return { ...outcome, from: master, canaryGapMs: isThere ? canary.takeGapMs() : null };
}

async function until(call: Call, holds: () => boolean): Promise<boolean> {
  const endMs = call.io.clock.now() + CANARY_WAIT_MS;
  while (!holds() && call.io.clock.now() < endMs) await sleep(call, LOOK_EVERY_MS);
  return holds();
}

function targetsOf({ facts, lookout }: Acting, { master, target }: Pair): readonly CanaryTarget[] {
  const node = lookout.config?.node;
  const password = node?.password?.reveal();
  const credentials = password === undefined ? {} : { username: node?.username ?? undefined, password };
  return [master, target].flatMap((name) => {
    const address = addressOf(facts, name);
    return address === null ? [] : [{ name, ...address, ...credentials }];
  });
}

const addressOf = (facts: ServiceFacts, name: string) =>
  topologyOf(facts).nodes.find((node) => node.name === name)?.redis ?? null;

const lineOf = ({ service, from, target, outcome, gapMs, canaryGapMs, reason }: Leg): string => {
  const gap = `gap ${gapMs ?? '?'} ms, a client saw ${canaryGapMs ?? '?'} ms`;
  return `${service}: ${from} to ${target ?? '?'}: ${outcome === 'done' ? gap : `${outcome}, ${reason ?? 'unknown'}`}`;
};
