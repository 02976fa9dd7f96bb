/**
 * The acting verbs as an operator types them, on a real service: one ZooKeeper, three Redis servers, three agents, and
 * the built program. One service for all tests; each leaves it whole.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCommand, startCommand } from '../support/command-line.ts';
import { FAST_SYNC, QUICK, TICK_MS } from '../support/failure-stage.ts';
import { peace } from '../support/healing.ts';
import { startService } from '../support/service.ts';
import type { Node, Service } from '../support/service.ts';
import { waitFor } from '../support/wait-for.ts';

let service: Service;

beforeAll(async () => {
  service = await startService({ redisArgs: FAST_SYNC, config: QUICK, tickTimeMs: TICK_MS });
});
afterAll(() => service.stop());

const zk = (): readonly string[] => ['--zk', `127.0.0.1:${String(service.zookeeper.port)}`];
const act = (...args: readonly string[]) => runCommand(...args, ...zk());
/** The object that `--json` prints. */
async function json(...args: readonly string[]) {
  const { code, out, err } = await act(...args, '--json');
  return { code, err, said: JSON.parse(out) as Record<string, unknown> };
}
const nodes = (): Promise<{ master: Node; replicas: readonly [Node, Node] }> => peace(service);

describe('switchover', () => {
  test('says beforehand whether it would succeed, and then does it', async () => {
    const { master, replicas: [target] } = await nodes();
    const asked = await json('switchover', '--dry-run', '--to', target.name);
    expect(asked).toMatchObject({ code: 0, said: { master: master.name, target: target.name, refusal: null } });
    const { code, out, err } = await act('switchover', service.name, '--to', target.name, '--yes');
    expect(err).toContain(`${master.name} hands over to ${target.name}`);
    expect(out).toMatch(new RegExp(`^${service.name}: ${target.name} is the master, gap \\d+ ms, epoch \\d+, done in`));
    expect(code).toBe(0);
    expect((await nodes()).master).toBe(target);
    const { said } = await json('switchover', '--dry-run');
    expect(said['expectedGapMs']).toEqual(expect.any(Number));
  });

  test('asks, and does nothing where nobody can answer', async () => {
    const { master } = await nodes();
    const { code, err } = await act('switchover');
    expect(code).toBe(2);
    expect(err).toContain('(confirmation_needed)');
    expect((await nodes()).master).toBe(master);
  });

  test('is refused with its reason: to the master, to nobody, to the only replica that is enabled', async () => {
    const { master, replicas: [one, other] } = await nodes();
    for (const [target, reason] of [[master.name, 'target_is_master'], ['nobody', 'unknown_node']] as const) {
      const { code, err, said } = await json('switchover', '--to', target, '--yes');
      expect([code, said['reason']]).toEqual([3, reason]);
      expect(err).toContain('(order_refused)');
    }
    for (const { agent } of [one, other]) expect((await agent.http('/disable'))?.status).toBe(200);
    const asked = async () => (await json('switchover', '--dry-run')).said['refusal'];
    await waitFor(async () => (await asked()) === 'no_candidate', 'no candidate');
    expect((await json('switchover', '--yes')).said['reason']).toBe('no_candidate');
    expect((await json('switchover', '--to', one.name, '--yes')).said['reason']).toBe('node_disabled');
    for (const { agent } of [one, other]) expect((await agent.http('/enable'))?.status).toBe(200);
    await nodes();
  });

  test('is refused while the replica lags', async () => {
    const { master, replicas: [target] } = await nodes();
    target.redis.freeze();
    const refusal = async () => String((await json('switchover', '--dry-run', '--to', target.name)).said['refusal']);
    await waitFor(async () => ['lag_too_high', 'not_in_sync'].includes(await refusal()), 'the lag to be seen');
    const { code, err } = await act('switchover', '--to', target.name, '--yes');
    target.redis.thaw();
    expect([code, err.includes('(order_refused)')]).toEqual([3, true]);
    expect((await nodes()).master).toBe(master);
  });

  test('of two operators at once one is served', async () => {
    const { replicas: [one, other] } = await nodes();
    const ended = await Promise.all([one, other].map(({ name }) => json('switchover', '--to', name, '--yes')));
    const codes = ended.map(({ code }) => code).sort();
    // Where one began only after the other had ended, both were served.
    const both = codes.every((code) => code === 0);
    expect(codes).toEqual(both ? [0, 0] : [0, 3]);
    for (const { code, said } of ended) {
      // Where one asks while the office changes hands, there is no master to hand anything over.
      const reasons = ['operation_running', 'epoch_passed', 'master_differs', 'no_master'];
      if (code === 3) expect(reasons).toContain(said['reason']);
    }
    const { master } = await nodes();
    expect([one.name, other.name]).toContain(master.name);
  });

  test('that loses its target on the way tells who is master then', async () => {
    const { master, replicas: [target] } = await nodes();
    // Its agent is stopped: its Redis streams, and nobody claims for it.
    target.agent.signal('SIGSTOP');
    const { code, err, said } = await json('switchover', '--to', target.name, '--yes');
    target.agent.signal('SIGCONT');
    expect(said).toMatchObject({ outcome: 'interrupted', reason: 'target_lost', master: master.name });
    expect(code).toBe(1);
    expect(err).toContain('(order_interrupted)');
    await nodes();
  });

  test('is told though the agent of the master dies with the order in its hands', async () => {
    const { master, replicas: [target] } = await nodes();
    const command = startCommand(['switchover', '--to', target.name, '--yes', '--json', ...zk()]);
    await waitFor(async () => {
      const view = await target.agent.view();
      return view?.operation !== null || view.lastOperation?.asker === undefined || view.master?.name === target.name;
    }, 'the order to stand');
    await master.agent.kill();
    const { code, out } = await command.ended;
    const said = JSON.parse(out) as { outcome: string };
    // Before the fence it is void; behind it the target serves. Either way somebody says so.
    expect(['done', 'refused', 'interrupted', 'not_taken']).toContain(said.outcome);
    expect([0, 1, 3]).toContain(code);
    master.agent.restart();
    await nodes();
  });

  test('for later is stored, shown, and taken back', async () => {
    const { replicas: [target] } = await nodes();
    const stored = await json('switchover', '--to', target.name, '--at', '+1h', '--yes');
    expect(stored).toMatchObject({ code: 0, said: { outcome: 'scheduled', target: target.name } });
    expect((await act('show')).out).toContain('operation_standing');
    expect((await json('switchover', '--yes')).said['reason']).toBe('operation_running');
    expect((await act('switchover', '--cancel')).code).toBe(0);
    expect((await json('switchover', '--cancel')).said['reason']).toBe('no_operation');
    expect((await act('history', service.name)).out).toContain('cancelled');
  });

  test('can be given to an agent on this host, and nobody listens elsewhere', async () => {
    const { master, replicas: [target] } = await nodes();
    const url = `http://127.0.0.1:${String(master.agent.options.httpPort)}`;
    const { code, out } = await runCommand('switchover', '--agent', url, '--to', target.name, '--yes');
    expect(out).toContain(`${target.name} is the master`);
    expect(code).toBe(0);
    expect((await nodes()).master).toBe(target);
    expect((await runCommand('switchover', '--agent', 'http://127.0.0.1:1', '--yes')).code).toBe(1);
  });
});

