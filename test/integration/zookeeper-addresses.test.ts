// Ways to a server: names that resolve slowly or never, IPv6, TLS with certificates on both sides.

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

import { connectZooKeeper, type ZooKeeperClient, type ZooKeeperOptions } from '../../src/zookeeper/index.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { freePort } from '../support/free-port.ts';
import { waitFor } from '../support/wait-for.ts';
import { recordEvents, type RecordedEvents } from '../support/zookeeper-events.ts';
import { startZooKeeper, type ZooKeeperServer } from '../support/zookeeper-server.ts';

const SESSION_TIMEOUT_MS = 1000;

let folder: string;
let securePort: number;
let server: ZooKeeperServer;
const opened: ZooKeeperClient[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zookeeper-tls-'));
  await makeCertificates();
  securePort = await freePort();
  server = await startZooKeeper({
    fsync: false,
    java: ['-Dzookeeper.serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory'],
    config: {
      secureClientPort: securePort,
      'ssl.keyStore.location': join(folder, 'server.pem'),
      'ssl.trustStore.location': join(folder, 'authority.pem'),
      'ssl.clientAuth': 'need',
    },
  });
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Opened {
  readonly client: ZooKeeperClient;
  readonly events: RecordedEvents;
}

function open(options: Omit<ZooKeeperOptions, 'sessionTimeoutMs'>): Opened {
  const events = recordEvents();
  const client = connectZooKeeper({ sessionTimeoutMs: SESSION_TIMEOUT_MS, ...options }, events);
  opened.push(client);
  return { client, events };
}

// An authority, and certificates of a server named zk.test and of a client, each with its key in one PEM file.
async function makeCertificates(): Promise<void> {
  const openssl = async (...args: string[]): Promise<void> => {
    await promisify(execFile)('openssl', args, { cwd: folder });
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl('req', '-x509', ...key, '-keyout', 'authority.key', '-out', 'authority.pem', '-subj', '/CN=authority');
  for (const [name, subject] of [['server', '/CN=zk.test'], ['client', '/CN=client']] as const) {
    await openssl('req', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    await writeFile(join(folder, `${name}.ext`), 'subjectAltName=DNS:zk.test\n');
    await openssl(
      'x509', '-req', '-in', `${name}.csr`, '-out', `${name}.crt`, '-extfile', `${name}.ext`,
      '-CA', 'authority.pem', '-CAkey', 'authority.key', '-CAcreateserial',
    );
    const parts = [await readFile(join(folder, `${name}.key`)), await readFile(join(folder, `${name}.crt`))];
    await writeFile(join(folder, `${name}.pem`), Buffer.concat(parts));
  }
}

describe('a name', () => {
  test('that never resolves does not hold up another server, and is reported', async () => {
    const { client, events } = open({
      hosts: [{ host: 'silent.test', port: server.port }, { host: '127.0.0.1', port: server.port }],
      random: () => 0.999,
      lookup: () => undefined,
    });
    await waitFor(() => client.state === 'connected', 'connected by the other server');
    expect(events.faults).toMatchObject([{ code: 'dns', host: `silent.test:${String(server.port)}` }]);
    expect(await client.exists('/')).not.toBeNull();
  });

  test('that begins to resolve is used from then on', async () => {
    let known = false;
    const { client, events } = open({
      hosts: [{ host: 'late.test', port: server.port }],
      lookup: (_, callback) => {
        if (known) callback(null, [{ address: '127.0.0.1' }]);
        else callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
      },
    });
    await waitFor(() => events.faults.length >= 3, 'three failed lookups');
    expect(events.faults[0]).toMatchObject({ code: 'dns', detail: 'ENOTFOUND' });
    known = true;
    await waitFor(() => client.state === 'connected', 'connected once the name is known');
  });

  test('with a dead and a living address is tried at both', async () => {
    // The server listens on every address, the proxy only on 127.0.0.1.
    const proxy = await startFaultProxy({ targetPort: server.port });
    const { client, events } = open({
      hosts: [{ host: 'two.test', port: proxy.port }],
      lookup: (_, callback) => { callback(null, [{ address: '127.0.0.9' }, { address: '127.0.0.1' }]); },
    });
    await waitFor(() => client.state === 'connected', 'connected');
    expect(events.faults).toMatchObject([{ code: 'refused' }]);
    await proxy.stop();
  });

  test('does not keep close() from ending, and nothing follows it', async () => {
    const { client, events } = open({
      hosts: [{ host: 'silent.test', port: server.port }],
      lookup: () => undefined,
    });
    await client.close();
    expect(client.state).toBe('closed');
    expect(events.faults).toEqual([]);
  });
});

const hasIpv6 = (networkInterfaces()['lo'] ?? []).some(({ family }) => family === 'IPv6');

test.runIf(hasIpv6)('an IPv6 literal is dialled as it is', async () => {
  const { client } = open({ hosts: [{ host: '::1', port: server.port }] });
  await waitFor(() => client.state === 'connected', 'connected');
});

describe('over TLS', () => {
  const hosts = (): { host: string; port: number }[] => [{ host: 'zk.test', port: securePort }];
  const lookup: ZooKeeperOptions['lookup'] = (_, callback) => { callback(null, [{ address: '127.0.0.1' }]); };
  const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');

  test('certificates are presented and checked by both sides', async () => {
    const tls = { ca: await read('authority.pem'), cert: await read('client.crt'), key: await read('client.key') };
    const { client, events } = open({ hosts: hosts(), lookup, tls });
    await waitFor(() => client.state === 'connected', 'connected');
    await client.create('/encrypted', 'x');
    expect((await client.getData('/encrypted')).data.toString()).toBe('x');
    expect(events.faults).toEqual([]);
  });

  test('a missing certificate, one that names somebody else and one from nowhere are refused', async () => {
    const tls = { ca: await read('authority.pem'), cert: await read('client.crt'), key: await read('client.key') };
    const byAddress = open({ hosts: [{ host: '127.0.0.1', port: securePort }], tls });
    const untrusted = open({ hosts: hosts(), lookup, tls: { cert: tls.cert, key: tls.key } });
    const anonymous = open({ hosts: hosts(), lookup, tls: { ca: tls.ca } });
    await waitFor(() => anonymous.events.faults[0], 'the server wants a certificate');
    await waitFor(() => byAddress.events.faults[0], 'the name does not match');
    await waitFor(() => untrusted.events.faults[0], 'the authority is unknown');
    expect(byAddress.events.faults[0]).toMatchObject({ code: 'tls' });
    expect(untrusted.events.faults[0]).toMatchObject({ code: 'tls' });
    expect(anonymous.events.faults[0]).toMatchObject({ code: 'tls' });
    expect([byAddress.client.state, untrusted.client.state]).toEqual(['connecting', 'connecting']);
  });
});
