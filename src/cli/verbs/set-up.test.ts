/** Verbs that need neither ensemble nor agent. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { playedIo } from '../../../test/support/cli-io.ts';
import type { FileRead } from '../../config/read-file.ts';
import { confirm } from '../confirm.ts';
import { dictator } from '../dictator.ts';
import { FlagValues } from '../flags.ts';
import { VERBS } from '../verbs.ts';

async function call(args: readonly string[], files: Readonly<Record<string, string>> = {}) {
  const readFile = (name: string): FileRead => {
    const text = files[name];
    if (text === undefined) return { ok: false, reason: 'does not exist' };
    if (text === 'secret') return { ok: false, reason: 'may not be read by this user' };
    return { ok: true, text, othersMayRead: false };
  };
  const { io, printed } = playedIo({ readFile });
  const exitCode = await dictator(args, io, () => Promise.reject(new Error('no agent is run here')));
  return { exitCode, ...printed };
}

const snapshot = (name: string): string => path.join(import.meta.dirname, '../snapshots', `${name}.txt`);

test('the example is the one that is installed, and valid', async () => {
  const { out, exitCode } = await call(['config', 'example']);
  expect(exitCode).toBe(0);
  expect(out).toBe(readFileSync(path.join(import.meta.dirname, '../../../packaging/dictator.conf.example'), 'utf8'));
  expect(await call(['config', 'check', '/example'], { '/example': out })).toEqual({
    exitCode: 0, out: '/example: valid\n', err: '',
  });
});

test('config check names every fault', async () => {
  const files = { '/bad': '{"http_port": 0, "svcname": "x"}' };
  const ended = await call(['config', 'check', '/bad'], files);
  expect(ended).toMatchObject({ exitCode: 78, out: '' });
  expect(ended.err).toContain('Did you mean svc_name?');
  const json = await call(['config', 'check', '/bad', '--json'], files);
  expect(json.exitCode).toBe(78);
  expect(JSON.parse(json.out)).toMatchObject({ v: 1, ok: false, faults: [expect.any(String), expect.any(String)] });
});

test('config needs its second word', async () => {
  expect((await call(['config'])).err).toContain('config needs a second word: config check, config example');
  expect((await call(['help', 'config'])).out).toContain('config check FILE');
});

test.each(['bash', 'zsh'])('completion for %s', async (shell) => {
  const { out, exitCode } = await call(['completion', shell]);
  expect(exitCode).toBe(0);
  for (const { name } of VERBS) expect(out).toContain(name.split(' ')[0]);
  await expect(out).toMatchFileSnapshot(snapshot(`completion-${shell}`));
});

test('bash understands its completion, and completes verbs and flags by it', async () => {
  const { out } = await call(['completion', 'bash']);
  const ask = (words: string, index: number): string[] => {
    const script = `${out}\nCOMP_WORDS=(${words}); COMP_CWORD=${index}; _dictator; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return execFileSync('bash', ['-c', script], { encoding: 'utf8' }).trim().split('\n');
  };
  expect(ask('dictator his', 1)).toEqual(['history']);
  expect(ask('dictator config ""', 2)).toEqual(expect.arrayContaining(['check', 'example']));
  expect(ask('dictator show --z', 2)).toEqual(['--zk']);
});

test('completion knows two shells', async () => {
  expect(await call(['completion', 'fish'])).toMatchObject({ exitCode: 2, out: '' });
});

test('a password that may not be read keeps nobody from looking', async () => {
  const conf = '{"node": {"password_file": "/password"}, "zk_hosts": ["127.0.0.1:1"]}';
  const ended = await call(['history', '--config', '/conf'], { '/conf': conf, '/password': 'secret' });
  expect(ended).toMatchObject({ exitCode: 1, out: '' });
  expect(ended.err).toContain('(ensemble_unreachable)');
  const faulty = await call(['history', '--config', '/conf'], { '/conf': '{"http_port": 0}' });
  expect(faulty.exitCode).toBe(78);
});

test.each([
  [true, null, null, ''],
  [false, 'yes', null, ''],
  [false, ' Y ', null, ''],
  [false, 'n', 3, '(not_confirmed)'],
  [false, '', 3, '(not_confirmed)'],
  [false, null, 2, '(confirmation_needed)'],
])('a dangerous verb goes on with --yes or a yes: %s, %j', async (yes, answer, expected, said) => {
  const { io, printed } = playedIo({ answer });
  const flags = new FlagValues(new Map(yes ? [['yes', 'true']] : []));
  expect(await confirm({ args: [], flags, io, verbs: [] }, ['redis1 hands over.'])).toBe(expected);
  expect(printed.err).toMatch(/^redis1 hands over\.\n/);
  expect(printed.err).toContain(said);
});