describe('an order whose answer does not come back', () => {
  /** Between the command line and an agent: carries what is read, and does `instead` of answering an order. */
  async function between(node: Node, instead: (forward: () => Promise<unknown>) => Promise<unknown>) {
    const agent = `http://127.0.0.1:${String(node.agent.options.httpPort)}`;
    const server = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { method = 'GET', url = '/' } = request;
        const body = method === 'GET' ? {} : { body: Buffer.concat(parts) };
        const forward = async () => (await fetch(`${agent}${url}`, { method, ...body })).text();
        if (method === 'GET') void forward().then((text) => response.end(text));
        else void instead(forward).then(() => request.socket.destroy());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${String(port)}`, end: () => new Promise((resolve) => server.close(resolve)) };
  }

  test('has an unknown outcome, though it was carried out', async () => {
    const { master } = await nodes();
    const { url, end } = await between(master, (forward) => forward());
    const { code, err } = await runCommand('pause', '--agent', url, '--owner', 'eve', '--reason', 'lost answer');
    await end();
    expect([code, err.includes('(order_unknown)')]).toEqual([5, true]);
    expect(err).toContain('dictator history');
    await waitFor(async () => (await act('show')).out.includes('lost answer'), 'the pause to be shown');
    expect((await act('resume')).code).toBe(0);
  });

  test('has an unknown outcome where the agent died with it in its hands, and was not carried out', async () => {
    const { replicas: [node] } = await nodes();
    const { url, end } = await between(node, () => node.agent.kill());
    const { code, err } = await runCommand('settings', 'set', 'failover_calm_ms=12345', '--agent', url);
    await end();
    expect([code, err.includes('(outcome_unknown)')]).toEqual([5, true]);
    node.agent.restart();
    await nodes();
    expect((await act('settings', 'show', service.name)).out).not.toContain('12345');
  });
});

describe('pause and resume', () => {
  test('keep a dead master from being replaced, say who and why, and let an operator name the next', async () => {
    const { master, replicas: [one, other] } = await nodes();
    const paused = await act('pause', '--for', '30m', '--owner', 'ann', '--reason', 'rack 4');
    expect(paused.out).toContain('by ann: rack 4');
    for (const verb of ['list', 'show', 'explain']) expect((await act(verb)).out).toContain('ann');
    const agent = `http://127.0.0.1:${String(one.agent.options.httpPort)}`;
    const seen = async () => (await runCommand('show', '--agent', agent)).out;
    await waitFor(async () => (await seen()).includes('service_paused'), 'the agent to know');
    // Two nodes without an agent prove nothing: whoever is left waits for an order.
    await master.agent.kill();
    await master.redis.kill();
    await waitFor(async () => (await json('show')).said['master'] === null, 'the lease to end');
    expect((await json('switchover', '--yes')).said['reason']).toBe('no_master');
    const { code, out, err } = await act('failover', '--to', other.name, '--accept-loss', '--yes');
    expect(err).toContain(`${other.name} becomes master.`);
    expect([code, out.includes(`${other.name} is the master`)]).toEqual([0, true]);
    expect((await json('failover', '--to', one.name, '--yes')).said['reason']).toBe('master_exists');
    expect((await act('resume')).code).toBe(0);
    await master.redis.restart();
    master.agent.restart();
    expect((await nodes()).master).toBe(other);
    expect((await json('show')).said['pause']).toBe(null);
  });
});

