// Health checks as routes: which state of a node gives which status on which path.

import { describe, expect, test } from 'vitest';

import type { HEALTH_FAULTS } from '../contract/health.ts';
import type { HealthView, PublishedView } from '../contract/view.ts';
import { fakeApi, VIEW } from '../../test/support/http-raw.ts';
import type { Answer } from './answer.ts';
import { HTTP_LIMITS } from './limits.ts';
import { route } from './routes.ts';

type Scene = Omit<Partial<PublishedView>, 'health'> & { readonly health?: Partial<HealthView> };

const SCENES = {
  primary: { role: 'master', health: { serves: true, primary: true } },
  'a master in doubt': { role: 'master', health: { serves: true } },
  'a replica': { role: 'replica', inSync: ['redis1'], health: { serves: true, follows: true, lagBytes: 500 } },
  'a replica of unknown lag': { role: 'replica', inSync: ['redis1'], health: { serves: true, follows: true } },
  'a replica out of sync': { role: 'replica', health: { serves: true, follows: true, lagBytes: 500 } },
  'a disabled replica': {
    role: 'replica', enabled: false,
    health: { serves: true, follows: true, lagBytes: 500, takesReads: false },
  },
  'a replica whose link is down': { role: 'replica', inSync: ['redis1'], health: { serves: true } },
  'a dead Redis': { role: 'starting', health: {} },
} as const satisfies Record<string, Scene>;

type SceneName = keyof typeof SCENES;

function ask(scene: Scene, target: string, { method = 'GET', turnAgeMs = 0 } = {}): Answer {
  const view = { ...VIEW, ...scene, health: { ...VIEW.health, ...scene.health } };
  const api = fakeApi({ view: () => view, turnAgeMs: () => turnAgeMs });
  const answer = route({ method, target, body: '', local: false }, { api, limits: HTTP_LIMITS });
  if (answer instanceof Promise) throw new Error('a check is answered at once');
  return answer;
}

const statusOf = (scene: SceneName, target: string): number => ask(SCENES[scene], target).status;

const PATHS = ['/', '/primary', '/master', '/read-write', '/replica', '/read-only', '/health', '/readiness'] as const;

test.each<[SceneName, string]>([
  ['primary', '200 200 200 200 503 200 200 200'],
  ['a master in doubt', '503 503 503 503 503 503 200 503'],
  ['a replica', '503 503 503 503 200 200 200 200'],
  ['a replica of unknown lag', '503 503 503 503 200 200 200 200'],
  ['a replica out of sync', '503 503 503 503 200 200 200 503'],
  ['a disabled replica', '503 503 503 503 503 503 200 503'],
  ['a replica whose link is down', '503 503 503 503 503 503 200 503'],
  ['a dead Redis', '503 503 503 503 503 503 503 503'],
])('%s answers: %s', (scene, statuses) => {
  expect(PATHS.map((path) => statusOf(scene, path)).join(' ')).toBe(statuses);
});

test.each([
  ['500', 200], ['499', 503], ['1kB', 200], ['1KB', 200], ['0MB', 503], ['500B', 200], ['1gb', 200],
] as const)('a replica 500 bytes behind, with lag=%s: %i', (lag, status) => {
  for (const path of ['/replica', '/read-only', '/readiness']) {
    expect(statusOf('a replica', `${path}?lag=${lag}`)).toBe(status);
  }
  expect(statusOf('primary', `/read-only?lag=${lag}`)).toBe(200);
});

test.each(['', 'x', '-1', '1.5', '1TB', '1e3', '9'.repeat(16)])('lag=%s is a fault of the caller', (lag) => {
  const answer = ask(SCENES['a replica'], `/replica?lag=${lag}`);
  expect(answer.status).toBe(400);
  expect(JSON.parse(answer.body)).toMatchObject({ error: 'bad_check' });
});

describe('a lag that is not known', () => {
  test('is none that may be bounded', () => {
    expect(statusOf('a replica of unknown lag', '/replica?lag=1GB')).toBe(503);
  });
});

test('a tag that the node has not keeps reads away, and is ignored for the primary', () => {
  expect(statusOf('a replica', '/replica?tag_zone=b')).toBe(503);
  expect(statusOf('a replica', '/read-only?tag_zone=b')).toBe(503);
  expect(statusOf('primary', '/read-only?tag_zone=b')).toBe(200);
  expect(statusOf('primary', '/primary?tag_zone=b')).toBe(200);
});

test.each([[0, 200], [5000, 200], [5001, 503]])('an agent that decided %i ms ago is alive: %i', (turnAgeMs, status) => {
  expect(ask({ health: {} }, '/liveness', { turnAgeMs }).status).toBe(status);
});

test('an agent without a session is alive as long as it decides', () => {
  const scene: Scene = { session: { connected: false, timeoutMs: 0 } };
  expect(ask(scene, '/liveness', { turnAgeMs: 1500 }).status).toBe(200);
  expect(ask(scene, '/liveness', { turnAgeMs: 60_000 }).status).toBe(503);
});

test.each<[SceneName, string, keyof typeof HEALTH_FAULTS]>([
  ['a dead Redis', '/primary', 'redis_down'],
  ['a replica', '/primary', 'not_primary'],
  ['a master in doubt', '/primary', 'not_primary'],
  ['primary', '/replica', 'is_primary'],
  ['a replica whose link is down', '/replica', 'not_following'],
  ['a replica out of sync', '/readiness', 'not_in_sync'],
  ['a disabled replica', '/replica', 'left_alone'],
  ['a replica of unknown lag', '/replica?lag=1', 'lag_unknown'],
  ['a replica', '/replica?lag=1', 'lag_too_high'],
  ['a replica', '/replica?tag_a=b', 'tag_differs'],
])('GET says why: %s, %s: %s', (scene, target, fault) => {
  const { status, body, headers } = ask(SCENES[scene], target);
  expect(status).toBe(503);
  expect(headers['Content-Type']).toBe('application/json');
  expect(JSON.parse(body)).toMatchObject({ ok: false, fault, service: 'local', node: VIEW.node });
});

test('HEAD and OPTIONS have the same status and no body; other methods are not taken', () => {
  for (const method of ['HEAD', 'OPTIONS']) {
    for (const [scene, status] of [['primary', 200], ['a replica', 503]] as const) {
      expect(ask(SCENES[scene], '/primary', { method })).toEqual({ status, headers: {}, body: '' });
    }
  }
  expect(ask(SCENES.primary, '/primary', { method: 'POST' })).toMatchObject({
    status: 405, headers: { Allow: 'GET, HEAD, OPTIONS' },
  });
});
