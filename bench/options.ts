/** Command line of the bench. */

export const MEASURES = [
  'floor', 'redis-killed', 'both-killed', 'switchover', 'hand-over', 'takeover', 'agent-restart', 'restart-overlap',
  'thaw', 'host-cut-off', 'checks', 'haproxy', 'events', 'flood', 'services', 'list', 'agent',
] as const;
export type Measure = (typeof MEASURES)[number];

export interface Options {
  readonly only: readonly Measure[];
  readonly runs: number;
  readonly sentinelRuns: number;
  readonly switchovers: number;
  /** Tell every log line of every failover. */
  readonly timeline: boolean;
}

const RUNS_DEFAULT = 10;
const RUNS_MAX = 1000;
/** A 95th percentile and "never" say little about ten of them. */
const SWITCHOVERS_DEFAULT = 100;
const SENTINEL_RUNS_MAX = 5;

export const USAGE = `usage: make bench ARGS="[--only NAME[,NAME]] [--runs N] [--switchovers N] [--without-sentinel]
  [--timeline]"
  NAME: ${MEASURES.join(', ')} (default: all of them)
  --runs N             runs of each figure (default ${RUNS_DEFAULT}); Sentinel: at most ${SENTINEL_RUNS_MAX}
  --switchovers N      runs of \`switchover\` (default ${SWITCHOVERS_DEFAULT})
  --without-sentinel   measure Dictator alone
  --timeline           show what the agents logged during each failover, on stderr
`;

function isMeasure(name: string): name is Measure {
  return MEASURES.some((each) => each === name);
}

/** The options, or a sentence that says what is wrong; `--help` is 'help'. */
export function parseOptions(args: readonly string[]): Options | string {
  let only: readonly Measure[] = MEASURES;
  const runs = { '--runs': RUNS_DEFAULT, '--switchovers': SWITCHOVERS_DEFAULT };
  let sentinel = true;
  let timeline = false;
  // Both `--runs 5` and `--runs=5`.
  const rest = args.flatMap((arg) => arg.split(/(?<=^--\w+)=/));
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--help' || arg === '-h') return 'help';
    if (arg === '--without-sentinel') {
      sentinel = false;
    } else if (arg === '--timeline') {
      timeline = true;
    } else if (arg === '--only') {
      const names = (rest.shift() ?? '').split(',');
      const unknown = names.find((name) => !isMeasure(name));
      if (unknown !== undefined) return `--only: no figure is named "${unknown}"`;
      only = names.filter(isMeasure);
    } else if (arg === '--runs' || arg === '--switchovers') {
      const wanted = Number(rest.shift());
      if (!Number.isInteger(wanted) || wanted < 1 || wanted > RUNS_MAX) return `${arg}: a number from 1 to ${RUNS_MAX}`;
      runs[arg] = wanted;
    } else {
      return `unknown: ${arg}`;
    }
  }
  const sentinelRuns = sentinel ? Math.min(runs['--runs'], SENTINEL_RUNS_MAX) : 0;
  return { only, runs: runs['--runs'], sentinelRuns, switchovers: runs['--switchovers'], timeline };
}
