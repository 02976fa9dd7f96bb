// What is wrong with a request, path by path: status, code and what to do. Operations and checks stand elsewhere.

import { describe, expect, test } from 'vitest';

import { fakeApi } from '../../test/support/http-raw.ts';
import type { HttpApi } from './api.ts';
import { HTTP_LIMITS } from './limits.ts';
import { route } from './routes.ts';

async function call(line: string, api: Partial<HttpApi> = {}, body = '') {
  const [method = '', target = ''] = line.split(' ');
  const limits = { ...HTTP_LIMITS, orderTimeoutMs: 10, failsafeTimeoutMs: 10 };
  const { status, body: text } = await route({ method, target, body, local: true }, { api: fakeApi(api), limits });
  return { status, answer: JSON.parse(text) as Record<string, unknown> };
}

const never = () => new Promise<never>(() => undefined);

test.each<[line: string, status: number, error: string, api: Partial<HttpApi>]>([
  [`GET /v1/view?${'x'.repeat(HTTP_LIMITS.urlLengthMax)}`, 414, 'url_too_long', {}],
  ['GET /v1/events?after=later', 400, 'bad_events_query', {}],
  ['GET /v1/events?wait_ms=-1', 400, 'bad_events_query', {}],
  ['GET /disable?for_s=0', 400, 'bad_maintenance', {}],
  ['GET /disable?until=noon', 400, 'bad_maintenance', {}],
  ['GET /config', 502, 'no_settings', {}],
  ['GET /v1/parameters?hz=20', 503, 'redis_not_asked', {}],
  ['POST /v1/forget', 400, 'node_missing', {}],
  ['POST /v1/forget?node=a', 412, 'forget_refused', {
    forget: () => Promise.resolve({ ok: false, reason: 'node_in_use' }),
  }],
  ['POST /v1/forget?node=a', 504, 'forget_timeout', { forget: never }],
  ['POST /v1/failsafe', 400, 'bad_question', {}],
])('%s is %i, %s', async (line, status, error, api) => {
  const told = await call(line, api);
  expect([told.status, told.answer['error']]).toEqual([status, error]);
  expect(told.answer).toMatchObject({ message: expect.any(String), next: expect.any(String) });
});

describe('parameters', () => {
  test('are asked about by name and value, and what Redis would not take comes back with whose it is', async () => {
    const fault = { key: 'redis.hz', value: '"x"', reason: 'is refused', fix: 'Use a number.' };
    const asked: unknown[] = [];
    const told = await call('GET /v1/parameters?hz=x&save=3600+1', {
      tryParameters: (parameters) => {
        asked.push(parameters);
        return Promise.resolve([fault]);
      },
    });
    expect(asked).toEqual([{ hz: 'x', save: '3600 1' }]);
    expect(told).toMatchObject({ status: 200, answer: { service: expect.any(String), faults: [fault] } });
  });

  test('keep their words where a name means something else to a program', async () => {
    const asked: object[] = [];
    await call('GET /v1/parameters?__proto__=x', {
      tryParameters: (parameters) => {
        asked.push(parameters);
        return Promise.resolve([]);
      },
    });
    expect(Object.keys(asked[0] ?? {})).toEqual(['__proto__']);
  });
});
