// What /proc says of a process, and when it is believed. The processes are real children of this test.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { createProcessPort } from './linux-process.ts';
import type { ProcessProof, ProcessSight, ServerClaim } from './ports.ts';
import { waitFor } from '../../test/support/wait-for.ts';

const LISTENER = `
  const server = require('net').createServer();
  server.listen(0, '127.0.0.1', () => process.stdout.write(server.address().port + '\\n'));
`;

const port = createProcessPort();
let child: ChildProcess;
let claim: ServerClaim;

beforeEach(async () => {
  child = spawn(process.execPath, ['-e', LISTENER], { stdio: ['ignore', 'pipe', 'inherit'] });
  const listening = await new Promise<number>((resolve) => {
    child.stdout?.once('data', (data: Buffer) => resolve(Number(data.toString())));
  });
  claim = { pid: child.pid ?? -1, port: listening, ageMs: 500 };
});
afterEach(() => child.kill('SIGKILL'));

const prove = (change: Partial<ServerClaim> = {}): Promise<ProcessProof> =>
  new Promise((resolve) => { port.prove({ ...claim, ...change }, resolve); });
const look = (startTicks: number): Promise<ProcessSight> =>
  new Promise((resolve) => { port.look({ pid: claim.pid, startTicks }, resolve); });
const kill = (startTicks: number, change: Partial<ServerClaim> = {}): Promise<{ ok: boolean }> =>
  new Promise((resolve) => { port.kill({ ...claim, ...change }, startTicks, resolve); });

async function proved(): Promise<number> {
  const proof = await prove();
  if (!proof.ok) throw new Error(`not proved: ${proof.code}`);
  return proof.startTicks;
}

describe('a process is that server', () => {
  test('when it listens on the port and is as old', async () => {
    expect(await prove()).toMatchObject({ ok: true });
  });

  test.each<[string, Partial<ServerClaim>, string]>([
    ['not when it listens elsewhere', { port: 1 }, 'other_port'],
    ['not when it is younger than the server says', { ageMs: 60_000 }, 'other_age'],
    ['not when its age is unknown', { ageMs: Number.NaN }, 'other_age'],
    ['not when there is none', { pid: 4_194_304 }, 'no_process'],
    ['not when it is somebody else', { pid: process.pid, ageMs: process.uptime() * 1000 }, 'other_port'],
  ])('%s', async (_what, change, code) => {
    expect(await prove(change)).toEqual({ ok: false, code });
  });
});

describe('a process that was proved', () => {
  test('is seen stopped, and running again', async () => {
    const startTicks = await proved();
    expect(await look(startTicks)).toBe('running');
    child.kill('SIGSTOP');
    await waitFor(async () => (await look(startTicks)) === 'stopped', 'it is seen stopped');
    expect(await prove()).toMatchObject({ ok: true });
    child.kill('SIGCONT');
    await waitFor(async () => (await look(startTicks)) === 'running', 'it is seen running');
  });

  test('is dead when it is gone, or another has its number', async () => {
    const startTicks = await proved();
    expect(await look(startTicks - 1)).toBe('dead');
    child.kill('SIGKILL');
    await waitFor(async () => (await look(startTicks)) === 'dead', 'it is seen dead');
  });

  test('is killed only while it is stopped, and only when it is proved again', async () => {
    const startTicks = await proved();
    expect(await kill(startTicks)).toEqual({ ok: false, code: 'not_stopped' });
    child.kill('SIGSTOP');
    await waitFor(async () => (await look(startTicks)) === 'stopped', 'it is seen stopped');
    expect(await kill(startTicks, { port: 1 })).toEqual({ ok: false, code: 'other_port' });
    expect(await kill(startTicks + 1)).toEqual({ ok: false, code: 'no_process' });
    const ended = new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
    expect(await kill(startTicks)).toEqual({ ok: true });
    expect(await ended).toBe('SIGKILL');
  });
});
