import { spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BUFFER_BYTES_MAX, openSink } from './sink.ts';

/** Far above what a process may open. */
const FD_NEVER_OPEN = 0x7fff_0000;

const folder = mkdtempSync(path.join(tmpdir(), 'dictator-log-'));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function openPipe(name: string): Promise<{ readonly fd: number; read(bytes: number): string }> {
  const file = path.join(folder, name);
  const [code] = (await once(spawn('mkfifo', [file]), 'exit')) as [number];
  expect(code).toBe(0);
  const fd = openSync(file, constants.O_RDWR);
  const reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  const read = (bytes: number): string => {
    const buffer = Buffer.alloc(bytes);
    return buffer.toString('utf8', 0, readSync(reader, buffer));
  };
  return { fd, read };
}

test('a file has each line as soon as it was written', () => {
  const name = path.join(folder, 'file');
  const fd = openSync(name, 'w');
  const sink = openSink(fd);
  sink.write('one\n');
  expect(readFileSync(name, 'utf8')).toBe('one\n');
  sink.close();
  sink.write('late\n');
  expect(readFileSync(name, 'utf8')).toBe('one\n');
  closeSync(fd);
});

test('a pipe that nobody reads blocks nothing: lines wait, then are dropped and counted', async () => {
  const pipe = await openPipe('stuck');
  const sink = openSink(pipe.fd);
  const line = `${'x'.repeat(1023)}\n`;
  const lines = (BUFFER_BYTES_MAX / line.length) * 2;
  for (let count = 0; count < lines; count += 1) sink.write(line);
  expect(sink.takeDropped()).toBe(0); // No room yet to tell it.
  let received = '';
  while (received.length < BUFFER_BYTES_MAX) {
    received += pipe.read(64 * 1024);
    sink.write('');
  }
  const dropped = sink.takeDropped();
  expect(dropped).toBeGreaterThan(0);
  sink.close();
  received += pipe.read(64 * 1024);
  expect(received).toBe(line.repeat(lines - dropped));
  closeSync(pipe.fd);
});

test('closing waits for a reader that stands still only for a bounded time', async () => {
  const pipe = await openPipe('closing');
  const sink = openSink(pipe.fd);
  sink.write('x'.repeat(BUFFER_BYTES_MAX));
  sink.close();
  closeSync(pipe.fd);
});

test('a descriptor that is gone throws nothing', () => {
  const sink = openSink(FD_NEVER_OPEN);
  sink.write('x\n');
  sink.close();
});
