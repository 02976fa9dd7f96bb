// The settings of a service on the command line: documents that are read and written, and what is said of a change.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { playedIo } from '../../../test/support/cli-io.ts';
import { playedView, stamped } from '../../../test/support/played-service.ts';
import { NO_OPERATOR_SETTINGS } from '../../core/records.ts';
import type { SettingsRecord } from '../../core/records.ts';
import { ZooKeeperError } from '../../zookeeper/index.ts';
import type { MultiOp } from '../../zookeeper/index.ts';
import { dictator } from '../dictator.ts';
import { renderOverridden, renderSettings } from './render.ts';
import type { StoredSettings } from '../ensemble.ts';
import { EnsembleSettings } from './ensemble.ts';
import { queriesOf } from './trial.ts';
import type { Trial } from './trial.ts';
import { patchBetween, readAssignments, readDocument, renderDocument } from './text.ts';

const snapshot = (name: string): string => path.join(import.meta.dirname, '../snapshots', `${name}.txt`);
const loadAgent = (): never => {
  throw new Error('no agent here');
};

const DOCUMENT = {
  durability: 'durable', wait_replicas: 1, on_ensemble_loss: 'fence', priority_lag_bytes: 0, down_after_ms: 1500,
  zones: 'prefer_other', 'nodes.redis1.zone': 'east', 'redis.maxmemory': '1gb', 'redis.save': '3600 1',
};

describe('a document that people edit', () => {
  test('explains itself, and reads as what it was written from', async () => {
    const text = renderDocument('cache', 7, DOCUMENT);
    await expect(text).toMatchFileSnapshot(snapshot('settings-document'));
    expect(readDocument(text)).toEqual({ ok: true, values: DOCUMENT });
  });

  test('is JSON as well', () => {
    const json = JSON.stringify({ version: 7, durability: 'async', redis: { maxmemory: '1gb' } });
    expect(readDocument(json)).toEqual({ ok: true, values: { durability: 'async', 'redis.maxmemory': '1gb' } });
  });

  test('tells all its faults with their lines', async () => {
    const text = 'durability = yes\n\nredis.bind = 0.0.0.0\nnonsense\nzones = near\nzones = ignore\n# x = 1\n';
    const assignments = readAssignments(['a', 'zon=x', 'redis.dir=/']);
    const faults = [readDocument(text), readDocument('{"durability": }'), assignments];
    const lines = faults.flatMap((read) => (read.ok ? ['no fault'] : [...read.faults, '--']));
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(snapshot('settings-faults'));
  });

  test('makes a patch of what is new, other and gone', () => {
    expect(patchBetween({ a: 1, b: 2, c: 3 }, { a: 1, b: 4, d: 5 })).toEqual({ b: 4, c: null, d: 5 });
  });

  test('an empty value on the command line takes it away', () => {
    expect(readAssignments(['down_after_ms=', 'redis.save='])).toEqual({
      ok: true, values: { down_after_ms: null, 'redis.save': null },
    });
  });
});

test('settings are shown beside what they override', async () => {
  const last = { id: 'x', version: 7, asker: 'ann@laptop', at: Date.UTC(2026, 10, 23), changes: [] };
  const overridden = [{ key: 'durability', own: 'async', service: 'durable' }];
  const settings = { service: 'cache', version: 7, document: DOCUMENT, last };
  const shown = renderSettings(settings, overridden, (_style, text) => text);
  await expect(`${shown}${renderOverridden(overridden)}`).toMatchFileSnapshot(snapshot('settings-show'));
});

interface Answers {
  readonly before: object;
  readonly status: number;
  readonly after: object;
}

/** Runs a verb against an agent that tells `before`, and answers a change with `after`. */
async function run(args: readonly string[], answers: Answers, edit?: (text: string) => string): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url === '/v1/view') return response.end(JSON.stringify(playedView('redis1')));
    const [status, body] = request.method === 'PATCH' ? [answers.status, answers.after] : [200, answers.before];
    return response.writeHead(status).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const { io, printed } = playedIo(edit === undefined ? {} : { edit });
  const code = await dictator([...args, '--agent', `http://127.0.0.1:${port}`], io, loadAgent);
  await new Promise((resolve) => server.close(resolve));
  return `$ dictator ${args.join(' ')}\n${printed.out}${printed.err}exit ${code}\n`;
}

describe('a change', () => {
  test('says what it did, why not, and who was first', async () => {
    const before = { version: 7, durability: 'async', wait_replicas: 1 };
    const after = { ...before, version: 8, durability: 'durable' };
    const conflict = {
      error: 'settings_conflict', reason: 'settings_changed', message: 'Somebody else.', next: 'Look again.',
    };
    const late = { error: 'operation_unknown', message: 'It may still.', next: 'Look.' };
    const silent = {
      error: 'operation_unavailable', reason: 'zookeeper_unreachable', message: 'No session.', next: 'Look.',
    };
    const faults = [{ key: 'durability', value: '"x"', reason: 'must be text', fix: 'Use "async".' }];
    const said = [
      await run(['settings', 'set', 'durability=durable'], patched(before, 200, after)),
      await run(['settings', 'set', 'durability=async'], patched(before, 200, before)),
      await run(['settings', 'set', 'durability=durable'], patched(before, 409, conflict)),
      await run(['settings', 'set', 'durability=durable'], patched(before, 422, { error: 'bad_settings', faults })),
      await run(['settings', 'set', 'durability=durable'], patched(before, 503, late)),
      await run(['settings', 'set', 'durability=durable'], patched(before, 503, silent)),
      await run(['settings', 'set', 'durability=never', 'redis.port=1'], patched(before, 200, after)),
      await run(['settings', 'edit'], patched(before, 200, after), (text) => text.replace('async', 'durable')),
      await run(['settings', 'edit'], patched(before, 200, after), (text) => `${text}zones = near\n`),
      await run(['settings', 'edit'], patched(before, 200, after)),
    ];
    await expect(said.join('\n')).toMatchFileSnapshot(snapshot('settings-changes'));
  });
});

