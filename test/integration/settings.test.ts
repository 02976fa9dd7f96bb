// Settings of a service on real servers: changed by any agent, obeyed by all, raced by two operators; and SIGHUP.

import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';

import { runCommand } from '../support/command-line.ts';
import { failureStage } from '../support/failure-stage.ts';
import { heal, listen, peace, says } from '../support/healing.ts';
import { give } from '../support/orders.ts';
import { request } from 'node:http';
import type { Node } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

/** Together one second of a full sync. */
const KEYS = 500;
const KEY_DELAY_US = 2000;
const LOOK_EVERY_MS = 10;
const RESTARTS_MAX = 4;

interface Versioned {
  readonly version: number;
}

interface Plan {
  readonly target: string | null;
  readonly refusal: string | null;
}

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** One verb of the command line, with the configuration of this node. */
function dictator(node: Node, ...args: readonly string[]): Promise<Said> {
  const command = ['dist/dictator.cjs', ...args, '--config', node.agent.configFile];
  return new Promise((resolve) => {
    execFile(process.execPath, command, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err });
    });
  });
}

/** `PATCH /config`, as any HTTP client does it. */
function patch(node: Node, body: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const text = JSON.stringify(body);
  const headers = { 'Content-Length': Buffer.byteLength(text) };
  const target = { host: '127.0.0.1', port: node.agent.options.httpPort, path: '/config', method: 'PATCH', headers };
  return new Promise((resolve, reject) => {
    const call = request({ ...target, agent: false }, (response) => {
      let answer = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(answer) as Record<string, unknown> });
      });
    });
    call.on('error', reject);
    call.end(text);
  });
}

/** On a busy machine a Redis may need longer to judge a parameter than it is given: then the change is given again. */
async function judged<T extends object>(ask: () => Promise<T>): Promise<T> {
  const UNASKED = /could ask its Redis|redis_unreachable/;
  return waitFor(async () => {
    const given = await ask();
    return UNASKED.test(JSON.stringify(given)) ? null : given;
  }, 'a Redis judges the parameters');
}

