import { describe, expect, test } from 'vitest';
import {
  CLOSED_ADDRESS, configure, deadMan, fenceSequence, follow, freeze, killStragglers, promote, reversibleFence,
} from './commands.ts';

describe('the fence', () => {
  test('points at the closed address when there is no new master yet, never at NO ONE', () => {
    expect(fenceSequence(null)).toEqual([
      ['MULTI'], ['REPLICAOF', '127.0.0.1', '1'], ['CLIENT', 'KILL', 'TYPE', 'normal'],
      ['CLIENT', 'KILL', 'TYPE', 'pubsub'], ['EXEC'],
    ]);
  });

  test('points at the new master once there is one', () => {
    expect(fenceSequence({ host: 'fd00::2', port: 6379 })[1]).toEqual(['REPLICAOF', 'fd00::2', '6379']);
  });

  test('uses a closed address outside the ephemeral range', () => {
    expect(CLOSED_ADDRESS.port).toBeLessThan(1024);
  });
});

describe('the min-replicas settings', () => {
  test.each(['7.0.15', '7.2.4', '8.0.2', '10.1'])('are one command from 7.0 on (%s)', (version) => {
    expect(deadMan(1, version)).toEqual([['CONFIG', 'SET', 'min-replicas-max-lag', '2', 'min-replicas-to-write', '1']]);
  });

  test('are out of reach under the fence, which ends full syncs where the server can', () => {
    expect(reversibleFence('7.0.15')).toEqual([
      ['CONFIG', 'SET', 'min-replicas-max-lag', '2', 'min-replicas-to-write', '1000000'],
      ['CONFIG', 'SET', 'repl-diskless-sync-max-replicas', '0'],
    ]);
    expect(reversibleFence('6.2.14').at(-1)).toEqual(['CONFIG', 'SET', 'min-replicas-to-write', '1000000']);
  });

  test('are two commands for 6.2, the lag bound first', () => {
    expect(deadMan(1, '6.2.14')).toEqual([
      ['CONFIG', 'SET', 'min-replicas-max-lag', '2'], ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
    ]);
  });

  test('set the lag bound even when the dead-man is turned off', () => {
    expect(deadMan(0, '7.0.0')).toEqual([
      ['CONFIG', 'SET', 'min-replicas-max-lag', '2', 'min-replicas-to-write', '0'],
    ]);
  });
});

test('freeze, follow, promote and the repeated kill are what they say', () => {
  expect(freeze()).toEqual([['REPLICAOF', '127.0.0.1', '1']]);
  expect(follow({ host: 'redis-b', port: 6380 })).toEqual([['REPLICAOF', 'redis-b', '6380']]);
  expect(promote()).toEqual([['REPLICAOF', 'NO', 'ONE']]);
  expect(killStragglers()).toEqual([['CLIENT', 'KILL', 'TYPE', 'normal'], ['CLIENT', 'KILL', 'TYPE', 'pubsub']]);
});

describe('the settings of the running server', () => {
  const nothing = { announce: null, credentials: null, backlogBytes: null };

  test('keep the backlog for ever and touch nothing else that is unknown', () => {
    expect(configure(nothing)).toEqual([['CONFIG', 'SET', 'repl-backlog-ttl', '0']]);
  });

  test.each([
    { name: "Redis' own 1 MB is raised to 64 MB", backlogBytes: 1 << 20, expected: String(64 << 20) },
    { name: 'a larger one is kept', backlogBytes: 128 << 20, expected: undefined },
  ])('backlog: $name', ({ backlogBytes, expected }) => {
    const commands = configure({ ...nothing, backlogBytes });
    expect(commands.find((command) => command[2] === 'repl-backlog-size')?.[3]).toBe(expected);
  });

  test('announce the address and carry the credentials for the next master', () => {
    const commands = configure({
      announce: { host: 'host-a', port: 7000 }, credentials: { username: 'repl', password: 'pw' }, backlogBytes: null,
    });
    expect(commands.slice(1)).toEqual([
      ['CONFIG', 'SET', 'replica-announce-ip', 'host-a'], ['CONFIG', 'SET', 'replica-announce-port', '7000'],
      ['CONFIG', 'SET', 'masteruser', 'repl'], ['CONFIG', 'SET', 'masterauth', 'pw'],
    ]);
  });
});
