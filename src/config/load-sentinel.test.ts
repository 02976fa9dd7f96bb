import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { configOf, faultsOf, pathsOf } from '../../test/support/config-sources.ts';
import type { FileRead } from './read-file.ts';

test('the Sentinel port has the number and the name that clients expect, unless told otherwise', () => {
  expect(configOf({ json: { svc_name: 'shop', node: { host: 'r1' } } }).sentinel).toEqual({
    port: 26379, bind: [], masterNames: ['shop'], users: [], announceHost: 'r1', announcePort: 26379,
    announceHostnames: false, services: [], aliases: true, clientsMax: 1000,
  });
  expect(configOf({ json: { sentinel: { master_name: 'mymaster' } } }).sentinel?.masterNames).toEqual(['mymaster']);
  expect(configOf({ env: { DICTATOR_SENTINEL_MASTER_NAME: 'a,b' } }).sentinel?.masterNames).toEqual(['a', 'b']);
});

test('it answers for other services where they are named, or patterns of them', () => {
  expect(configOf({ json: { sentinel: { services: ['*'] } } }).sentinel?.services).toEqual(['*']);
  expect(configOf({ env: { DICTATOR_SENTINEL_SERVICES: 'cache-*,queue' } }).sentinel?.services)
    .toEqual(['cache-*', 'queue']);
  expect(pathsOf({ json: { sentinel: { services: [] } } })).toEqual(['sentinel.services']);
  expect(pathsOf({ json: { sentinel: { services: ['a', 'a b'] } } })).toEqual(['sentinel.services[1]']);
});

test('it is off where that is asked for, in whatever way', () => {
  expect(configOf({ json: { sentinel: { port: 'off' } } }).sentinel).toBeNull();
  expect(configOf({ env: { DICTATOR_SENTINEL_PORT: 'off' } }).sentinel).toBeNull();
  expect(configOf({ env: { DICTATOR_SENTINEL_PORT: '7000' } }).sentinel?.port).toBe(7000);
  expect(pathsOf({ json: { sentinel: { port: 0 } } })).toEqual(['sentinel.port']);
});

test('it has a password, from a file if so, and users; all of them are hidden', () => {
  const users = [{ name: 'app', password: 'hunter2' }];
  const files: Record<string, FileRead> = { pw: { ok: true, text: 'hunter3\n', othersMayRead: false } };
  const config = configOf({ json: { sentinel: { users, password_file: 'pw' } }, files });
  expect(config.sentinel?.users.map(({ name, password }) => [name, password.reveal()])).toEqual([
    ['default', 'hunter3'], ['app', 'hunter2'],
  ]);
  expect(`${inspect(config, { depth: 9 })} ${JSON.stringify(config)}`).not.toMatch(/hunter/);
  const env = { DICTATOR_SENTINEL_USERS: JSON.stringify(users) };
  expect(configOf({ env }).sentinel?.users.map(({ name }) => name)).toEqual(['app']);
});

test('a fault of its users shows none of their secrets', () => {
  const twins = ['hunter2', 'x'].map((password) => ({ name: 'a', password }));
  const faults = [
    ...faultsOf({ json: { sentinel: { users: [{ name: 'app', password: 'hunter2', more: 1 }] } } }),
    ...faultsOf({ env: { DICTATOR_SENTINEL_USERS: 'hunter2' } }),
    ...faultsOf({ json: { sentinel: { users: twins } } }),
  ];
  expect(faults.map(({ path }) => path)).toEqual(['sentinel.users', 'sentinel.users', 'sentinel.users']);
  expect(JSON.stringify(faults)).not.toContain('hunter2');
});

test.each([
  [{ port: 6379 }, 'sentinel.port'],
  [{ port: 8000 }, 'sentinel.port'],
  [{ password: 'a', password_file: 'b' }, 'sentinel.password_file'],
  [{ password: 'a', users: [{ name: 'default', password: 'b' }] }, 'sentinel.users'],
  [{ master_name: 'a b' }, 'sentinel.master_name[0]'],
  [{ master_name: ['a', 'a'] }, 'sentinel.master_name'],
  [{ bind: ['a:1'] }, 'sentinel.bind[0]'],
])('%j is refused', (sentinel, path) => {
  const files: Record<string, FileRead> = { b: { ok: true, text: 'x', othersMayRead: false } };
  expect(pathsOf({ json: { sentinel }, files })).toEqual([path]);
});
