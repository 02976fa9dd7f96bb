/** Command line of the mutants. */

export interface Options {
  /** Seeds that a mutant may live through before it counts as survived. */
  readonly seeds: number;
  readonly jobs: number;
  /** Only the mutants whose name contains this. */
  readonly only: string | null;
  /** The mutants that nobody notices yet, instead of the others. */
  readonly open: boolean;
  /** Write the table between the markers of this file. */
  readonly report: string | null;
}

const DEFAULTS: Options = { seeds: 3000, jobs: 2, only: null, open: false, report: null };

export const USAGE = `usage: make simulate-mutants [JOBS=2] [ARGS="..."]
  --seeds N       seeds that a mutant may live through (default ${DEFAULTS.seeds})
  --only TEXT     the mutants whose name contains this
  --open          those that nobody notices yet, instead of the others
  --report FILE   write the table between the markers of this file
`;

/** The options, or a sentence that says what is wrong; `--help` is 'help'. */
export function parseOptions(args: readonly string[]): Options | string {
  let options = DEFAULTS;
  const rest = [...args];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--help') return 'help';
    if (arg === '--open') {
      options = { ...options, open: true };
      continue;
    }
    const value = rest.shift() ?? '';
    if (value === '') return `${arg}: something must follow`;
    if (arg === '--only') options = { ...options, only: value };
    else if (arg === '--report') options = { ...options, report: value };
    else if (arg === '--seeds' || arg === '--jobs') {
      const number = Number(value);
      if (!Number.isInteger(number) || number < 1) return `${arg}: a number from 1`;
      options = arg === '--seeds' ? { ...options, seeds: number } : { ...options, jobs: number };
    } else return `unknown: ${arg}`;
  }
  return options;
}
