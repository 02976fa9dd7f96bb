/**
 * `make chaos`: a real service under random faults, watched by clients who count. docs/chaos.md says what is done and
 * how it is judged. Exit code 0 when no rule was broken, 1 when one was, 2 when the run could not be done, 64 for a
 * wrong command line, 69 when the scenario needs what this machine does not permit.
 */
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { BESIDE, writeBeside } from './clients/beside.ts';
import { inside } from './inside.ts';
import { INSIDE, outside } from './outside.ts';
import { parseOptions, USAGE } from './plan/options.ts';

const EXIT_USAGE = 64;
const EXIT_FAILED = 2;
const SEEDS = 1_000_000_000;

async function main(): Promise<number> {
  // Programs and results are named relative to the project's root; this file lies one level below, bundled or not.
  const root = dirname(dirname(fileURLToPath(import.meta.url)));
  process.chdir(root);
  // What make puts there, and where the tools of administrators are.
  process.env['PATH'] = [join(root, '.tools', 'bin'), process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);
  const [first, ...rest] = process.argv.slice(2);
  if (first === BESIDE) return await writeBeside(rest[0] ?? '');
  const isInside = first === INSIDE;
  const args = isInside ? rest : process.argv.slice(2);
  const options = parseOptions(args, Math.floor(Math.random() * SEEDS));
  if (options === 'help') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (typeof options === 'string') {
    process.stderr.write(`chaos: ${options}\n${USAGE}`);
    return EXIT_USAGE;
  }
  return isInside ? await inside(options) : await outside(options, args);
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`chaos: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(EXIT_FAILED);
  },
);
