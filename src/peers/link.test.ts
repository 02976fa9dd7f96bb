// One stream against a clock that the test turns: silence, give-up, and every bound that cuts a stream.

import { Duplex, duplexPair } from 'node:stream';
import { setImmediate } from 'node:timers/promises';

import { afterEach, describe, expect, test } from 'vitest';

import type { Clock } from '../contract/clock.ts';
import { LINE_BYTES_MAX } from './lines.ts';
import { LINES_PER_BEAT_MAX, openLink, OUTPUT_BYTES_MAX } from './link.ts';
import type { PeerLink } from './link.ts';
import { BEAT_MS, GIVE_UP_BEATS, SILENT_BEATS } from './peers.ts';

const BEAT = '{"kind":"beat"}\n';

/** A clock with one timer under way, which the test fires. */
function handClock(): Clock & { beat(): void } {
  let due: (() => void) | undefined;
  return {
    now: () => 0,
    after(delayMs, callback) {
      expect(delayMs).toBe(BEAT_MS);
      due = callback;
      return () => (due = undefined);
    },
    beat: () => due?.(),
  };
}

const open: PeerLink[] = [];
afterEach(() => {
  for (const link of open.splice(0)) link.close();
});

function linkOn(stream: Duplex): { link: PeerLink; clock: ReturnType<typeof handClock>; told: string[] } {
  const clock = handClock();
  const told: string[] = [];
  const link = openLink(stream, clock, {
    onMessage: (message) => told.push(message.kind),
    onEnded: (how) => told.push(`ended ${how}`),
  });
  open.push(link);
  return { link, clock, told };
}

function linked(): ReturnType<typeof linkOn> & { far: Duplex } {
  const [near, far] = duplexPair();
  return { ...linkOn(near), far };
}

/** Lets streams hand over what was written. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
}

describe('a peer stream', () => {
  test('sends a heartbeat at once and with every beat', async () => {
    const { clock, far } = linked();
    clock.beat();
    await settle();
    expect(String(far.read())).toBe(BEAT + BEAT);
  });

  test('is given up after a long silence, which proves nothing', () => {
    const { clock, told } = linked();
    for (let beat = 0; beat < GIVE_UP_BEATS; beat += 1) clock.beat();
    expect(told).toEqual([]);
    clock.beat();
    expect(told).toEqual(['ended silent']);
  });

  test('ends with fin when the other side closes it', async () => {
    const { far, told } = linked();
    far.end('{"kind":"look"}\n');
    await settle();
    expect(told).toEqual(['look', 'ended fin']);
  });

  test('that was silent ends as silent, whatever ended it', async () => {
    const { clock, far, told } = linked();
    for (let beat = 0; beat <= SILENT_BEATS; beat += 1) clock.beat();
    far.end();
    await settle();
    expect(told).toEqual(['ended silent']);
  });

  test.each([
    ['missed as many beats as silence takes', SILENT_BEATS, ''],
    ['was silent and spoke again', SILENT_BEATS + 1, BEAT],
  ])('that %s ends as it is ended', async (_what, missed, last) => {
    const { clock, far, told } = linked();
    for (let beat = 0; beat < missed; beat += 1) clock.beat();
    far.end(last);
    await settle();
    expect(told).toEqual(['ended fin']);
  });

  test.each([
    ['ECONNRESET', 'reset'],
    ['EPIPE', 'reset'],
    ['ETIMEDOUT', 'silent'],
    ['EHOSTUNREACH', 'silent'],
  ])('that fails with %s ends with %s', async (code, how) => {
    const [near] = duplexPair();
    const { told } = linkOn(near);
    near.destroy(Object.assign(new Error(code), { code }));
    await settle();
    expect(told).toEqual([`ended ${how}`]);
  });

  test.each([
    ['a line that never ends', 'x'.repeat(LINE_BYTES_MAX + 1)],
    ['what is no JSON', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['more lines than an honest peer sends', BEAT.repeat(LINES_PER_BEAT_MAX + 1)],
  ])('is cut for %s', async (_what, bytes) => {
    const { far, told } = linked();
    far.on('error', () => undefined);
    far.write(bytes);
    await settle();
    expect(told).toEqual(['ended local']);
  });

  test('hands over nothing that follows the line it was cut for', async () => {
    const { far, told } = linked();
    far.write('{"kind":"look"}\ngarbage\n{"kind":"look"}\n');
    await settle();
    expect(told).toEqual(['look', 'ended local']);
  });

  test('is cut when the other side does not read', () => {
    const blocked = new Duplex({ read: () => undefined, write: () => undefined });
    const { link, told } = linkOn(blocked);
    const message = { kind: 'redis_died', runId: 'r'.repeat(64) } as const;
    for (let bytes = 0; bytes < OUTPUT_BYTES_MAX; bytes += 64) link.send(message);
    expect(told).toEqual(['ended local']);
    expect(blocked.destroyed).toBe(true);
  });

  test('says its end once, and nothing after it', async () => {
    const { link, clock, far, told } = linked();
    link.close();
    link.close();
    clock.beat();
    link.send({ kind: 'look' });
    far.write(BEAT);
    await settle();
    expect(told).toEqual(['ended local']);
  });
});
