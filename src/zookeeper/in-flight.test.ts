import { expect, test } from 'vitest';

import { JuteError, JuteReader, JuteWriter } from './codec.ts';
import { IN_FLIGHT_BYTES_MAX, IN_FLIGHT_MAX, InFlight, type Request } from './in-flight.ts';

interface Recorded {
  readonly outcomes: string[];
  request(xid: number, frameBytes?: number): Request;
}

function recorder(): Recorded {
  const outcomes: string[] = [];
  return {
    outcomes,
    request: (xid, frameBytes = 10) => ({
      xid,
      path: `/${String(xid)}`,
      frame: Buffer.alloc(frameBytes),
      resolve: (reader) => { outcomes.push(`${String(xid)} = ${String(reader.int())}`); },
      reject: (error) => { outcomes.push(error.message); },
    }),
  };
}

const value = (number: number): JuteReader => new JuteReader(new JuteWriter().int(number).frame().subarray(4));
const header = (xid: number, error = 0): { xid: number; zxid: bigint; error: number } => ({ xid, zxid: 1n, error });

test('answers settle requests in order, positive and negative ones', () => {
  const { outcomes, request } = recorder();
  const inFlight = new InFlight(1000);
  for (const xid of [1, 2, 3]) inFlight.add(request(xid));
  inFlight.reply(header(1), value(11));
  inFlight.reply(header(2, -101), value(0));
  inFlight.reply(header(3, -4711), value(0));
  expect(outcomes).toEqual(['1 = 11', 'NO_NODE /2', 'UNKNOWN -4711 /3']);
  inFlight.rejectAll('CONNECTION_LOSS');
});

test('an answer out of order, or to nothing, is refused, and its request is still answered at the end', () => {
  const { outcomes, request } = recorder();
  const inFlight = new InFlight(1000);
  expect(() => { inFlight.reply(header(1), value(0)); }).toThrow(JuteError);
  inFlight.add(request(1));
  inFlight.add(request(2));
  expect(() => { inFlight.reply(header(2), value(0)); }).toThrow(JuteError);
  inFlight.rejectAll('CONNECTION_LOSS');
  expect(outcomes).toEqual(['CONNECTION_LOSS /1', 'CONNECTION_LOSS /2']);
});

test('an answer that cannot be decoded rejects its request and is reported', () => {
  const { outcomes, request } = recorder();
  const inFlight = new InFlight(1000);
  inFlight.add(request(1));
  expect(() => { inFlight.reply(header(1), new JuteReader(Buffer.alloc(2))); }).toThrow(JuteError);
  expect(outcomes).toEqual(['CONNECTION_LOSS /1']);
  inFlight.rejectAll('CONNECTION_LOSS');
  expect(outcomes).toHaveLength(1);
});

test('a request out of time is rejected once and keeps its place', async () => {
  const { outcomes, request } = recorder();
  const inFlight = new InFlight(5);
  const rejected = new Promise<void>((done) => {
    inFlight.add({ ...request(1), reject: (error) => { outcomes.push(error.message); done(); } });
  });
  await rejected;
  inFlight.add(request(2));
  inFlight.reply(header(1), value(11));
  inFlight.reply(header(2), value(22));
  expect(outcomes).toEqual(['OPERATION_TIMEOUT /1', '2 = 22']);
  expect(inFlight.size).toBe(0);
  inFlight.rejectAll('CONNECTION_LOSS');
});

test('requests are bounded in number and in bytes', () => {
  const { request } = recorder();
  const byNumber = new InFlight(1000);
  for (let xid = 1; xid <= IN_FLIGHT_MAX; xid += 1) {
    expect(byNumber.hasRoomFor(10)).toBe(true);
    byNumber.add(request(xid));
  }
  expect(byNumber.hasRoomFor(10)).toBe(false);
  byNumber.reply(header(1), value(0));
  expect(byNumber.hasRoomFor(10)).toBe(true);
  byNumber.rejectAll('CONNECTION_LOSS');
  const byBytes = new InFlight(1000);
  byBytes.add(request(1, IN_FLIGHT_BYTES_MAX - 100));
  expect(byBytes.hasRoomFor(100)).toBe(true);
  expect(byBytes.hasRoomFor(101)).toBe(false);
  byBytes.rejectAll('CONNECTION_LOSS');
});
