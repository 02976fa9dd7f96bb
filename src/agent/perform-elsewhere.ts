/**
 * Questions to other agents and hosts, for the core: who promises to stand still, and who lives at an address.
 *
 * Each ends within its time whatever happens out there, and its result says what was answered, never what it means.
 */
import type { FailsafeAnswer } from '../contract/failsafe.ts';
import type { Action } from '../core/actions.ts';
import type { Outcome } from '../core/inputs.ts';
import type { Outside } from './ports.ts';

const IDENTIFY_TIMEOUT_MS = 1000;

/** One round: the result is known when each has answered or let its time pass. */
export function askPromises(
  outside: Pick<Outside, 'clock' | 'ask'>,
  { questions, timeoutMs }: Extract<Action, { kind: 'ask_promises' }>,
  done: (outcome: Outcome) => void,
): void {
  const sentAtMs = outside.clock.now();
  const answers: { node: string; answer: FailsafeAnswer | null }[] = [];
  if (questions.length === 0) {
    outside.clock.after(timeoutMs, () => done({ result: 'asked', sentAtMs, answers }));
    return;
  }
  for (const { address, question } of questions) {
    outside.ask(address, question, timeoutMs, (answer) => {
      answers.push({ node: question.node, answer });
      if (answers.length === questions.length) done({ result: 'asked', sentAtMs, answers });
    });
  }
}

/** Whether the agent at this address is the running process that is looked for. */
export function identify(
  outside: Pick<Outside, 'identify'>,
  { address, instance }: Extract<Action, { kind: 'identify' }>,
  done: (outcome: Outcome) => void,
): void {
  outside.identify(address, IDENTIFY_TIMEOUT_MS, (result) => {
    const as = result.kind === 'answered' ? (result.instance === instance ? 'same' : 'other') : result.kind;
    done({ result: 'identified', instance, as });
  });
}
