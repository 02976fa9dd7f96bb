/**
 * The acting verbs as an operator types them, on a real service: one ZooKeeper, three Redis servers, three agents, and
 * the built program. One service for all tests; each leaves it whole.
 */
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

  test('of two operators at once one is served', async () => {
    const { replicas: [one, other] } = await nodes();
    const ended = await Promise.all([one, other].map(({ name }) => json('switchover', '--to', name, '--yes')));
    const codes = ended.map(({ code }) => code).sort();
    // Where one began only after the other had ended, both were served.
    const both = codes.every((code) => code === 0);
    expect(codes).toEqual(both ? [0, 0] : [0, 3]);
    for (const { code, said } of ended) {
      if (code === 3) expect(['operation_running', 'epoch_passed', 'master_differs']).toContain(said['reason']);
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
