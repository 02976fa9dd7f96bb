import { describe, expect, test } from 'vitest';
import { Host, Process } from '../kernel/process.ts';
import type { Endpoint } from '../kernel/network.ts';
import { PORT, Stage } from '../models/redis/testing/stage.ts';
import { Writer } from './writer.ts';
import type { Acknowledgement, WriterOptions } from './writer.ts';

function scene(options: Partial<WriterOptions> = {}) {
  const stage = new Stage();
  const [m, a] = [stage.node('m'), stage.node('a')];
  stage.follow(m, a);
  const host = new Host('client');
  stage.network.addHost(host);
  const world: { master: Endpoint | null } = { master: { host: 'm', port: PORT } };
  let ids = 0;
  const acknowledged: Acknowledgement[] = [];
  const writer = new Writer({
    process: new Process('client', host, stage.scheduler),
    network: stage.network,
    random: stage.random.fork('client'),
    nextId: () => ++ids,
    believe: () => world.master,
    onAcknowledged: (each) => acknowledged.push(each),
    options,
  });
  return { stage, m, a, world, writer, acknowledged };
}

describe('a writing client', () => {
  test('writes unique keys at about its rate, and remembers what was acknowledged by whom', () => {
    const { stage, m, acknowledged } = scene();
    stage.pass(10_000);
    expect(acknowledged.length).toBeGreaterThan(200);
    expect(acknowledged.length).toBeLessThan(400);
    expect(acknowledged.map(({ id }) => id)).toEqual(m.acknowledged.map(({ id }) => id));
    expect(acknowledged[0]).toMatchObject({ server: { host: 'm' }, waited: null });
  });

  test('hears with WAIT how many replicas have it', () => {
    const { stage, acknowledged } = scene({ wait: 1 });
    stage.pass(3000);
    const waited = acknowledged.filter((each) => each.waited !== null);
    expect(waited.length).toBeGreaterThan(20);
    expect(waited.every((each) => each.waited === 1)).toBe(true);
  });

  test('asks again who is master when it is refused, unless it is stubborn', () => {
    for (const stubborn of [false, true]) {
      const { stage, m, a, world, writer, acknowledged } = scene({ stubborn, staleMs: 30_000 });
      stage.pass(2000);
      stage.ask(a, ['REPLICAOF', 'NO', 'ONE']);
      stage.ask(m, ['REPLICAOF', 'a', String(PORT)]);
      world.master = { host: 'a', port: PORT };
      stage.pass(5000);
      expect(writer.refused).toBeGreaterThan(0);
      expect(acknowledged.some(({ server }) => server.host === 'a')).toBe(!stubborn);
    }
  });

  test('dials again when its server is gone and comes back', () => {
    const { stage, m, acknowledged } = scene();
    stage.pass(1000);
    m.process.kill();
    stage.pass(1000);
    const before = acknowledged.length;
    m.start();
    stage.pass(2000);
    expect(acknowledged.length).toBeGreaterThan(before);
  });

  test('leaves work in the socket of a stopped server, up to its bound', () => {
    const { stage, m, writer, acknowledged } = scene();
    stage.pass(1000);
    m.process.freeze();
    const before = writer.sent;
    stage.pass(5000);
    expect(writer.sent - before).toBe(8 * 3);
    stage.scheduler.after(0, () => m.process.thaw());
    stage.pass(5);
    expect(acknowledged.length).toBeGreaterThanOrEqual(writer.sent - 3);
  });
});
