/** Command line of the fault runs. */
import type { FaultKind } from './kinds.ts';
import { FAULT_KINDS, isFaultKind } from './kinds.ts';

export type Against = 'dictator' | 'sentinel';
export type Scenario = 'storm' | 'aphyr' | 'cutoff';

export interface Options {
  readonly scenario: Scenario;
  readonly against: Against;
  readonly seconds: number;
  readonly seed: number;
  readonly kinds: readonly FaultKind[];
  /** Length of a storm; faults of one round overlap, those of two do not. */
  readonly stormMs: number;
  /** Mean time between two faults. */
  readonly everyMs: number;
  readonly writesPerSecond: number;
  /** Also after what time a Sentinel takes a server for dead. */
  readonly sessionMs: number;
  /** Of the scenario `cutoff`, and how long each of its cuts lasts. */
  readonly rounds: number;
  readonly cutMs: number;
  readonly durable: boolean;
  readonly waitReplicas: number;
  /** Further lines of every Redis' configuration. */
  readonly redis: readonly string[];
  /** Further keys of every agent's configuration. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Without namespaces even where they are permitted. */
  readonly loopback: boolean;
  readonly verbose: boolean;
  /** Where the figures go. */
  readonly results: string;
}

const SECONDS_MAX = 86_400;
const SESSION_MS = 5000;
const CUTOFF_SESSION_MS = 2000;

export const RESULTS_DEFAULT = 'chaos/results/latest.json';

export const USAGE = `usage: make chaos ARGS="[--seconds N] [--seed N] [--against sentinel] [--scenario aphyr] ..."
  --seconds N           how long (default 300)
  --seed N              the schedule (default: a new one, which the report names)
  --only KIND[,KIND]    these faults alone; --without KIND[,KIND] all others
  --against NAME        dictator (default) or sentinel
  --scenario NAME       storm (default): random faults; aphyr: the partition of 2013, with five nodes;
                        cutoff: the master's host loses its network
  --durability durable  with --wait-replicas N (default 1): no write that WAIT acknowledged may be lost
  --config KEY=JSON     one more key for every agent; may be given several times
  --redis LINE          one more line for every redis.conf; may be given several times
  --storm-ms N          length of a round of faults (default 18000)
  --every-ms N          mean time between two faults (default 2200)
  --writes N            writes per second (default 3000)
  --session-ms N        ZooKeeper session timeout of the agents, down-after of Sentinel (default 5000, cutoff 2000)
  --rounds N            cuts of the scenario cutoff (default 10); --cut-ms N how long each lasts (default 8000)
  --loopback            without network namespaces, and without what needs them
  --results FILE        figures as JSON (default ${RESULTS_DEFAULT})
  --verbose             tell what the agents say
  KIND: ${FAULT_KINDS.join(', ')}
`;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
/** Takes the value; gives a sentence where it is wrong. */
type Setter = (options: Mutable<Options>, value: string) => string | undefined;

function number(key: 'seconds' | 'seed' | 'stormMs' | 'everyMs' | 'writesPerSecond' | 'sessionMs' | 'waitReplicas'
| 'rounds' | 'cutMs', [
  least, most,
]: readonly [number, number]): Setter {
  return (options, text) => {
    const value = Number(text);
    if (!Number.isInteger(value) || value < least || value > most) return `a number from ${least} to ${most}`;
    options[key] = value;
    return undefined;
  };
}

/** Gives the kinds, or the first name that is none. */
function kindsOf(text: string): readonly FaultKind[] | string {
  const names = text.split(',');
  return names.find((name) => !isFaultKind(name)) ?? names.filter(isFaultKind);
}

const SETTERS: Readonly<Record<string, Setter>> = {
  '--seconds': number('seconds', [5, SECONDS_MAX]),
  '--seed': number('seed', [0, Number.MAX_SAFE_INTEGER]),
  '--storm-ms': number('stormMs', [2000, 600_000]),
  '--every-ms': number('everyMs', [50, 600_000]),
  '--writes': number('writesPerSecond', [50, 50_000]),
  '--session-ms': number('sessionMs', [1000, 60_000]),
  '--rounds': number('rounds', [1, 1000]),
  '--cut-ms': number('cutMs', [1000, 600_000]),
  '--wait-replicas': number('waitReplicas', [1, 2]),
  '--only': (options, text) => {
    const kinds = kindsOf(text);
    if (typeof kinds === 'string') return `no fault is named "${kinds}"`;
    options.kinds = kinds;
    return undefined;
  },
  '--without': (options, text) => {
    const kinds = kindsOf(text);
    if (typeof kinds === 'string') return `no fault is named "${kinds}"`;
    options.kinds = options.kinds.filter((kind) => !kinds.includes(kind));
    return options.kinds.length === 0 ? 'no fault is left' : undefined;
  },
  '--against': (options, text) => {
    if (text !== 'dictator' && text !== 'sentinel') return 'dictator or sentinel';
    options.against = text;
    return undefined;
  },
  '--scenario': (options, text) => {
    if (text !== 'storm' && text !== 'aphyr' && text !== 'cutoff') return 'storm, aphyr or cutoff';
    options.scenario = text;
    return undefined;
  },
  '--durability': (options, text) => {
    if (text !== 'durable' && text !== 'async') return 'durable or async';
    options.durable = text === 'durable';
    return undefined;
  },
  '--config': (options, text) => {
    const [, key, json] = /^([a-z_.]+)=(.+)$/.exec(text) ?? [];
    if (key === undefined || json === undefined) return 'KEY=JSON';
    try {
      options.config = { ...options.config, [key]: JSON.parse(json) as unknown };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      options.config = { ...options.config, [key]: json };
    }
    return undefined;
  },
  '--redis': (options, text) => {
    options.redis = [...options.redis, text];
    return undefined;
  },
  '--results': (options, text) => {
    options.results = text;
    return undefined;
  },
};

/** The options, or a sentence that says what is wrong; `--help` is 'help'. */
export function parseOptions(args: readonly string[], freshSeed: number): Options | string {
  const options: Mutable<Options> = {
    scenario: 'storm', against: 'dictator', seconds: 300, seed: freshSeed, kinds: FAULT_KINDS, stormMs: 18_000,
    everyMs: 2200, writesPerSecond: 3000, sessionMs: SESSION_MS, rounds: 10, cutMs: 8000, durable: false,
    waitReplicas: 1, redis: [], config: {},
    loopback: false, verbose: false, results: RESULTS_DEFAULT,
  };
  let sessionGiven = false;
  // Both `--seed 5` and `--seed=5`.
  const rest = args.flatMap((arg) => arg.split(/(?<=^--[\w-]+)=/));
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === '--help' || arg === '-h') return 'help';
    if (arg === '--loopback') options.loopback = true;
    else if (arg === '--verbose') options.verbose = true;
    else {
      const setter = SETTERS[arg];
      if (setter === undefined) return `unknown: ${arg}`;
      const value = rest.shift();
      if (value === undefined) return `${arg}: a value is missing`;
      const wrong = setter(options, value);
      if (wrong !== undefined) return `${arg}: ${wrong}`;
      if (arg === '--session-ms') sessionGiven = true;
    }
  }
  if (options.scenario === 'cutoff' && !sessionGiven) options.sessionMs = CUTOFF_SESSION_MS;
  return options;
}
