/** What the doctor looked at, as a value: gathered once, judged by `checks.ts`. Null: could not be looked at. */
import type { Config } from '../../config/config.ts';
import type { ServiceFacts } from '../facts.ts';

export interface ZooKeeperServerFacts {
  /** As zk_hosts names it. */
  readonly host: string;
  readonly accepts: boolean;
  /** What it says of its timing, where the ensemble allows `conf`. */
  readonly limits: { readonly tickTimeMs: number; readonly syncLimitTicks: number } | null;
}

export interface RedisReport {
  readonly version: string;
  readonly mode: string;
  readonly role: 'master' | 'replica';
  /** `CONFIG GET` of what matters; a name is missing where Redis did not say. */
  readonly settings: ReadonlyMap<string, string>;
  /** Commands that it refused. */
  readonly refused: readonly string[];
  /** Lines of its configuration file; null where there is none, or it cannot be read. */
  readonly configLines: readonly string[] | null;
  /** systemd unit, or whatever else restarts it; null where nothing is known to. */
  readonly restartedBy: string | null;
}

export interface ClockFacts {
  readonly node: string;
  /** How fast its clock runs, ours being 1, at least and at most: what the round trips leave open. */
  readonly rateMin: number;
  readonly rateMax: number;
  /** Its wall clock minus ours, ms. */
  readonly wallAheadMs: number;
}

export interface ReachFacts {
  readonly node: string;
  readonly redis: boolean;
  readonly agent: boolean;
  /** Whether its agent holds a stream to the agent of this node; null where it does not say. */
  readonly seesUs: boolean | null;
  /** Version of its agent. */
  readonly version: string | null;
  /** Version of its Redis, where that answered us. */
  readonly redisVersion: string | null;
}

export interface DoctorFacts {
  readonly config: Config;
  readonly warnings: readonly string[];
  readonly servers: readonly ZooKeeperServerFacts[];
  readonly session: { readonly timeoutMs: number; readonly roundTripMs: number } | null;
  /** What the agent of this node answered. */
  readonly agent:
    | { readonly answers: true; readonly service: string; readonly name: string; readonly version: string }
    | { readonly answers: false; readonly why: string };
  /** Null: its password may not be read. */
  readonly redis: RedisReport | { readonly failure: string } | null;
  readonly service: ServiceFacts | null;
  /** The other nodes. */
  readonly reach: readonly ReachFacts[];
  readonly clocks: readonly ClockFacts[];
}