test.each([['show', 'other'], ['set', '--service', 'other', 'durability=durable'], ['edit', '--service', 'other']])(
  'settings %s by the agent of another service is refused',
  async (...args) => {
    const before = { version: 7, durability: 'async' };
    const said = await run(['settings', ...args], patched(before, 200, { ...before, version: 8 }), (text) => text);
    expect(said).toContain('is the agent of cache, not of other');
    expect(said).toContain('service_unknown');
  },
);

function patched(before: object, status: number, after: object): Answers {
  return { before, status, after };
}

test('many parameters are asked about in URLs that an agent takes', () => {
  const names = Array.from({ length: 64 }, (_value, index) => [`parameter-${String(index)}`, 'ä'.repeat(256)] as const);
  const queries = queriesOf(Object.fromEntries(names));
  expect(Math.max(...queries.map(({ length }) => length))).toBeLessThan(2000);
  expect(queries.flatMap((query) => [...new URLSearchParams(query)])).toEqual(names);
  expect(queriesOf({ maxmemory: '1gb', save: '3600 1' })).toEqual(['maxmemory=1gb&save=3600+1']);
});

describe('in the ensemble', () => {
  const record = (change = {}): SettingsRecord => ({
    ...NO_OPERATOR_SETTINGS, version: 7, durability: 'async', waitReplicas: 1, onEnsembleLoss: 'fence',
    priorityLagBytes: 0, ...change,
  });

  /** A desk whose writes end like this; and what it wrote. */
  function deskOf(end: () => Promise<void>, stored: Partial<StoredSettings> = {}, trial: Trial = takesAll) {
    const written: MultiOp[] = [];
    const standing: StoredSettings = { settings: stamped(record(), 0), changes: null, isUnreadable: false, ...stored };
    const ensemble = {
      settings: () => Promise.resolve(standing),
      transact: (ops: readonly MultiOp[]) => {
        written.push(...ops);
        return end();
      },
    };
    return { desk: new EnsembleSettings(ensemble, 'cache', { clock: playedIo().io.clock, trial }), written };
  }
  const takesAll: Trial = () => Promise.resolve([]);
  const done = (): Promise<void> => Promise.resolve();
  const by = (version: number) => ({ version, asker: 'ann@laptop' });

  test('settings and history are one transaction over what was read', async () => {
    const { desk, written } = deskOf(done);
    const told = await desk.change({ wait_replicas: 2 }, by(7));
    expect(told).toMatchObject({ ok: true, settings: { version: 8, document: { wait_replicas: 2 } } });
    expect(written).toMatchObject([
      { op: 'setData', path: '/dictator/cache/settings', version: 1 },
      { op: 'create', path: '/dictator/cache/changes' },
    ]);
    expect((written[1] as { data: string }).data).toContain('"asker":"ann@laptop"');
  });

  test.each([
    ['another version', 'settings_changed', {}, 6],
    ['a record of a later release', 'record_newer', { settings: { ...stamped(record(), 0), format: 99 } }, 7],
    ['a record of somebody else', 'record_unreadable', { isUnreadable: true }, 7],
  ] as const)('%s is not written over', async (_what, reason, stored, version) => {
    const { desk, written } = deskOf(done, stored);
    const told = await desk.change({ wait_replicas: 2 }, by(version));
    expect(told).toMatchObject({ ok: false, failure: { code: 'order_refused' } });
    expect(JSON.stringify(told)).toContain(reason);
    expect(written).toEqual([]);
  });

  test('what has faults or changes nothing is not written', async () => {
    const { desk, written } = deskOf(done);
    expect(await desk.change({ wait_replicas: 0 }, by(7))).toMatchObject({ failure: { code: 'settings_invalid' } });
    expect(await desk.change({ wait_replicas: 1 }, by(7))).toMatchObject({ ok: true, settings: { version: 7 } });
    expect(written).toEqual([]);
    const { desk: none } = deskOf(done, { settings: null });
    expect(await none.read()).toMatchObject({ failure: { code: 'service_unknown' } });
  });

  test('what a Redis would not take is not written, nor what none could be asked about', async () => {
    const refusing: Trial = (parameters) => Promise.resolve(Object.keys(parameters).map((name) => {
      return { key: `redis.${name}`, value: '"x"', reason: 'is refused', fix: 'Use another.' };
    }));
    const { desk, written } = deskOf(done, {}, refusing);
    const told = await desk.change({ 'wait_replicas': 2, 'redis.maxmemory': 'abc', 'redis.save': null }, by(7));
    expect(told).toMatchObject({ failure: { code: 'settings_invalid' }, faults: [{ key: 'redis.maxmemory' }] });
    const { desk: alone, written: nothing } = deskOf(done, {}, () => Promise.resolve(null));
    const unasked = await alone.change({ 'redis.maxmemory': '1gb' }, by(7));
    expect(unasked).toMatchObject({ failure: { code: 'order_refused' } });
    expect(JSON.stringify(unasked)).toContain('no agent could ask its Redis whether it takes maxmemory');
    expect([...written, ...nothing]).toEqual([]);
    expect(await alone.change({ wait_replicas: 2 }, by(7))).toMatchObject({ ok: true });
  });

  test('of two operators the second is refused', async () => {
    const { desk } = deskOf(() => Promise.reject(new ZooKeeperError('BAD_VERSION', '')));
    expect(await desk.change({ wait_replicas: 2 }, by(7))).toMatchObject({ failure: { code: 'order_refused' } });
  });
});
