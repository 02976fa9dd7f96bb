/**
 * Everything that may go wrong, as data: what, to whom, when, for how long. What operators do (acts.ts) is like it.
 *
 * A fault is resolved when the plan is drawn: it names its victims and its numbers, and draws nothing later. That is
 * what lets a failing run be shortened by taking faults away, and printed so that it can be read.
 */
import type { Act } from './acts.ts';

export type Data = 'kept' | 'aof' | 'lost';

/** What happens to a process or a host; it is undone after `forMs`. */
export type Mishap =
  | { readonly kind: 'redis_killed'; readonly node: string; readonly data: Data }
  | { readonly kind: 'redis_frozen'; readonly node: string }
  | { readonly kind: 'redis_restarted'; readonly node: string; readonly data: Data }
  | { readonly kind: 'redis_busy'; readonly node: string }
  | { readonly kind: 'redis_paused'; readonly node: string }
  | { readonly kind: 'redis_refuses_writes'; readonly node: string }
  /** It works slowly on what its master sends, and answers nobody meanwhile. */
  | { readonly kind: 'redis_slow'; readonly node: string; readonly bytesPerMs: number }
  | { readonly kind: 'agent_killed'; readonly node: string }
  | { readonly kind: 'agent_frozen'; readonly node: string }
  | { readonly kind: 'agent_slow'; readonly node: string; readonly slowMs: number }
  /** Ended or frozen between two messages, in the middle of whatever it does when the moment comes. */
  | { readonly kind: 'agent_halted'; readonly node: string; readonly how: 'kill' | 'freeze'; readonly sends: number }
  /** Stopped where it has read its clock so often, in the middle of a turn; it goes on when the fault ends. */
  | { readonly kind: 'agent_paused'; readonly node: string; readonly looks: number }
  | { readonly kind: 'agent_stopped'; readonly node: string }
  /** An agent of the same name begins on another host, beside the same Redis or one of its own. */
  | { readonly kind: 'agent_twinned'; readonly node: string; readonly redis: 'same' | 'other' }
  /** The machine is suspended: its processes stand still, and its monotonic clock with them. */
  | { readonly kind: 'host_suspended'; readonly node: string }
  | { readonly kind: 'node_disabled'; readonly node: string }
  | { readonly kind: 'node_killed'; readonly node: string; readonly data: Data }
  | { readonly kind: 'node_frozen'; readonly node: string }
  | { readonly kind: 'host_lost'; readonly node: string; readonly data: Data }
  | { readonly kind: 'everything_lost'; readonly data: Data }
  | { readonly kind: 'clock_jump'; readonly node: string; readonly byMs: number }
  | { readonly kind: 'server_killed'; readonly server: string }
  | { readonly kind: 'server_frozen'; readonly server: string }
  | { readonly kind: 'leader_killed' }
  | { readonly kind: 'ensemble_down' }
  | { readonly kind: 'ensemble_wiped' }
  /** Hosts of one side no longer hear the others; `oneWay`: but are still heard. */
  | { readonly kind: 'partition'; readonly hosts: readonly string[]; readonly oneWay: boolean;
      readonly how: 'drop' | 'reject' }
  | { readonly kind: 'cut'; readonly from: string; readonly to: string; readonly oneWay: boolean;
      readonly how: 'drop' | 'reject' }
  | { readonly kind: 'lossy'; readonly hosts: readonly string[]; readonly loss: number }
  | { readonly kind: 'delayed'; readonly hosts: readonly string[]; readonly delayMs: number };

export type FaultKind = Mishap['kind'];
/** A fault, or what an operator does, and its place in time. */
export type Fault = (Mishap | Act) & { readonly atMs: number; readonly forMs: number };

export function describeFault(fault: Fault): string {
  const { kind, atMs, forMs, ...rest } = fault;
  const details = Object.entries(rest).map(([name, value]) => `${name}=${String(value)}`);
  return [`${atMs.toFixed(0).padStart(6)} ms`, kind, ...details, `for ${forMs.toFixed(0)} ms`].join(' ');
}
