// Operations as routes: which body is an order, and which status each answer has.

import { describe, expect, test } from 'vitest';

import type { OperationAnswer, OperationRequest, OperationResult } from '../contract/operations.ts';
import type { PublishedView } from '../contract/view.ts';
import { fakeApi } from '../../test/support/http-raw.ts';
import { HTTP_LIMITS } from './limits.ts';
import { route } from './routes.ts';

const RESULT: OperationResult = {
  id: 'i1-1',
  kind: 'switchover',
  target: 'redis2',
  asker: 'http',
  epoch: 4,
  outcome: 'done',
  reason: null,
  gapMs: 17,
  master: 'redis2',
  endedAt: 1,
};
const NOW_MS = Date.parse('2026-06-01T12:00:00Z');

type Asked = Omit<OperationRequest, 'id' | 'askedAt'>;

async function call(
  path: string,
  body: string,
  given: OperationAnswer = { answer: 'done' },
  request: { readonly method?: string; readonly local?: boolean } = {},
) {
  const asked: unknown[] = [];
  const note = (what: unknown) => {
    asked.push(what);
    return Promise.resolve(given);
  };
  const api = fakeApi({
    operate: (order: Asked) => note(order),
    cancelOperation: () => note('cancel'),
    pause: note,
    resume: () => note('resume'),
    wallNow: () => NOW_MS,
  });
  const whole = { method: 'POST', local: true, target: path, body, ...request };
  const { status, body: text } = await route(whole, { api, limits: HTTP_LIMITS });
  return { status, answer: JSON.parse(text) as Record<string, unknown>, asked };
}

describe('an order', () => {
  const order = { from: null, scheduledAt: null, force: false, asker: 'http' };

  test.each<[string, string, unknown]>([
    ['/switchover', '', { ...order, kind: 'switchover', target: null }],
    ['/switchover', '{"leader":"a","candidate":"b","asker":"me"}', {
      ...order, kind: 'switchover', from: 'a', target: 'b', asker: 'me',
    }],
    ['/switchover', '{"scheduled_at":"2026-06-01T13:00:00+01:00","candidate":null}', null],
    ['/switchover', '{"scheduled_at":"2026-06-01T14:00:00+01:00"}', {
      ...order, kind: 'switchover', target: null, scheduledAt: NOW_MS + 3_600_000,
    }],
    ['/failover', '{"candidate":"b","acknowledge_loss":true}', {
      ...order, kind: 'failover', target: 'b', force: true,
    }],
    ['/reinitialize', '', { ...order, kind: 'reinitialize', target: 'redis1' }],
    ['/forget', '{"node":"b"}', { ...order, kind: 'forget', target: 'b' }],
    ['/pause', '{"owner":"me","reason":"disks","for_s":60}', { owner: 'me', reason: 'disks', forMs: 60_000 }],
    ['/resume', '', 'resume'],
  ])('%s %s', async (path, body, expected) => {
    const { status, asked } = await call(path, body);
    expect(asked).toEqual(expected === null ? [] : [expected]);
    expect(status).toBe(expected === null ? 422 : 200);
  });

  test.each<[string, string]>([
    ['/switchover', 'x'], ['/switchover', '[]'], ['/switchover', '{"candidate":1}'], ['/switchover', '{"target":"b"}'],
    ['/switchover', '{"scheduled_at":"2026-06-01T13:00:00"}'], ['/switchover', '{"leader":"a","candidate":"a"}'],
    ['/failover', ''], ['/pause', '{"for_s":0}'], ['/pause', '{"for_s":100000000}'], ['/forget', ''],
    ['/bootstrap', '{}'],
  ])('%s %s is none', async (path, body) => {
    const { status, asked } = await call(path, body);
    expect(status).toBe(400);
    expect(asked).toEqual([]);
  });

  test.each(['/switchover', '/failover', '/reinitialize', '/pause', '/resume', '/bootstrap', '/forget'])(
    '%s is taken from this host only', async (path) => {
      const { status, asked } = await call(path, '', { answer: 'done' }, { local: false });
      expect(status).toBe(403);
      expect(asked).toEqual([]);
    },
  );

  test('is taken back by DELETE', async () => {
    const { status, asked } = await call('/switchover', '', { answer: 'done' }, { method: 'DELETE' });
    expect([status, asked]).toEqual([200, ['cancel']]);
  });
});

