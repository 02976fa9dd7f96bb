import { describe, expect, test } from 'vitest';
import { MAX_PENDING_COMMANDS } from '../../../src/redis/link.ts';
import type { SendOutcome } from '../../../src/redis/link.ts';
import { redisConnector } from './connector.ts';
import { PORT, Stage } from './testing/stage.ts';

function connected() {
  const stage = new Stage();
  const m = stage.node('m');
  const endings: string[] = [];
  const outcomes: SendOutcome[] = [];
  const link = stage.link(m, endings);
  const ping = (deadlineMs = 1000): void => link.send([['PING']], deadlineMs, (outcome) => outcomes.push(outcome));
  return { stage, m, endings, outcomes, link, ping };
}

const kinds = (outcomes: readonly SendOutcome[]): string[] => outcomes.map(({ kind }) => kind);

describe('the simulated link', () => {
  test('tells a refusal, a timeout and an unreachable host apart', () => {
    const stage = new Stage();
    const m = stage.node('m');
    const told: string[] = [];
    const dial = (): void => {
      redisConnector(stage.network, stage.me).connect(
        { host: 'm', port: PORT }, { purpose: 'test', connectTimeoutMs: 5000 },
        {
          onOpen: () => told.push('open'),
          onRefused: () => told.push('refused'),
          onFailed: ({ code }) => told.push(code),
          onClosed: (how) => told.push(how),
        },
      );
      stage.pass(6000);
    };
    m.process.kill();
    dial();
    stage.network.setPath('me', 'm', { state: 'drop' });
    dial();
    stage.network.heal();
    m.host.up = false;
    dial();
    expect(told).toEqual(['refused', 'timeout', 'unreachable']);
  });

  test('opens towards a stopped server, is silent at the deadline, and drops the late reply', () => {
    const { stage, m, outcomes, ping, endings } = connected();
    m.process.freeze();
    ping();
    stage.pass(1500);
    expect(kinds(outcomes)).toEqual(['silent']);
    m.process.thaw();
    ping();
    stage.pass(10);
    expect(outcomes).toMatchObject([{ kind: 'silent' }, { kind: 'answered', replies: [{ value: 'PONG' }] }]);
    expect(endings).toEqual([]);
  });

  test('does not open with a password towards a stopped server', () => {
    const stage = new Stage();
    const m = stage.node('m');
    m.process.freeze();
    const told: string[] = [];
    redisConnector(stage.network, stage.me).connect(
      { host: 'm', port: PORT, password: 'secret' }, { purpose: 'test', connectTimeoutMs: 1000 },
      {
        onOpen: () => told.push('open'),
        onRefused: () => told.push('refused'),
        onFailed: ({ code }) => told.push(code),
        onClosed: (how) => told.push(how),
      },
    );
    stage.pass(2500);
    expect(told).toEqual(['timeout']);
  });

  test('tells pending sends that it closed before it tells that it closed', () => {
    const { stage, m, link, outcomes, ping, endings } = connected();
    m.process.freeze();
    ping();
    link.send([['PING']], 1000, () => endings.push('send closed'));
    stage.scheduler.after(5, () => m.process.kill());
    stage.pass(10);
    expect(kinds(outcomes)).toEqual(['closed']);
    expect(endings).toEqual(['send closed', expect.stringMatching(/^(fin|reset)$/)]);
    ping();
    stage.pass(1);
    expect(kinds(outcomes)).toEqual(['closed', 'closed']);
  });

  test('says local when we close it ourselves, and calls nothing from inside a call', () => {
    const { stage, link, endings } = connected();
    link.close();
    expect(endings).toEqual([]);
    stage.pass(1);
    expect(endings).toEqual(['local']);
  });

  test('refuses more than its bound of unanswered commands', () => {
    const { stage, m, outcomes, ping } = connected();
    m.process.freeze();
    for (let i = 0; i <= MAX_PENDING_COMMANDS; i++) ping(24 * 3_600_000);
    stage.pass(5000);
    expect(outcomes).toMatchObject([{ kind: 'answered', replies: [{ ok: false, code: 'QUEUE_FULL' }] }]);
  });

  test('has read what arrived when a deadline passes while its own process was stopped', () => {
    const { stage, outcomes, ping } = connected();
    ping(1000);
    stage.me.freeze();
    stage.pass(3000);
    stage.scheduler.after(0, () => stage.me.thaw());
    stage.pass(1);
    expect(kinds(outcomes)).toEqual(['answered']);
  });
});
