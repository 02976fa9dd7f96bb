/**
 * Reads the report that vitest leaves behind (its json reporter) and says one thing about it.
 *
 *   node scripts/vitest-report.mjs counts FILE    passed, failed and left out, as three numbers
 *   node scripts/vitest-report.mjs slowest FILE   the ten files that took longest
 *   node scripts/vitest-report.mjs failed FILE    one line per failed test: file, name, what it said, shortened
 *   node scripts/vitest-report.mjs starved FILE   the files worth a second run alone, one per line (see below)
 *
 * Tests against real servers share a machine with each other. A failure there can be a defect or a starved server, and
 * a run alone tells the two apart, so `starved` names those files, but only when failures are few: more than
 * STARVED_FILES_MAX are no accident, and neither is a failed unit test or a file that does not load.
 */
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const STARVED_FILES_MAX = 2;
const SLOWEST_SHOWN = 10;
const MESSAGE_HEAD_MAX = 120;
const MESSAGE_TAIL_MAX = 280;

const nameOf = (file) => relative('.', file.name ?? '');
const failedIn = (file) => (file.assertionResults ?? []).filter(({ status }) => status === 'failed');
/** A file that does not load has failed without any test. */
const isBroken = (file) => file.status === 'failed' && (file.assertionResults ?? []).length === 0;

/** What was asserted stands first or, behind the output of a whole process, last; the stack says less than either. */
function shortened(text) {
  const said = (text ?? '').split(/\n\s+at /)[0].trim().replace(/\s*\n\s*/g, ' | ');
  if (said.length <= MESSAGE_HEAD_MAX + MESSAGE_TAIL_MAX) return said;
  return `${said.slice(0, MESSAGE_HEAD_MAX)} [...] ${said.slice(-MESSAGE_TAIL_MAX)}`;
}

function* failures(files) {
  for (const file of files) {
    if (isBroken(file)) yield `${nameOf(file)}: ${shortened(file.message) || 'does not load'}`;
    for (const { fullName, failureMessages } of failedIn(file)) {
      yield `${nameOf(file)}: ${fullName}: ${shortened(failureMessages?.[0])}`;
    }
  }
}

function starved(files) {
  const bad = files.filter((file) => isBroken(file) || failedIn(file).length > 0);
  const areAll = bad.every((file) => nameOf(file).startsWith('test/integration/') && !isBroken(file));
  return areAll && bad.length <= STARVED_FILES_MAX ? bad.map(nameOf) : [];
}

function slowest(files) {
  const times = files.map((file) => [(file.endTime - file.startTime) / 1000, nameOf(file)]);
  times.sort(([a], [b]) => b - a);
  return times.slice(0, SLOWEST_SHOWN).map(([seconds, name]) => `${seconds.toFixed(1).padStart(6)} s  ${name}`);
}

function counts({ numPassedTests, numFailedTests, numPendingTests, numTodoTests }, files) {
  const failed = (numFailedTests ?? 0) + files.filter(isBroken).length;
  return [[numPassedTests ?? 0, failed, (numPendingTests ?? 0) + (numTodoTests ?? 0)].join(' ')];
}

const [, , question, path] = process.argv;
const report = JSON.parse(readFileSync(path, 'utf8'));
const files = report.testResults ?? [];
const answers = {
  counts: () => counts(report, files),
  slowest: () => slowest(files),
  failed: () => [...failures(files)],
  starved: () => starved(files),
};
for (const line of answers[question]()) console.log(line);
