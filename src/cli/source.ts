/**
 * Where a verb looks: at an ensemble (`--zk`), at one agent (`--agent`), or at both as this node's configuration names
 * them.
 */
import type { Config, HostPort } from '../config/config.ts';
import { check } from '../config/schemas.ts';
import type { ExitCode } from '../contract/errors.ts';
import { configureLooking } from './configuration.ts';
import { targetOf } from './order.ts';
import { report } from './report.ts';
import type { Call } from './verb.ts';

export interface Source {
  /** Null: the ensemble is not asked. */
  readonly hosts: readonly HostPort[] | null;
  /** An agent that can be asked where the ensemble is silent; null: none is known. */
  readonly agent: HostPort | null;
  /** Null where nothing was read from a file. */
  readonly config: Config | null;
}

export type Sourced =
  | { readonly ok: true; readonly source: Source }
  | { readonly ok: false; readonly exitCode: ExitCode };

/** Port of an agent's HTTP where a URL names none. */
const HTTP_PORT = 8000;

export function sourceOf({ flags, io }: Call): Sourced {
  const usage = (reason: string): Sourced => {
    return { ok: false, exitCode: report({ code: 'usage', details: [reason] }, io) };
  };
  const [agent, zk, config] = [flags.text('agent'), flags.text('zk'), flags.text('config')];
  if ([agent, zk, config].filter((each) => each !== undefined).length > 1) {
    return usage('--agent, --zk and --config exclude one another');
  }
  if (agent !== undefined) {
    const target = readAgentUrl(agent);
    if (target === null) return usage('--agent needs an address such as http://host:8000');
    return { ok: true, source: { hosts: null, agent: target, config: null } };
  }
  if (zk !== undefined) {
    const checked = check('zk_hosts', zk.split(',').map((host) => host.trim()));
    if (!checked.ok) return usage(`--zk: ${checked.faults.map(({ reason }) => reason).join('; ')}`);
    return { ok: true, source: { hosts: checked.value as readonly HostPort[], agent: null, config: null } };
  }
  const configured = configureLooking(config, io);
  if (!configured.ok) return configured;
  const { config: own } = configured;
  return { ok: true, source: { hosts: own.zk.hosts, agent: targetOf(own), config: own } };
}

/** `http://host:port`, `host:port` or `host`; null where it is none of them. */
function readAgentUrl(text: string): HostPort | null {
  const url = text.includes('://') ? text : `http://${text}`;
  if (!URL.canParse(url)) return null;
  const { protocol, hostname, port, pathname } = new URL(url);
  if (protocol !== 'http:' || hostname === '' || pathname !== '/') return null;
  // Without a scheme nobody thinks of 80; with one, the port of that scheme is meant and would be left out by URL.
  const portOfScheme = text.includes('://') && /:80\/?$/.test(text) ? 80 : HTTP_PORT;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: port === '' ? portOfScheme : Number(port) };
}

export type OrderTarget =
  /** `service`: where the configuration names it. */
  | { readonly ok: true; readonly target: HostPort; readonly service: string | null }
  | { readonly ok: false; readonly exitCode: ExitCode };

/** The agent that takes an order: `--agent`, else that of this node. */
export function orderTargetOf(call: Call): OrderTarget {
  const sourced = sourceOf(call);
  if (!sourced.ok) return sourced;
  const { agent, config } = sourced.source;
  if (agent !== null) return { ok: true, target: agent, service: config?.svcName ?? null };
  const details = ['an order goes to an agent: --agent URL'];
  return { ok: false, exitCode: report({ code: 'usage', details }, call.io) };
}
