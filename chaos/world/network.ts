/**
 * Where hosts of a run live: each in its own network namespace on one bridge, or all on 127.0.0.1.
 *
 * The namespaces are children of one that the whole run lives in (outside.ts makes it), together with the bridge and
 * the clients. So nothing of it is ever visible on the machine's own network, and the kernel removes all of it with
 * the last process.
 */
import type { Filter } from './rules.ts';
import { ruleset } from './rules.ts';
import { CommandFailed, run } from './run.ts';

export interface Host {
  readonly name: string;
  readonly address: string;
  /** Put in front of a command to run it there. */
  readonly prefix: readonly string[];
}

export type Shape =
  | { readonly kind: 'slow'; readonly kbitPerSecond: number }
  | { readonly kind: 'delay'; readonly delayMs: number };

export interface Network {
  readonly kind: 'namespaces' | 'loopback';
  addHost(name: string): Promise<Host>;
  /** Puts these filters, and no others, in place. */
  filter(host: Host, filters: readonly Filter[]): Promise<void>;
  /** Null: the link is as fast as it can be. */
  shape(host: Host, shape: Shape | null): Promise<void>;
  /** The address of the clients, as hosts see it. */
  readonly clients: string;
}

const SUBNET = '10.77.0';
const FIRST_HOST = 11;
const BRIDGE = 'chaos';

/** To be called within a network and mount namespace of one's own. `label` is part of every name. */
export async function namespaceNetwork(label: string): Promise<Network> {
  const network = new Namespaces(label);
  await network.open();
  return network;
}

class Namespaces implements Network {
  readonly kind = 'namespaces';
  readonly clients = `${SUBNET}.1`;
  private readonly label: string;
  private hosts = 0;

  constructor(label: string) {
    this.label = label;
  }

  async open(): Promise<void> {
    await run(['ip', 'link', 'set', 'lo', 'up']);
    await run(['ip', 'link', 'add', BRIDGE, 'type', 'bridge']);
    await run(['ip', 'address', 'add', `${this.clients}/24`, 'dev', BRIDGE]);
    await run(['ip', 'link', 'set', BRIDGE, 'up']);
  }

  async addHost(name: string): Promise<Host> {
    const index = this.hosts++;
    const space = `${this.label}-${name}`;
    const address = `${SUBNET}.${FIRST_HOST + index}`;
    // Names of interfaces are short; within the run's own namespace they need not be more.
    const outer = `to-${name}`;
    await run(['ip', 'netns', 'add', space]);
    await run(['ip', 'link', 'add', outer, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', space]);
    await run(['ip', 'link', 'set', outer, 'master', BRIDGE, 'up']);
    await run(['ip', '-n', space, 'address', 'add', `${address}/24`, 'dev', 'eth0']);
    await run(['ip', '-n', space, 'link', 'set', 'eth0', 'up']);
    await run(['ip', '-n', space, 'link', 'set', 'lo', 'up']);
    await run(['ip', '-n', space, 'route', 'add', 'default', 'via', this.clients]);
    return { name, address, prefix: ['nsenter', `--net=/run/netns/${space}`, '--'] };
  }

  async filter(host: Host, filters: readonly Filter[]): Promise<void> {
    await run([...host.prefix, 'nft', '-f', '-'], ruleset(filters));
  }

  async shape(host: Host, shape: Shape | null): Promise<void> {
    const tc = [...host.prefix, 'tc', 'qdisc'];
    if (shape === null) {
      try {
        await run([...tc, 'del', 'dev', 'eth0', 'root']);
      } catch (error) {
        // Nothing to delete is what was wanted.
        if (!(error instanceof CommandFailed)) throw error;
      }
      return;
    }
    const parameters = shape.kind === 'slow'
      ? ['tbf', 'rate', `${shape.kbitPerSecond}kbit`, 'burst', '16kb', 'latency', '400ms']
      : ['netem', 'delay', `${shape.delayMs}ms`, `${Math.ceil(shape.delayMs / 4)}ms`];
    await run([...tc, 'replace', 'dev', 'eth0', 'root', ...parameters]);
  }
}

const TIED = ['setpriv', '--pdeathsig', 'KILL', '--'];

/** All hosts are 127.0.0.1, and nothing can be done to the network between them. */
export function loopbackNetwork(): Network {
  const impossible = (): Promise<never> => Promise.reject(new Error('not possible on loopback'));
  return {
    kind: 'loopback',
    clients: '127.0.0.1',
    // Here no namespace ends what is left when we are killed.
    addHost: (name) => Promise.resolve({ name, address: '127.0.0.1', prefix: TIED }),
    filter: (_host, filters) => (filters.length === 0 ? Promise.resolve() : impossible()),
    shape: (_host, shape) => (shape === null ? Promise.resolve() : impossible()),
  };
}