describe('disable and enable', () => {
  test('take a replica out for a reason and a time, and in again', async () => {
    const { replicas: [node] } = await nodes();
    const words = ['--for', '10m', '--owner', 'bob', '--reason', 'disks', '--yes'];
    expect((await act('disable', node.name, ...words)).out).toContain('by bob: disks');
    const { maintenance } = await node.agent.view() ?? {};
    expect(maintenance).toMatchObject({ owner: 'bob', reason: 'disks', until: expect.any(Number) });
    expect((await act('enable', node.name)).code).toBe(0);
    await nodes();
  });

  test('let the master hand over first, show it everywhere, and keep it over a restart', async () => {
    const { master } = await nodes();
    const { code, err } = await act('disable', master.name, '--owner', 'bob', '--reason', 'new disks', '--yes');
    expect(err).toContain('is the master and gives that up');
    expect(code).toBe(0);
    const shown = await waitFor(async () => {
      const { out } = await act('show');
      return out.includes('bob') ? out : null;
    }, 'it to be shown');
    expect(shown).toContain('new disks');
    await master.agent.kill();
    master.agent.restart();
    await waitFor(async () => (await master.agent.view())?.maintenance?.owner === 'bob', 'it to be remembered');
    expect((await act('enable', master.name)).code).toBe(0);
    expect((await nodes()).master).not.toBe(master);
  });

  test('write the record of a node whose agent is gone', async () => {
    const { replicas: [node] } = await nodes();
    await node.agent.kill();
    await waitFor(async () => !(await act('show')).out.includes('agent_silent'), 'its session to end');
    expect((await act('disable', node.name, '--reason', 'gone', '--yes')).code).toBe(0);
    node.agent.restart();
    await waitFor(async () => (await node.agent.view())?.enabled === false, 'it to obey');
    expect((await act('enable', node.name)).code).toBe(0);
    expect((await json('enable', 'nobody')).said['reason']).toBe('unknown_node');
    await nodes();
  });
});

describe('what changes the nodes', () => {
  test('reinit copies everything anew and waits until the node is in sync', async () => {
    const { master, replicas: [node] } = await nodes();
    const fulls = async () => Number(/sync_full:(\d+)/.exec(String(await master.redis.cmd('INFO', 'stats')))?.[1]);
    const before = await fulls();
    const { code, out } = await act('reinit', node.name, '--yes');
    expect(out).toContain(`${node.name} has copied everything anew`);
    expect([code, await fulls()]).toEqual([0, before + 1]);
    expect((await json('reinit', master.name, '--yes')).said['reason']).toBe('target_is_master');
  });

  test('forget refuses a node that lives, remove a service that is used', async () => {
    const { replicas: [node] } = await nodes();
    expect((await json('forget', node.name, '--yes')).said['reason']).toBe('node_in_use');
    const refused = await act('remove', service.name, '--yes');
    expect([refused.code, refused.err.includes('(service_in_use)')]).toEqual([3, true]);
  });

  test('forget takes a node off that is gone, and remove the records of a service whose agents are', async () => {
    const { master, replicas: [node, other] } = await nodes();
    await node.agent.kill();
    await node.redis.kill();
    await waitFor(async () => (await json('forget', node.name, '--yes')).code === 0, 'the node to be forgotten');
    expect((await master.agent.view())?.nodes).not.toContain(node.name);
    for (const { agent } of [other, master]) await agent.kill();
    await waitFor(async () => (await act('remove', service.name, '--yes')).code === 0, 'the sessions to end');
    expect((await act('list')).err).toContain('no service');
  });
});
