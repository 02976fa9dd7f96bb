// Actions on a Redis as commands: which, in which order.

import { expect, test } from 'vitest';

import type { ActionBody } from '../core/actions.ts';
import { isOwnRedisAction, isRemoteRedisAction, ownCommands, remoteCommands } from './perform-redis.ts';
import type { OwnRedisAction, RemoteRedisAction } from './perform-redis.ts';

const SERVER = {
  version: '7.0.15',
  announce: { host: '10.0.0.1', port: 6379 },
  credentials: null,
  backlogBytes: 1_048_576,
};
const TARGET = { host: '10.0.0.2', port: 6380 };
const FENCE = [
  ['CONFIG', 'SET', 'min-replicas-max-lag', '2', 'min-replicas-to-write', '1000000'],
  ['CONFIG', 'SET', 'repl-diskless-sync-max-replicas', '0'],
];
const HARD = [
  ['MULTI'],
  ['REPLICAOF', '10.0.0.2', '6380'],
  ['CLIENT', 'KILL', 'TYPE', 'normal'],
  ['CLIENT', 'KILL', 'TYPE', 'pubsub'],
  ['EXEC'],
];

test.each<[OwnRedisAction, readonly (readonly string[])[]]>([
  [{ kind: 'fence_reversibly' }, FENCE],
  [{ kind: 'fence_hard', target: TARGET }, HARD],
  [
    { kind: 'set_min_replicas', minReplicas: 1 },
    [['CONFIG', 'SET', 'min-replicas-max-lag', '2', 'min-replicas-to-write', '1']],
  ],
  [{ kind: 'open_full_syncs' }, [['CONFIG', 'SET', 'repl-diskless-sync-max-replicas', '1']]],
  [{ kind: 'freeze' }, [['REPLICAOF', '127.0.0.1', '1']]],
  [{ kind: 'follow', target: TARGET }, [['REPLICAOF', '10.0.0.2', '6380']]],
])('$kind', (action, commands) => {
  expect(ownCommands(action, SERVER)).toEqual(commands);
});

test('a promotion sets the dead-man first, so that Redis is never writable without it', () => {
  const commands = ownCommands({ kind: 'promote', minReplicas: 1 }, SERVER);
  expect(commands.at(0)).toEqual(['CONFIG', 'SET', 'min-replicas-max-lag', '2', 'min-replicas-to-write', '1']);
  expect(commands.at(-1)).toEqual(['REPLICAOF', 'NO', 'ONE']);
});

test('nothing that is sent writes a configuration file', () => {
  const kinds = ['fence_reversibly', 'freeze', 'configure'] as const;
  for (const kind of kinds) expect(ownCommands({ kind }, SERVER).flat()).not.toContain('REWRITE');
});

test.each<[RemoteRedisAction, readonly (readonly string[])[]]>([
  [{ kind: 'remote_fence_reversibly' }, FENCE],
  [{ kind: 'remote_fence_hard', target: TARGET }, HARD],
])('$kind', (action, commands) => {
  expect(remoteCommands(action, '7.0.15')).toEqual(commands);
});

test('each action is of one Redis, the other, or none', () => {
  const all: ActionBody[] = [
    { kind: 'freeze' }, { kind: 'remote_fence_reversibly' }, { kind: 'heartbeat' }, { kind: 'exit', keepsLease: false },
  ];
  expect(all.map(isOwnRedisAction)).toEqual([true, false, false, false]);
  expect(all.map(isRemoteRedisAction)).toEqual([false, true, false, false]);
});
