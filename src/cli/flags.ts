/**
 * Every flag of the command line, in one table: parsing, help, completion and the page of the verbs share it.
 *
 * A flag means the same with every verb that takes it; which verbs take it stands with the verb.
 */
export interface Flag {
  /** How help calls its value; null: a switch without one. */
  readonly value: string | null;
  readonly meaning: string;
}

export const FLAGS = {
  config: { value: 'FILE', meaning: 'configuration of this node, JSON; else DICTATOR_CONFIG, else the installed one' },
  agent: { value: 'URL', meaning: 'ask this agent, as http://host:8000, instead of the ensemble' },
  zk: { value: 'HOSTS', meaning: 'ask this ensemble, as host:2181,host:2181; no configuration is read' },
  json: { value: null, meaning: 'print JSON, whose fields docs/cli.md describes' },
  'log-level': { value: 'LEVEL', meaning: 'DEBUG, INFO, WARN or FATAL; wins over the file' },
  master: { value: 'NAME', meaning: 'node.name of the node that becomes master' },
  follow: { value: null, meaning: 'go on until interrupted' },
  interval: { value: 'SECONDS', meaning: 'time between two looks, 1 to 3600; default 2' },
  to: { value: 'NODE', meaning: 'the node that becomes master; without it the best one' },
  at: { value: 'TIME', meaning: 'when, as 2026-11-23T03:00:00+01:00 or +30m; at most 31 days ahead' },
  cancel: { value: null, meaning: 'take back what is stored for later' },
  'dry-run': { value: null, meaning: 'say what would happen, and change nothing' },
  port: { value: 'PORT', meaning: 'first port of the balancer; default 16379' },
  service: { value: 'NAME', meaning: 'the service; switchover takes a pattern for many, such as \'cache-*\'' },
  'max-parallel': { value: 'N', meaning: 'services that are worked on at once, 1 to 16; default 1' },
  for: { value: 'DURATION', meaning: 'for how long, as 90s, 30m, 2h or 1d' },
  reason: { value: 'TEXT', meaning: 'why, for everybody who looks' },
  owner: { value: 'WHO', meaning: 'who is to be asked about it; default you' },
  'accept-loss': { value: null, meaning: 'also where writes that were acknowledged may be lost' },
  force: { value: null, meaning: 'also the last replica that is in sync' },
  each: { value: 'CMD', meaning: 'command of the shell that is run for each node' },
  skip: { value: 'NODES', meaning: 'nodes that are left out, with commas between them' },
  file: { value: 'FILE', meaning: 'read the document from this file; - is stdin' },
  strict: { value: null, meaning: 'a warning counts as an error' },
  yes: { value: null, meaning: 'do not ask' },
  version: { value: null, meaning: 'same as the verb version' },
  help: { value: null, meaning: 'same as the verb help' },
} as const satisfies Record<string, Flag>;

export type FlagName = keyof typeof FLAGS;

export const FLAG_NAMES = Object.keys(FLAGS) as readonly FlagName[];

export const isFlagName = (name: string): name is FlagName => Object.hasOwn(FLAGS, name);

/** Where a reading verb looks: every one of them takes these. */
export const SOURCE_FLAGS = ['config', 'agent', 'zk', 'json'] as const satisfies readonly FlagName[];

/** Values of the flags of one call, as text. */
export class FlagValues {
  readonly #values: ReadonlyMap<FlagName, string>;

  constructor(values: ReadonlyMap<FlagName, string>) {
    this.#values = values;
  }

  text(name: FlagName): string | undefined {
    return this.#values.get(name);
  }

  on(name: FlagName): boolean {
    return this.#values.has(name);
  }
}
