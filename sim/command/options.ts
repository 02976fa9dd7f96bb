/** Command line of the simulator. */

export interface Options {
  /** Fresh seeds to run. */
  readonly seeds: number;
  /** The first of them; null: drawn from the clock. */
  readonly from: number | null;
  /** Worker threads. */
  readonly jobs: number;
  /** Run this seed alone, and explain it. */
  readonly seed: number | null;
  /** Run the plan in this file alone, and explain it. */
  readonly plan: string | null;
  /** Print the whole trace of the one run. */
  readonly trace: boolean;
  /** Leave the regressions out. */
  readonly regressions: boolean;
  /** Take faults away from what fails until every one that is left is needed. */
  readonly shrink: boolean;
  /** Write what is left of the one failing run to sim/regressions/plans, with this sentence for a name. */
  readonly keep: string | null;
  /** Write the result between the markers of this file. */
  readonly report: string | null;
}

const SEEDS_MAX = 10_000_000;
/** Chance starts from 32 bits. */
export const SEED_MAX = 2 ** 32 - 1;
const JOBS_MAX = 64;

export const DEFAULTS: Options = {
  seeds: 1000, from: null, jobs: 1, seed: null, plan: null, trace: false, regressions: true, shrink: true, keep: null,
  report: null,
};

export const USAGE = `usage: make simulate [SEEDS=1000] [FROM=N] [JOBS=1] [ARGS="..."]
  SEEDS=N            fresh seeds to run, besides all regressions (default ${DEFAULTS.seeds})
  FROM=N             the first of them; without it they are drawn from the clock, and said
  JOBS=N             worker threads (default ${DEFAULTS.jobs})
  ARGS="--seed 73"   run this seed alone and explain it; --trace prints every line of its trace
  ARGS="--plan FILE" the same for a plan in JSON, such as those in sim/regressions/plans
  --keep SENTENCE    with either: keep what is left of the plan as a regression of this name
  --no-shrink        do not look for the faults that are needed
  --no-regressions   fresh seeds alone
  --report FILE      write the result between the markers of this file
`;

type Numbers = 'seeds' | 'from' | 'jobs' | 'seed';
type Texts = 'plan' | 'keep' | 'report';

const KEEP_OF_WHICH = '--keep: of which --seed or --plan?';

const NUMBERS: Readonly<Record<Numbers, readonly [number, number]>> = {
  seeds: [0, SEEDS_MAX],
  from: [0, SEED_MAX],
  jobs: [1, JOBS_MAX],
  seed: [0, SEED_MAX],
};
const TEXTS: readonly Texts[] = ['plan', 'keep', 'report'];
const FLAGS: Readonly<Record<string, Partial<Options>>> = {
  '--trace': { trace: true },
  '--no-shrink': { shrink: false },
  '--no-regressions': { regressions: false },
};

const isNumber = (name: string): name is Numbers => Object.hasOwn(NUMBERS, name);
const isText = (name: string): name is Texts => TEXTS.some((each) => each === name);

function numberOf(name: Numbers, text: string | undefined): number | string {
  const [min, max] = NUMBERS[name];
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isInteger(value) && value >= min && value <= max ? value : `--${name}: a number from ${min} to ${max}`;
}

/** The options, or a sentence that says what is wrong; `--help` is 'help'. */
export function parseOptions(args: readonly string[]): Options | string {
  let options: Options = DEFAULTS;
  const rest = args.flatMap((arg) => arg.split(/(?<=^--\w+)=/));
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--help' || arg === '-h') return 'help';
    const name = arg.startsWith('--') ? arg.slice(2) : '';
    const flag = FLAGS[arg];
    if (flag !== undefined) options = { ...options, ...flag };
    else if (isNumber(name)) {
      const value = numberOf(name, rest.shift());
      if (typeof value === 'string') return value;
      options = { ...options, [name]: value };
    } else if (isText(name)) {
      const value = rest.shift() ?? '';
      if (value === '') return `${arg}: something must follow`;
      options = { ...options, [name]: value };
    } else return `unknown: ${arg}`;
  }
  if (options.seed !== null && options.plan !== null) return '--seed and --plan: one of them';
  if (options.keep !== null && options.seed === null && options.plan === null) return KEEP_OF_WHICH;
  return options;
}
