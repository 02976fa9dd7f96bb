/**
 * What is put to the test, as the rest of a run sees it: nodes of a Redis with a guard beside it, and how to tell that
 * all is well. Dictator is one, Sentinel the other; faults, clients and judge know neither.
 */
import type { Belief } from '../clients/belief.ts';
import type { Target } from '../clients/writers.ts';
import type { Host } from './network.ts';
import type { RedisHost } from './redis-host.ts';

/** The process beside a Redis: an agent, or a Sentinel. */
export interface Guard {
  readonly alive: boolean;
  start(): void;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
}

export interface ChaosNode {
  readonly name: string;
  readonly host: Host;
  readonly redis: RedisHost;
  readonly guard: Guard;
  /** Of Redis and of the guard. */
  readonly ports: readonly number[];
}

/** Three ZooKeeper servers. */
export interface Ensemble {
  readonly addresses: readonly string[];
  /** Null while there is none. */
  leader(): Promise<number | null>;
  /** Resolves when there is one: until then an outage lasts. */
  whenLed(): Promise<void>;
  readonly size: number;
  kill(index: number): Promise<void>;
  restart(index: number): Promise<void>;
  signal(index: number, signal: 'SIGSTOP' | 'SIGCONT'): void;
}

/** Something that the subject itself shows to be wrong, whatever the clients saw. */
export interface Complaint {
  readonly rule: string;
  readonly what: string;
}

export interface Subject {
  readonly nodes: readonly ChaosNode[];
  readonly ensemble: Ensemble | null;
  readonly belief: Belief;
  /** Cuts a node off from ZooKeeper, and joins it again, where no packet filter can. */
  readonly cutFromZooKeeper: ((node: number, cut: boolean) => void) | null;
  /** The master that the guard of this node names; null when it names none, or does not answer. */
  namedAt(node: number): Promise<Target | null>;
  /** What is missing to be well, in words; null when nothing is. */
  lacks(): Promise<string | null>;
  /** Whether every replica may take over by now. A service that is well for the first time is not there yet. */
  isRedundant(): Promise<boolean>;
  /** Codes with which it says that an operator has to decide; empty when it does not. */
  operatorCodes(): Promise<readonly string[]>;
  /** The bound of I7, ms; null where nothing is promised. */
  readonly healWithinMs: number | null;
  /** Begins anew, with nothing of what there was. */
  rebuild(): Promise<void>;
  /** Names of what the guards said since the last call, counted; and what nobody may say. */
  takeEvents(): { readonly counts: ReadonlyMap<string, number>; readonly complaints: readonly Complaint[] };
  /** The latest of what was said, one line each, for a trace. */
  trace(sinceMs: number): readonly string[];
  stop(): Promise<void>;
}
