/** Subscribers of the Sentinel port: what they are told, what they may ask, and the end of those who do not read. */
import { describe, expect, test } from 'vitest';
import { Stage, SWITCHED } from '../../test/support/sentinel-stage.ts';
import { waitFor } from '../../test/support/wait-for.ts';

describe('subscribers', () => {
  test('hear of a switch once, in both protocols, and what pattern it matched', async () => {
    const stage = new Stage();
    const [two, three, pattern] = [await stage.client(), await stage.client(), await stage.client()];
    two.say('subscribe +switch-master +sdown');
    expect(await two.hears(':2\r\n')).toBe(
      '*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$6\r\n+sdown\r\n:2\r\n',
    );
    three.say('hello 3\r\nsubscribe +switch-master');
    await three.hears(':1\r\n');
    pattern.say('psubscribe switch-m* [-+]odown');
    await pattern.hears(':2\r\n');
    stage.see(SWITCHED);
    stage.see({});
    const payload = '$31\r\nsvc 10.0.0.1 6379 10.0.0.2 6380\r\n';
    expect(await two.hears('6380\r\n')).toBe(`*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n${payload}`);
    expect(await three.hears('6380\r\n')).toBe(`>3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n${payload}`);
    expect(await pattern.hears('6380\r\n')).toBe(
      `*4\r\n$8\r\npmessage\r\n$9\r\nswitch-m*\r\n$13\r\nswitch-master\r\n${payload}`,
    );
    expect(await three.ask('ping')).toBe('+PONG\r\n');
  });

  test('that are detectors of ioredis hear of a switch when their client has found it by itself', async () => {
    const stage = new Stage();
    const [detector, other] = [await stage.client(), await stage.client()];
    for (const talk of [detector, other]) {
      talk.say('client setinfo lib-name ioredis');
      await talk.hears('OK');
    }
    other.say('info clients');
    await other.hears('blocked_clients');
    for (const talk of [detector, other]) {
      talk.say('subscribe +switch-master');
      await talk.hears(':1\r\n');
    }
    stage.see(SWITCHED);
    await other.hears('6380\r\n');
    expect(detector.heard).toBe('');
    await detector.hears('6380\r\n');
  });

  test('of RESP2 may ask little', async () => {
    const talk = await new Stage().client();
    talk.say('subscribe a');
    await talk.hears(':1\r\n');
    talk.say('ping\r\nping x\r\nsentinel masters\r\nunsubscribe\r\nping');
    expect(await talk.hears('+PONG')).toBe(
      '*2\r\n$4\r\npong\r\n$0\r\n\r\n*2\r\n$4\r\npong\r\n$1\r\nx\r\n' +
      "-ERR Can't execute 'sentinel|masters': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET " +
      'are allowed in this context\r\n*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n+PONG\r\n',
    );
    expect(await talk.ask('unsubscribe')).toBe('*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n');
  });

  test('who do not read are cut, and the others go on', async () => {
    const stage = new Stage({ names: ['svc', 'x'.repeat(500)], limits: { outputBytesMax: 200_000 } });
    const [slow, quick] = [await stage.client(), await stage.client()];
    for (const talk of [slow, quick]) {
      talk.say('psubscribe *');
      await talk.hears(':1\r\n');
    }
    slow.socket.pause();
    // Each reset is told to both; what the kernel takes in for the slow one comes on top of the bound.
    const asking = await stage.client();
    await waitFor(async () => {
      await asking.ask('sentinel reset *\r\n'.repeat(1000));
      quick.heard = '';
      return /connected_clients:2\r\n/.test(await asking.ask('info clients'));
    }, 'the slow one to be cut', 60_000);
    expect(quick.closed).toBe(false);
  }, 90_000);
});
