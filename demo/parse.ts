/** The demo's command line, and what `--help` says of it. */

export type Command =
  | { readonly kind: 'live' }
  | { readonly kind: 'failover' | 'switchover' }
  | { readonly kind: 'help' }
  | { readonly kind: 'wrong'; readonly because: string };

const SCRIPTS = ['failover', 'switchover'] as const;

export const HELP = `Usage: make demo [ARGS="--script failover"]
       node dist/demo.cjs [--script failover|switchover]

Starts one ZooKeeper, three Redis servers and three agents, each a process of its own, on free ports of 127.0.0.1 and
in one temporary folder. Leaving it, in whatever way, ends every one of them and removes the folder.

On a terminal: a live view with keys to kill, freeze and restart things. Set NO_COLOR to see it without colours. Its
canary is one client that writes every 4 ms where ZooKeeper says the master is; a gap is the time between two writes
that were accepted: now, the longest since your latest fault, and the worst so far.

Without a terminal, or with --script failover, a script: loads 1,000 keys, waits until both replicas have them, kills
the master's Redis (SIGKILL) and starts it again as soon as there is a new master. The last line is one of
  demo: ok, write gap 75 ms, 0 of 1000 keys lost, old master back in 43 ms
  demo: FAILED, <reason>
and the exit code 0 or 1 (64 for a wrong argument, 128 and the signal's number after a signal).

What the figures mean:
  write gap         from the kill to the first write that a Redis accepted, tried every 2 ms at all three servers
  keys lost         of the 1,000, those missing or different on the new master, read one by one
  old master back   from starting its process to its own report (ROLE) that it follows the new master with its link
                    up: it starts empty, so that is a full copy of the data. Servers run with repl-diskless-sync-delay
                    0; with Redis' own default of 5 s a master waits that long before it begins to send a copy.
The old master is tried all the while: a write that it accepts beside the new master fails the demo.

With --script switchover another script: clients write to all servers without pause, and the mastership is handed over
by the command of an operator. The last line is one of
  demo: ok, writes waited 60 ms (52 ms without a master), 0 of 1316 acknowledged writes lost
  demo: FAILED, <reason>
where the first figure is between the last write that the old master acknowledged and the first of the new one, and the
second is what its agents measured. Two masters that acknowledge at the same time fail it.
`;

export function parse(args: readonly string[], interactive: boolean): Command {
  const [first, ...rest] = args;
  if (first === undefined) return { kind: interactive ? 'live' : 'failover' };
  if (first === '--help' || first === '-h') return { kind: 'help' };
  const joined = first.startsWith('--script=');
  if (first !== '--script' && !joined) return { kind: 'wrong', because: `unknown argument ${first}` };
  const script = joined ? first.slice('--script='.length) : rest.shift();
  if (rest[0] !== undefined) return { kind: 'wrong', because: `unknown argument ${rest[0]}` };
  const known = SCRIPTS.join(' or ');
  if (script === undefined) return { kind: 'wrong', because: `--script needs the name of a script: ${known}` };
  const kind = SCRIPTS.find((name) => name === script);
  return kind === undefined ? { kind: 'wrong', because: `there is no script ${script}, only ${known}` } : { kind };
}