describe('a switchover that is only asked about', () => {
  const ask = async (switchover: PublishedView['switchover']) => {
    const view = { ...fakeApi().view(), switchover };
    const api = fakeApi({ view: () => view });
    const request = { method: 'POST', local: true, target: '/switchover', body: '{"dry_run":true}' };
    const { status, body } = await route(request, { api, limits: HTTP_LIMITS });
    return { status, answer: JSON.parse(body) as Record<string, unknown> };
  };
  const candidate = { node: 'b', refusal: null, byNameOnly: false };

  test('names who would take over, and the gap to expect', async () => {
    const { status, answer } = await ask({ candidates: [candidate], gapsMs: [7] });
    expect([status, answer]).toEqual([200, { ok: true, target: 'b', expectedGapMs: 7 }]);
  });

  test('says why not', async () => {
    const { status, answer } = await ask({ candidates: [{ ...candidate, refusal: 'lag_too_high' }], gapsMs: [] });
    expect([status, answer['reason']]).toEqual([412, 'no_candidate']);
  });

  test('sends the caller to the master', async () => {
    expect(await ask(null)).toMatchObject({ status: 421, answer: { error: 'ask_the_master' } });
  });
});

describe('/disable', () => {
  const disable = async (query: string) => {
    const api = fakeApi();
    const request = { method: 'POST', local: false, target: `/disable${query}`, body: '' };
    const { status, body } = await route(request, { api, limits: HTTP_LIMITS });
    return { status, body, maintained: api.maintained, enabled: api.enabled() };
  };

  test('takes who, why and for how long, from anywhere', async () => {
    expect(await disable('?owner=ann&reason=new%20disks&for_s=60')).toEqual({
      status: 200, body: 'Dictator Status = Disable/Paused\n', enabled: false,
      maintained: [{ owner: 'ann', reason: 'new disks', forMs: 60_000 }],
    });
    expect((await disable('?owner=ann')).maintained).toEqual([{ owner: 'ann', reason: 'not said', forMs: null }]);
    expect(await disable('')).toMatchObject({ status: 200, maintained: [], enabled: false });
  });

  test.each(['?for_s=0', '?for_s=x', '?for_s=99999999', '?owner=', '?until=noon'])('refuses %s', async (query) => {
    expect(await disable(query)).toMatchObject({ status: 400, maintained: [], enabled: true });
  });
});

describe('an answer', () => {
  const ended = (change: Partial<OperationResult>): OperationAnswer =>
    ({ answer: 'ended', result: { ...RESULT, ...change } });

  test.each<[OperationAnswer, number, Record<string, unknown>]>([
    [ended({}), 200, { ok: true, result: RESULT }],
    [{ answer: 'scheduled', id: 'i1-1' }, 202, { ok: true, scheduled: 'i1-1' }],
    [{ answer: 'refused', reason: 'no_master' }, 412, { error: 'operation_refused', reason: 'no_master' }],
    [ended({ outcome: 'refused', reason: 'lag_too_high' }), 412, { reason: 'lag_too_high' }],
    [ended({ outcome: 'interrupted', reason: 'target_lost' }), 503, { error: 'operation_interrupted' }],
    [{ answer: 'refused', reason: 'no_operation' }, 404, { error: 'no_such_operation' }],
    [{ answer: 'refused', reason: 'zookeeper_unreachable' }, 503, { error: 'operation_unavailable' }],
    [{ answer: 'unknown' }, 503, { error: 'operation_unknown' }],
  ])('%o has status %d', async (given, expected, parts) => {
    const { status, answer } = await call('/switchover', '', given);
    expect(status).toBe(expected);
    expect(answer).toMatchObject(parts);
  });
});
