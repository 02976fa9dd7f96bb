/**
 * A configuration of HAProxy for services, made from their records: what goes into it, and its text. Pure.
 *
 * Records are writable by whoever reaches the ensemble, and a configuration is a program: names are spelled with
 * harmless characters only, and an address that is none is left out and said so.
 */
import type { Address } from '../core/records.ts';
import type { ServiceRecords } from './ensemble.ts';
import { printable, shownAddress } from './terminal.ts';

/** One server: where Redis is, and who answers checks for it. */
export interface Server {
  readonly name: string;
  readonly redis: Address;
  readonly http: Address;
}

export interface Balanced {
  readonly service: string;
  readonly servers: readonly Server[];
  /** Nodes that belong to the service and are not in the configuration, with the reason. */
  readonly missing: readonly string[];
}

/** Ports that one service takes: writes, then reads. */
export const PORTS_PER_SERVICE = 2;

const HOST = /^[\w.:-]{1,255}$/;

/** What one service's records give. */
export function balancedOf({ service, term, lease, members, live }: ServiceRecords): Balanced {
  const known = new Map<string, Server>();
  if (lease !== null) known.set(lease.value.node, { ...lease.value, name: lease.value.node });
  for (const { value } of members.values()) known.set(value.name, value);
  const names = new Set([...(term?.value.nodes ?? []), ...live, ...known.keys()]);
  const servers: Server[] = [];
  const missing: string[] = [];
  for (const name of [...names].toSorted()) {
    const found = known.get(name);
    if (found === undefined) missing.push(`${name} has no live agent, so its address is not known`);
    else if (!HOST.test(found.redis.host) || !HOST.test(found.http.host)) missing.push(`${name} has no valid address`);
    else servers.push(found);
  }
  return { service, servers, missing };
}

/**
 * Checks every 100 ms see a new master that much later at most. Three failures in a row, the later ones after 25 ms,
 * take a server out: a lost packet does not, and a master that says 503 is gone after 150 ms. A connection that is
 * refused is passed on to the client at once, whose own retry finds the next master; HAProxy would wait a second.
 */
const HEAD = `global
    log stdout format raw local0 notice

defaults
    mode tcp
    log global
    retries 0
    timeout connect 2s
    timeout check 1s
    timeout client 24h
    timeout server 24h
    option clitcpka
    option srvtcpka
    default-server inter 100ms fastinter 25ms downinter 100ms fall 3 rise 1
    default-server on-marked-down shutdown-sessions init-addr last,libc,none
`;

/** The whole configuration; ports are given out from `firstPort` on, in the order of the services. */
export function renderHaproxy(services: readonly Balanced[], firstPort: number): string {
  const sectionOf = namer();
  const sections = services.map((each, index) => {
    return sectionsOf(each, sectionOf(each.service), firstPort + index * PORTS_PER_SERVICE);
  });
  return [
    '# HAProxy 2.4 or newer. Printed by dictator haproxy: print it anew when nodes come, go or move.\n'
    + '# docs/operations/haproxy.md of Dictator explains it.\n',
    HEAD,
    ...sections,
  ].join('\n');
}

function sectionsOf({ service, servers, missing }: Balanced, section: string, port: number): string {
  const comments = [`${printable(service)}: writes at port ${port}, reads at port ${port + 1}`]
    .concat(missing.map((each) => `missing: ${printable(each)}`))
    .map((line) => `# ${line}\n`);
  const serverOf = namer();
  const lines = servers.map((server) => lineOf(server, serverOf(server.name))).join('');
  return `${comments.join('')}frontend ${section}_write
    bind :${port}
    default_backend ${section}_write

backend ${section}_write
    option httpchk OPTIONS /primary
${lines}
frontend ${section}_read
    bind :${port + 1}
    use_backend ${section}_write if { nbsrv(${section}_read) eq 0 }
    default_backend ${section}_read

backend ${section}_read
    balance leastconn
    option httpchk OPTIONS /replica
${lines}`;
}

function lineOf({ redis, http }: Server, name: string): string {
  const elsewhere = redis.host === http.host ? '' : ` addr ${bracketed(http.host)}`;
  return `    server ${name} ${shownAddress(redis)} check${elsewhere} port ${http.port}\n`;
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** Spells names as HAProxy takes them, each differently. */
function namer(): (name: string) => string {
  const taken = new Set<string>();
  return (name) => {
    const plain = name.replace(/[^A-Za-z0-9_.-]/g, '_');
    let spelled = plain;
    for (let count = 2; taken.has(spelled); count++) spelled = `${plain}-${count}`;
    taken.add(spelled);
    return spelled;
  };
}