describe('a service of three', () => {
  const stage = failureStage({ config: { zk_session_timeout_ms: 4000 } });

  async function everywhere(check: (node: Node) => Promise<boolean | null>, what: string): Promise<void> {
    for (const node of stage.service.nodes) await waitFor(() => check(node), `${what} at ${node.name}`);
  }

  test('a change holds at every agent and every Redis, is remembered, and touches no file', async () => {
    const { master, replicas: [one] } = await peace(stage.service);
    const said = await judged(() => dictator(
      one, 'settings', 'set', 'durability=durable', 'redis.maxmemory=123mb', `nodes.${one.name}.zone=east`,
    ));
    expect(said).toMatchObject({ code: 0, err: '' });
    expect(said.out).toContain('durability: "async" -> "durable"');
    await everywhere(async ({ agent }) => (await agent.view())?.settings.durability === 'durable', 'durable');
    await everywhere(async ({ redis }) => {
      return JSON.stringify(await redis.cmd('CONFIG', 'GET', 'maxmemory')).includes('128974848');
    }, 'maxmemory');
    await waitFor(async () => (await one.agent.view())?.tags.zone === 'east', 'its zone');
    const shown = await dictator(master, 'settings', 'show');
    expect(shown.out).toMatch(/^durability +durable +async, overridden/m);
    const history = await dictator(master, 'history');
    expect(history.out).toMatch(/durability +"async" +"durable"/);
    expect((await dictator(master, 'show')).out).toContain('zone=east');
    expect((await master.agent.view())?.reasons).not.toContain('setting_differs');
  });

  test('a node is kept from readers and from mastership at runtime, and both are taken back', async () => {
    const { master, replicas: [one, other] } = await peace(stage.service);
    const tags = (value: string) => ['no_read', 'never_master'].map((tag) => `nodes.${one.name}.${tag}=${value}`);
    expect((await dictator(master, 'settings', 'set', ...tags('true'))).code).toBe(0);
    await waitFor(async () => (await one.agent.http('/replica'))?.status === 503, 'no readers');
    expect((await dictator(master, 'show')).out).toMatch(/no_read.*never_master|never_master.*no_read/);
    await everywhere(async ({ agent }) => {
      const { body = '{}' } = await agent.http('/config') ?? {};
      return body.includes('never_master');
    }, 'never master');
    const planned = await dictator(master, 'switchover', '--dry-run', '--json');
    expect(JSON.parse(planned.out)).toMatchObject({ target: other.name, refusal: null });
    expect((await dictator(master, 'settings', 'set', ...tags(''))).code).toBe(0);
    await waitFor(async () => (await one.agent.http('/replica'))?.status === 200, 'readers again');
  });

  test('faults are told all at once, and nothing is stored', async () => {
    const { master } = await peace(stage.service);
    const before = (await master.agent.view())?.settings.version;
    const answer = await patch(master, { durability: 'maybe', redis: { bind: '0.0.0.0' }, wait_replica: 2 });
    expect(answer.status).toBe(422);
    expect(answer.body['faults']).toHaveLength(3);
    expect((await dictator(master, 'settings', 'set', 'redis.requirepass=x')).code).toBe(2);
    expect((await master.agent.view())?.settings.version).toBe(before);
  });

  test('what Redis would not take is told with the other faults, and neither stored nor set', async () => {
    const { master, replicas: [one] } = await peace(stage.service);
    const hz = () => master.redis.cmd('CONFIG', 'GET', 'hz');
    const [version, before] = [(await master.agent.view())?.settings.version, await hz()];
    const redis = { 'maxmemory-policy': 'none', 'no-such': 1, 'databases': 3, 'hz': 50, 'list-max-listpack-size': -2 };
    const answer = await judged(() => patch(master, { durability: 'maybe', redis }));
    expect(answer.status).toBe(422);
    const faults = answer.body['faults'] as readonly { readonly key: string; readonly reason: string }[];
    expect(faults.map(({ key }) => key).sort()).toEqual([
      'durability', 'redis.databases', 'redis.maxmemory-policy', 'redis.no-such',
    ]);
    expect(faults.at(-1)?.reason).toContain(`is refused by the Redis of ${master.name}: `);
    // The same from any host, where no agent stores it: one of them is asked.
    const elsewhere = ['--zk', `127.0.0.1:${String(stage.service.zookeeper.port)}`, '--service', stage.service.name];
    const words = ['redis.maxmemory-policy=none', 'redis.no-such=1', 'redis.hz=50'];
    const alone = await judged(() => runCommand('settings', 'set', ...words, ...elsewhere));
    expect([alone.code, alone.err.match(/^ {2}redis\./gm)?.length]).toEqual([2, 2]);
    const mixed = await waitFor(async () => {
      const { code, err } = await runCommand('settings', 'set', 'zones=near', ...words, ...elsewhere);
      return err.includes('redis.no-such') ? [code, err.match(/^ {2}(redis\.|zones)/gm)?.length] : null;
    }, 'the faults that Redis finds');
    expect(mixed).toEqual([2, 3]);
    const atAgent = ['--agent', `http://127.0.0.1:${String(one.agent.options.httpPort)}`];
    expect((await judged(() => runCommand('settings', 'set', ...words, ...atAgent))).code).toBe(2);
    expect((await master.agent.view())?.settings.version).toBe(version);
    expect(await hz()).toEqual(before);
  });

  test('an agent whose Redis cannot be asked takes no parameter for it', async () => {
    const { master, replicas: [one] } = await peace(stage.service);
    const version = (await master.agent.view())?.settings.version;
    one.redis.freeze();
    const answer = await patch(one, { redis: { hz: 50 } });
    expect([answer.status, answer.body['reason']]).toEqual([412, 'redis_unreachable']);
    one.redis.thaw();
    await peace(stage.service);
    expect((await master.agent.view())?.settings.version).toBe(version);
  });

  test('of two operators at once the second is refused, with exit code 3', async () => {
    const { master, replicas: [one, other] } = await peace(stage.service);
    const version = await waitFor(async () => {
      const views = await Promise.all([master, one, other].map(({ agent }) => agent.view()));
      const versions = views.map((view) => view?.settings.version);
      return new Set(versions).size === 1 ? versions[0] : null;
    }, 'all agents know the same settings');
    const answers = await Promise.all([
      patch(one, { version, failover_budget: 7, asker: 'ann' }),
      patch(other, { version, failover_budget: 8, asker: 'bob' }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    // What an operator read a while ago is refused as well.
    const late = await patch(master, { version, failover_budget: 9 });
    expect([late.status, late.body['reason']]).toEqual([409, 'settings_changed']);
  });

  test('a change is stored in the ensemble from any host, over the version that was read and no other', async () => {
    const { master } = await peace(stage.service);
    const elsewhere = ['--zk', `127.0.0.1:${String(stage.service.zookeeper.port)}`, '--service', stage.service.name];
    const set = (value: string) => runCommand('settings', 'set', `failover_calm_ms=${value}`, ...elsewhere);
    expect(await set('21000')).toMatchObject({ code: 0, out: expect.stringContaining('failover_calm_ms') });
    const version = (await dictator(master, 'settings', 'show', '--json')).out;
    await everywhere(async ({ agent }) => {
      return (await agent.view())?.settings.version === (JSON.parse(version) as { version: number }).version;
    }, 'the change');
    expect((await set('soon')).code).toBe(2);
    const both = await Promise.all([set('22000'), set('23000')]);
    // Where one began only after the other had ended, both were served.
    const refused = both.filter(({ code }) => code !== 0);
    for (const { code, err } of refused) expect([code, err.includes('settings_changed')]).toEqual([3, true]);
    expect(both.map(({ code }) => code)).toContain(0);
    const { out } = await runCommand('history', stage.service.name, ...elsewhere.slice(0, 2));
    expect(out).toMatch(/failover_calm_ms +not set +"?21000/);
  });

  test('with parallel_syncs one replica copies everything, and the other waits for its turn', async () => {
    const { master, replicas } = await peace(stage.service);
    expect((await dictator(master, 'settings', 'set', 'parallel_syncs=1')).code).toBe(0);
    await everywhere(async ({ agent }) => {
      const { body = '{}' } = await agent.http('/config') ?? {};
      return (JSON.parse(body) as { parallel_syncs?: number }).parallel_syncs === 1;
    }, 'the bound');
    const pairs = Array.from({ length: KEYS }, (_value, index) => [`key:${String(index)}`, index]).flat();
    await master.redis.cmd('MSET', ...pairs);
    await peace(stage.service);
    // A full sync that can be seen: the server waits so many microseconds after each key.
    await master.redis.cmd('CONFIG', 'SET', 'rdb-key-save-delay', KEY_DELAY_US);
    const seen = { most: 0, all: false };
    const watching = (async () => {
      while (!seen.all) {
        const info = String(await master.redis.cmd('INFO', 'replication'));
        seen.most = Math.max(seen.most, info.match(/^slave\d+:.*state=(?!online)/gm)?.length ?? 0);
        await pause(LOOK_EVERY_MS);
      }
    })();
    // On a busy machine the one may be through before the other is back, or be so late that its turn has passed.
    let waited = false;
    for (let attempt = 1; attempt <= RESTARTS_MAX && !(waited && seen.most === 1); attempt++) {
      seen.most = 0;
      const said = replicas.map(listen);
      await Promise.all(replicas.map(({ redis }) => redis.restart({ empty: true })));
      await peace(stage.service);
      waited = said.some((lines) => says(lines(), 'refused', { reason: 'awaiting_sync_slot' }));
    }
    seen.all = true;
    await watching;
    await master.redis.cmd('CONFIG', 'SET', 'rdb-key-save-delay', 0);
    expect([seen.most, waited]).toEqual([1, true]);
    for (const { redis } of replicas) expect(await redis.cmd('DBSIZE')).toBe(await master.redis.cmd('DBSIZE'));
    expect((await dictator(master, 'settings', 'set', 'parallel_syncs=0')).code).toBe(0);
  });

  test('zones say who is chosen, who is not promoted by itself, and do not bind an operator', async () => {
    const { master, replicas: [near, far] } = await peace(stage.service);
    const set = async (...pairs: readonly string[]): Promise<void> => {
      expect(await dictator(near, 'settings', 'set', ...pairs)).toMatchObject({ code: 0, err: '' });
      const version = (JSON.parse((await dictator(near, 'settings', 'show', '--json')).out) as Versioned).version;
      await everywhere(async ({ agent }) => (await agent.view())?.settings.version === version, 'the rule');
    };
    const zone = (node: Node, name: string): string => `nodes.${node.name}.zone=${name}`;
    const planned = async (): Promise<unknown> => {
      const { target, refusal } = JSON.parse((await dictator(master, 'switchover', '--dry-run', '--json')).out) as Plan;
      return target ?? refusal;
    };
    // Where nothing else decides it is the first by name, `near`.
    await set(zone(master, 'east'), zone(near, 'east'), zone(far, 'west'), 'zones=prefer_other');
    await waitFor(async () => await planned() === far.name, 'another zone is preferred');
    await set('zones=prefer_same');
    await waitFor(async () => await planned() === near.name, 'the same zone is preferred');
    await set(zone(near, 'west'), 'zones=require_same');
    await waitFor(async () => await planned() === 'no_candidate', 'nobody is left');
    await master.redis.kill();
    for (const { agent } of [near, far]) {
      await waitFor(async () => (await agent.view())?.reasons.includes('zone_excluded'), 'it may not stand');
    }
    await waitFor(async () => {
      const { status, body } = await give(far, '/failover', { candidate: far.name, acknowledge_loss: true });
      return status === 200 || body.reason === 'master_exists';
    }, 'the failover');
    expect((await heal(stage.service)).master).toBe(far);
    await set(...[master, near, far].map((node) => zone(node, '')), 'zones=');
  });

  test('edit takes a whole document from a file, and takes away what is not in it', async () => {
    const { master } = await peace(stage.service);
    const file = `${stage.service.folder}/settings`;
    writeFileSync(file, 'durability = async\nwait_replicas = 1\non_ensemble_loss = fence\npriority_lag_bytes = 0\n');
    expect((await dictator(master, 'settings', 'edit', '--file', file)).code).toBe(0);
    await everywhere(async ({ agent }) => (await agent.view())?.settings.durability === 'async', 'async');
    const answer = await waitFor(() => master.agent.http('/config'), 'the settings');
    expect(JSON.parse(answer.body)).not.toHaveProperty('redis');
  });

  test('SIGHUP takes what can change, says what waits for a restart, and refuses a bad file', async () => {
    const { replicas: [one] } = await peace(stage.service);
    const { configFile } = one.agent;
    const before = readFileSync(configFile, 'utf8');
    const keys = JSON.parse(before) as Record<string, unknown>;
    const changed = { ...keys, on_stop: 'keep', http_port: 1, log_level: 'debug' };
    const lines = listen(one);
    writeFileSync(configFile, JSON.stringify({ ...changed, no_such_key: 1 }));
    one.agent.signal('SIGHUP');
    await waitFor(() => says(lines(), 'configuration_refused'), 'the bad file is refused');
    writeFileSync(configFile, JSON.stringify(changed));
    one.agent.signal('SIGHUP');
    const isReload = ({ event }: { readonly event: string }): boolean => event === 'configuration_reloaded';
    const line = await waitFor(() => lines().find(isReload), 'the file is read');
    expect(line['live']).toEqual(['log_level', 'on_stop']);
    expect(line['restart']).toEqual(['http_port']);
    expect((await waitFor(() => one.agent.view(), 'it still answers')).node.name).toBe(one.name);
    writeFileSync(configFile, before);
    one.agent.signal('SIGHUP');
    await waitFor(() => lines().filter(isReload).length >= 2, 'read again');
    await peace(stage.service);
  });
});
