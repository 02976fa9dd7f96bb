import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseInfo } from './info.ts';

const REPLID = '77561d1a0c15cdedaadfac5d9bf933e008f1631b';
const EARLIER = '56399f02aee668f94eaca8307bc56b03cf30a1f6';
const NONE = '0'.repeat(40);

const MASTER_7_0 = `# Server\r
redis_version:7.0.15\r
redis_mode:standalone\r
process_id:14913\r
run_id:b5bd093df9f067d3909cb2ec90a1c3aab7521f24\r
uptime_in_seconds:2\r
executable:/usr/bin/redis-server\r
\r
# Persistence\r
loading:0\r
\r
# Replication\r
role:master\r
connected_slaves:3\r
min_slaves_good_slaves:2\r
slave0:ip=10.0.0.2,port=6379,state=online,offset=87,lag=1\r
slave1:ip=host-b.example,port=21998,state=wait_bgsave,offset=0,lag=0\r
slave2:ip=fd00::3,port=6380,state=online,offset=85,lag=0,type=replica\r
master_failover_state:no-failover\r
master_replid:${REPLID}\r
master_replid2:${EARLIER}\r
master_repl_offset:87\r
second_repl_offset:51\r
repl_backlog_active:1\r
repl_backlog_size:1048576\r
\r
# Keyspace\r
db0:keys=3,expires=0,avg_ttl=0\r
db11:keys=4,expires=1,avg_ttl=9,subexpiry=0\r
`;

function replicaText(link: string): string {
  return `# Replication\r\nrole:slave\r\nmaster_host:::1\r\nmaster_port:6379\r\n${link}\r\nslave_repl_offset:80\r
slave_priority:100\r\nmaster_replid:${REPLID}\r\nmaster_replid2:${NONE}\r\nmaster_repl_offset:80\r
second_repl_offset:-1\r\nrepl_backlog_size:1048576\r\n`;
}

describe('a whole INFO of Redis 7.0', () => {
  const info = parseInfo(MASTER_7_0);

  test('gives the server', () => {
    expect(info.server).toEqual({
      kind: 'redis', version: '7.0.15', mode: 'standalone', runId: 'b5bd093df9f067d3909cb2ec90a1c3aab7521f24',
      processId: 14913, uptimeSeconds: 2, executable: '/usr/bin/redis-server',
    });
    expect(info.loading).toBe(false);
    expect(info.keys).toBe(7);
  });

  test('gives the replication of a master, with host names and IPv6 among its replicas', () => {
    expect(info.replication).toMatchObject({
      role: 'master', replid: REPLID, replid2: EARLIER, secondReplOffset: 51, offset: 87, priority: null, link: null,
      backlogBytes: 1048576, goodReplicas: 2, activeReplica: false,
    });
    expect(info.replication?.replicas).toEqual([
      { host: '10.0.0.2', port: 6379, state: 'online', offset: 87, lagSeconds: 1 },
      { host: 'host-b.example', port: 21998, state: 'wait_bgsave', offset: 0, lagSeconds: 0 },
      { host: 'fd00::3', port: 6380, state: 'online', offset: 85, lagSeconds: 0 },
    ]);
  });
});

describe("a replica's link", () => {
  test('up: no time down; an IPv6 master is read whole', () => {
    const text = replicaText('master_link_status:up\r\nmaster_sync_in_progress:0\r\nslave_read_repl_offset:99');
    expect(parseInfo(text).replication).toMatchObject({
      role: 'replica', replid2: null, priority: 100,
      link: {
        masterHost: '::1', masterPort: 6379, up: true, syncInProgress: false, downSinceSeconds: null,
        readOffset: 99, replOffset: 80,
      },
    });
  });

  test('down and never up in this incarnation is told from down for a while', () => {
    const down = 'master_link_status:down\r\nmaster_sync_in_progress:1\r\nmaster_link_down_since_seconds:';
    expect(parseInfo(replicaText(`${down}-1`)).replication?.link).toMatchObject({
      up: false, downSinceSeconds: -1, syncInProgress: true,
    });
    expect(parseInfo(replicaText(`${down}7`)).replication?.link?.downSinceSeconds).toBe(7);
  });

  test('of Redis 6.2 has no read offset', () => {
    expect(parseInfo(replicaText('master_link_status:up')).replication?.link?.readOffset).toBeNull();
  });
});

describe('other servers', () => {
  test('Valkey 8 is known by its name and has its own version', () => {
    const text = 'redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.0.1\r\nserver_mode:standalone\r\n'
      + 'run_id:ab\r\nprocess_id:1\r\nuptime_in_seconds:0\r\n';
    expect(parseInfo(text).server).toMatchObject({ kind: 'valkey', version: '8.0.1', mode: 'standalone' });
  });

  test('cluster mode is shown as the server says it', () => {
    expect(parseInfo(MASTER_7_0.replace('standalone', 'cluster')).server?.mode).toBe('cluster');
  });

  test('KeyDB as an active replica is known by its role', () => {
    const text = MASTER_7_0.replace('role:master', 'role:active-replica\r\nmaster_host:a\r\nmaster_port:1\r\n'
      + 'master_link_status:up');
    expect(parseInfo(text)).toMatchObject({ server: { kind: 'keydb' }, replication: { activeReplica: true } });
  });
});

describe('texts that are not whole', () => {
  test('one section alone leaves the others null', () => {
    const replicationOnly = MASTER_7_0.slice(MASTER_7_0.indexOf('# Replication'), MASTER_7_0.indexOf('# Keyspace'));
    expect(parseInfo(replicationOnly)).toMatchObject({ server: null, loading: null, keys: null });
    expect(parseInfo(replicationOnly).replication?.offset).toBe(87);
  });

  test('an empty Keyspace section means no keys, its absence means unknown', () => {
    expect(parseInfo('# Keyspace\r\n').keys).toBe(0);
    expect(parseInfo('# Server\r\n').keys).toBeNull();
  });

  test.each(['role', 'master_replid', 'master_repl_offset', 'second_repl_offset'])(
    'replication without %s is null, not a guess', (name) => {
      expect(parseInfo(MASTER_7_0.replace(new RegExp(`^${name}:.*$`, 'm'), '')).replication).toBeNull();
    },
  );

  test('a replica line without an offset is left out', () => {
    expect(parseInfo(MASTER_7_0.replace('offset=87,', '')).replication?.replicas).toHaveLength(2);
  });

  test('no text makes it throw, and no number it gives is unsafe', () => {
    const line = fc.oneof(
      fc.string(), fc.constantFrom(...MASTER_7_0.split('\r\n'), ...replicaText('master_link_status:up').split('\r\n')),
      fc.tuple(fc.constantFrom('slave0', 'db0', 'role', 'master_repl_offset'), fc.string())
        .map((pair) => pair.join(':')),
    );
    fc.assert(fc.property(fc.array(line), (lines) => {
      const { replication, keys } = parseInfo(lines.join('\r\n'));
      expect(Number.isSafeInteger(replication?.offset ?? 0)).toBe(true);
      expect(keys === null || keys >= 0).toBe(true);
    }));
  });
});
