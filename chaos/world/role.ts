/** What each Redis says that it is, asked past the network. */
import type { ChaosNode } from './subject.ts';

export interface RoleSeen {
  readonly role: 'master' | 'replica';
  /** Whom it follows; `null` for a master. */
  readonly follows: { readonly host: string; readonly port: number } | null;
  readonly linkUp: boolean;
  readonly offset: number;
}

export async function askRole({ redis }: ChaosNode): Promise<RoleSeen | null> {
  const reply = await redis.ask('ROLE');
  if (!Array.isArray(reply)) return null;
  const [role, second, third, fourth, fifth] = reply as readonly unknown[];
  if (role === 'master') return { role: 'master', follows: null, linkUp: true, offset: Number(second) };
  if (role !== 'slave') return null;
  return {
    role: 'replica', follows: { host: String(second), port: Number(third) }, linkUp: fourth === 'connected',
    offset: Number(fifth),
  };
}

/** The one master that all others were told to follow; else what is wrong, in words. */
export async function oneMaster(nodes: readonly ChaosNode[]): Promise<{ master: number } | { lacks: string }> {
  const roles = await Promise.all(nodes.map(askRole));
  const silent = nodes.filter((_node, index) => roles[index] === null);
  if (silent.length > 0) return { lacks: `${silent.map(({ name }) => name).join(', ')} does not answer` };
  const masters = nodes.filter((_node, index) => roles[index]?.role === 'master');
  const [master] = masters;
  if (master === undefined || masters.length > 1) {
    return { lacks: `masters by ROLE: ${masters.map(({ name }) => name).join(', ') || 'none'}` };
  }
  const [port] = master.ports;
  const astray = nodes.filter((node, index) => {
    const follows = roles[index]?.follows;
    return node !== master && (follows?.host !== master.host.address || follows.port !== port);
  });
  if (astray.length > 0) {
    return { lacks: `${astray.map(({ name }) => name).join(', ')} does not follow ${master.name}` };
  }
  return { master: nodes.indexOf(master) };
}

/** Whether every replica's link is up and it holds what its master holds. */
export async function allCaughtUp(nodes: readonly ChaosNode[]): Promise<boolean> {
  const roles = await Promise.all(nodes.map(askRole));
  const master = roles.find((role) => role?.role === 'master');
  if (master === undefined) return false;
  return roles.every((role) => role !== null && role.linkUp && role.offset >= (master?.offset ?? 0));
}
