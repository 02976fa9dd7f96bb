import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { JuteError, JuteReader, JuteWriter } from './codec.ts';
import { ZooKeeperError } from './errors.ts';
import { createFlags, readMulti, versionOnWire, writeMulti, type MultiOp } from './multi.ts';
import { Chroot, pathAndParents, pathFault } from './paths.ts';
import { readConnectResponse, readReplyHeader, readStat, readWatchEvent } from './protocol.ts';

const OPS: readonly MultiOp[] = [
  { op: 'create', path: '/a', data: 'x', ephemeral: true },
  { op: 'setData', path: '/b', data: Buffer.from('y'), version: 0 },
  { op: 'check', path: '/c' },
  { op: 'delete', path: '/d', version: 3 },
];
const context = { ops: OPS, zxid: 9n, toUser: (path: string) => path };

describe('versions and flags', () => {
  test('version 0 is 0 on the wire, and only undefined means any', () => {
    expect([versionOnWire(0), versionOnWire(7), versionOnWire(undefined)]).toEqual([0, 7, -1]);
  });

  test('ephemeral and sequential are bits', () => {
    expect(createFlags({})).toBe(0);
    expect(createFlags({ ephemeral: true })).toBe(1);
    expect(createFlags({ ephemeral: true, sequential: true })).toBe(3);
  });
});

describe('records made of arbitrary bytes', () => {
  const readers = {
    'a connect response': readConnectResponse,
    'a reply header': readReplyHeader,
    'a stat': readStat,
    'a watch event': (reader: JuteReader) => readWatchEvent(reader, -1n),
    'the results of a transaction': (reader: JuteReader) => readMulti(reader, context),
  };
  for (const [name, read] of Object.entries(readers)) {
    test(`${name}: read or refused with a JuteError`, () => {
      fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          read(new JuteReader(Buffer.from(bytes)));
        } catch (error) {
          expect(error).toBeInstanceOf(JuteError);
        }
      }));
    });
  }
});

describe('the results of a transaction', () => {
  const answer = (fill: (writer: JuteWriter) => void): JuteReader => {
    const writer = new JuteWriter();
    fill(writer);
    writer.int(-1).boolean(true).int(-1);
    return new JuteReader(writer.frame().subarray(4));
  };

  test('name the operation that was refused, not those undone because of it', () => {
    const reader = answer((writer) => {
      for (const code of [0, -103, -2, -2]) writer.int(-1).boolean(false).int(code).int(code);
    });
    const refusal = readMulti(reader, context);
    expect(refusal).toBeInstanceOf(ZooKeeperError);
    expect(refusal).toMatchObject({ code: 'BAD_VERSION', index: 1, path: '/b', serverCode: -103 });
  });

  test('that are too few, too many or of another kind are refused', () => {
    expect(() => readMulti(answer(() => undefined), context)).toThrow(JuteError);
    expect(() => readMulti(answer((writer) => writer.int(2).boolean(false).int(0)), context)).toThrow(JuteError);
    const one = { ...context, ops: OPS.slice(2, 3) };
    const two = answer((writer) => writer.int(13).boolean(false).int(0).int(13).boolean(false).int(0));
    expect(() => readMulti(two, one)).toThrow(JuteError);
  });

  test('are asked for with every path under the chroot', () => {
    const writer = new JuteWriter();
    writeMulti(writer, OPS, (path) => `/root${path}`);
    const sent = writer.frame().toString('latin1');
    for (const { path } of OPS) expect(sent).toContain(`/root${path}`);
  });
});

describe('paths', () => {
  test('below a chroot are translated both ways', () => {
    const name = fc.stringMatching(/^[a-z]{1,5}$/);
    const path = fc.array(name, { maxLength: 4 }).map((names) => `/${names.join('/')}`);
    fc.assert(fc.property(path, path, (prefix, user) => {
      const chroot = new Chroot(prefix);
      const server = chroot.toServer(user);
      expect(pathFault(server)).toBeNull();
      expect(chroot.toUser(server)).toBe(user);
    }));
  });

  test('outside of the chroot are left as they are', () => {
    expect(new Chroot('/a').toUser('/ab/c')).toBe('/ab/c');
  });

  test('have parents', () => {
    expect(pathAndParents('/')).toEqual([]);
    expect(pathAndParents('/a/b')).toEqual(['/a', '/a/b']);
  });

  test('that the server would refuse are found', () => {
    for (const path of ['', 'a', '/a/', '//', '/a//b', '/./a', '/..', '/a\0']) expect(pathFault(path)).not.toBeNull();
    for (const path of ['/', '/a', '/a.b/..c/é']) expect(pathFault(path)).toBeNull();
  });
});
