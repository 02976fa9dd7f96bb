/** The Sentinel port as clients meet it: over a socket, with a service that the test plays. */
import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { OperationAnswer } from '../contract/operations.ts';
import type { Topology } from '../contract/topology.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { sentinelId } from './run-id.ts';
import { SentinelServer } from './server.ts';
import type { SentinelServerOptions } from './server.ts';

const A = { name: 'a', host: '10.0.0.1', port: 6379, runId: 'run-a' };
const B = { name: 'b', host: '10.0.0.2', port: 6380, runId: 'run-b' };
const attached = { online: true, offset: 7, lagSeconds: 0 };
const CALM: Topology = {
  nowMs: 1000, service: 'svc', self: 'a', seesEnsemble: true, epoch: 4, master: A, lastMaster: A, planned: false,
  elected: null, masterHeard: true, heardAgoMs: 10, liveAgents: 2, nodes: ['a', 'b'], downAfterMs: 2000,
  replicas: [{ ...B, priority: 100, attached, gone: false, takesReads: true }],
  agents: [{ name: 'b', host: '10.0.0.2', port: 26379 }],
};
const SWITCHED: Partial<Topology> = {
  master: B, lastMaster: B, epoch: 5, replicas: [{ ...A, priority: 100, attached, gone: false, takesReads: true }],
};

const ELSEWHERE = 'it is a Dictator agent; ZooKeeper and its own file say what it answers for';

const ending: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

class Stage {
  topology = CALM;
  port = 0;
  answer: Promise<OperationAnswer> = Promise.resolve({ answer: 'done' });
  readonly asked: unknown[] = [];
  readonly server: SentinelServer;

  constructor(options: Partial<SentinelServerOptions> = {}) {
    this.server = new SentinelServer({
      port: 0, bind: ['127.0.0.1'], announce: { host: '10.0.0.1', port: 0 }, names: ['svc'], users: [], aliases: true,
      announceHostnames: true, clientsMax: 100, version: '0.1.0',
      api: {
        topology: () => this.topology,
        operate: (asked) => {
          this.asked.push(asked);
          return this.answer;
        },
      },
      now: () => performance.now(),
      lookup: (_name, done) => done(null),
      onListening: ({ port }) => (this.port = port),
      onFault: (fault) => {
        throw fault;
      },
      ...options,
    });
    this.server.start();
    ending.push(() => this.server.stop());
  }

  see(change: Partial<Topology>): void {
    this.topology = { ...this.topology, nowMs: this.topology.nowMs + 1, ...change };
    this.server.turned();
  }

  async client(): Promise<Talk> {
    await waitFor(() => this.port > 0, 'the server to listen');
    const socket = createConnection(this.port, '127.0.0.1');
    await once(socket, 'connect');
    ending.push(() => void socket.destroy());
    return new Talk(socket);
  }
}

/** Raw bytes out and in. */
class Talk {
  readonly socket: Socket;
  heard = '';
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => (this.heard += text));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => (this.closed = true));
  }

  say(text: string): void {
    this.socket.write(`${text}\r\n`);
  }

  async hears(text: string): Promise<string> {
    await waitFor(() => this.heard.includes(text), `to hear ${JSON.stringify(text)}`);
    const { heard } = this;
    this.heard = '';
    return heard;
  }

  /** Everything that is answered to this request. */
  async ask(text: string): Promise<string> {
    this.say(text);
    this.say('ECHO end-of-answer');
    const heard = await this.hears('$13\r\nend-of-answer\r\n');
    return heard.slice(0, -'$13\r\nend-of-answer\r\n'.length);
  }
}

describe('answers', () => {
  test('name the master, and null where there is none, or none of that name', async () => {
    const stage = new Stage();
    const talk = await stage.client();
    const address = '*2\r\n$8\r\n10.0.0.1\r\n$4\r\n6379\r\n';
    expect(await talk.ask('sentinel get-master-addr-by-name svc')).toBe(address);
    expect(await talk.ask('sentinel get-primary-addr-by-name svc')).toBe(address);
    expect(await talk.ask('sentinel get-master-addr-by-name other')).toBe('*-1\r\n');
    stage.see({ master: null });
    expect(await talk.ask('sentinel get-master-addr-by-name svc')).toBe('*-1\r\n');
    expect(await talk.ask('sentinel masters')).toContain('s_down,o_down,master,disconnected');
    stage.see({ seesEnsemble: false });
    expect(await talk.ask('HELLO 3')).toContain('$4\r\nmode\r\n$8\r\nsentinel\r\n');
    expect(await talk.ask('sentinel get-master-addr-by-name svc')).toBe('_\r\n');
    expect(await talk.ask('sentinel ckquorum svc')).toMatch(/^-NOQUORUM 0 usable Sentinels\. Not enough/);
  });

  test('of a lost master and of a replica that is down have the fields of the reference, in its order', async () => {
    const stage = new Stage();
    const talk = await stage.client();
    const pairs = async (request: string): Promise<[string, string][]> => {
      const texts = [...(await talk.ask(request)).matchAll(/\$\d+\r\n(.*)\r\n/g)].map((found) => found[1]!);
      return texts.flatMap((text, at): [string, string][] => (at % 2 === 0 ? [[text, texts[at + 1]!]] : []));
    };
    const fields = async (request: string): Promise<string> => (await pairs(request)).map(([name]) => name).join(' ');
    const head = 'name ip port runid flags link-pending-commands link-refcount';
    const pings = 'last-ping-sent last-ok-ping-reply last-ping-reply';
    const seen = 'down-after-milliseconds info-refresh role-reported role-reported-time';
    const counts = 'config-epoch num-slaves num-other-sentinels quorum failover-timeout parallel-syncs';
    const down = { ...B, priority: 100, attached: null, gone: true, takesReads: true };

    stage.see({ master: null, elected: 'b', replicas: [down] });
    expect(await fields('sentinel primary svc')).toBe(
      `${head} failover-state ${pings} s-down-time o-down-time ${seen} ${counts}`,
    );
    const entry = new Map(await pairs('sentinel master svc'));
    expect(entry.get('flags')).toBe('s_down,o_down,master,disconnected,failover_in_progress');
    expect(entry.get('failover-state')).toBe('wait_promotion');
    expect(await fields('sentinel replicas svc')).toBe(
      `${head} ${pings} s-down-time ${seen} master-link-down-time master-link-status master-host master-port `
      + 'slave-priority slave-repl-offset replica-announced',
    );
    expect(new Map(await pairs('sentinel slaves svc')).get('flags')).toBe('s_down,slave,disconnected');
    expect(await fields('sentinel sentinels svc')).toBe(
      `${head} ${pings} down-after-milliseconds last-hello-message voted-leader voted-leader-epoch`,
    );
    expect(await talk.ask('sentinel is-master-down-by-addr 10.0.0.1 6379 0 *')).toBe('*3\r\n:1\r\n$1\r\n*\r\n:0\r\n');
    expect(await talk.ask('sentinel failover svc')).toBe('-INPROG Failover already in progress\r\n');
    stage.see({ ...SWITCHED, elected: 'b' });
    expect(new Map(await pairs('sentinel primaries')).get('ip')).toBe('10.0.0.2');
    expect((await talk.ask('sentinel masters'))).not.toContain('failover_in_progress');
  });

  test('list no replica that operators keep readers away from, also while there is no master', async () => {
    const stage = new Stage();
    const talk = await stage.client();
    const hidden = { ...B, priority: 100, attached, gone: false, takesReads: false };
    stage.see({ replicas: [hidden] });
    expect(await talk.ask('sentinel replicas svc')).toBe('*0\r\n');
    expect(await talk.ask('sentinel master svc')).toContain('num-slaves\r\n$1\r\n1\r\n');
    stage.see({ replicas: [{ ...hidden, takesReads: true }] });
    expect(await talk.ask('sentinel slaves svc')).toContain('10.0.0.2:6380');
    stage.see({ master: null, replicas: [hidden] });
    expect(await talk.ask('sentinel slaves svc')).toBe('*0\r\n');
  });

  test('come to node-redis when there is a master again, and send it on where nothing can be known', async () => {
    const stage = new Stage({ limits: { heldQuestionsMax: 1 } });
    const [patient, second, other] = [await stage.client(), await stage.client(), await stage.client()];
    for (const talk of [patient, second]) {
      talk.say('client setinfo lib-name node-redis(app)');
      await talk.hears('OK');
    }
    stage.see({ master: null });
    patient.say('sentinel sentinels svc\r\nsentinel master svc\r\nping');
    await patient.hears('10.0.0.2\r\n');
    // Answers on one connection keep their order, so what is not held back shows that it was asked.
    expect(await other.ask('sentinel master svc')).toContain('s_down,o_down,master,disconnected');
    expect(await second.ask('sentinel master svc')).toContain('s_down,o_down,master,disconnected');
    expect(patient.heard).not.toContain('PONG');
    stage.see(SWITCHED);
    const heard = await patient.hears('+PONG\r\n');
    expect(heard).toContain('$4\r\nport\r\n$4\r\n6380\r\n');
    expect(heard).not.toContain('s_down');

    stage.see({ master: null });
    patient.say('sentinel master svc');
    stage.see({ seesEnsemble: false });
    await patient.hears('-ERR This agent sees no ZooKeeper: ask another\r\n');
    expect(await second.ask('sentinel master svc')).toBe('-ERR This agent sees no ZooKeeper: ask another\r\n');
  });

  test('are not held back from node-redis for longer than it sleeps through', async () => {
    const stage = new Stage();
    stage.see({ master: null });
    const talk = await stage.client();
    talk.say('client setinfo lib-name node-redis\r\nsentinel master svc');
    expect(await talk.hears('s_down')).toContain('s_down');
  });

  test('refuse in the words of the reference', async () => {
    const talk = await new Stage().client();
    const said: [string, string][] = [
      ['get x', "-ERR unknown command 'get', with args beginning with: 'x' \r\n"],
      ['sentinel', "-ERR wrong number of arguments for 'sentinel' command\r\n"],
      ['sentinel master', "-ERR wrong number of arguments for 'sentinel|master' command\r\n"],
      ['sentinel master other', '-ERR No such master with that name\r\n'],
      ['sentinel bla', "-ERR unknown subcommand 'bla'. Try SENTINEL HELP.\r\n"],
      ['client bla', "-ERR unknown subcommand 'bla'. Try CLIENT HELP.\r\n"],
      ['hello 4', '-NOPROTO unsupported protocol version\r\n'],
      ['publish c m', '-ERR Only HELLO messages are accepted by Sentinel instances.\r\n'],
      ['sentinel monitor svc 1 1 1', '-ERR Duplicate master name.\r\n'],
      ['sentinel set svc quorum 2', '+OK\r\n'],
      ['sentinel set svc quorum x', "-ERR Invalid argument 'x' for SENTINEL SET 'quorum'\r\n"],
      ['sentinel set svc bla 1', "-ERR Unknown option or number of arguments for SENTINEL SET 'bla'\r\n"],
      ['sentinel ckquorum svc', '+OK 2 usable Sentinels. Quorum and failover authorization can be reached\r\n'],
      ['sentinel is-master-down-by-addr 10.0.0.1 6379 0 *', '*3\r\n:0\r\n$1\r\n*\r\n:0\r\n'],
      ['sentinel pending-scripts', '*0\r\n'],
      ['info replication', '$0\r\n\r\n'],
      ['role', '*2\r\n$8\r\nsentinel\r\n*1\r\n$3\r\nsvc\r\n'],
      ['sentinel myid', `$40\r\n${sentinelId('svc', 'a')}\r\n`],
      ['select 0', '+OK\r\n'],
      ['client no-touch on', '+OK\r\n'],
      ['client tracking on', '+OK\r\n'],
      ['client maint_notifications on', "-ERR unknown subcommand 'maint_notifications'. Try CLIENT HELP.\r\n"],
      ['client pause 1', '-ERR Clients of a Dictator agent are not paused: they would not find the master\r\n'],
      ['acl setuser x', '-ERR ACL SETUSER is not taken here: the users are those of sentinel.users in the ' +
        'configuration\r\n'],
      ['sentinel debug info-period 1', '-ERR The periods of a Dictator agent are not set here\r\n'],
      ['sentinel simulate-failure crash-after-election', '-ERR A Dictator agent simulates no failure\r\n'],
      ['sentinel info-cache', '*2\r\n$3\r\nsvc\r\n*2\r\n*2\r\n:10\r\n$-1\r\n*2\r\n:10\r\n$-1\r\n'],
      ['sentinel monitor new 1 1 1', `-ERR No master can be added here: ${ELSEWHERE}\r\n`],
      ['sentinel remove svc', `-ERR No master can be removed here: ${ELSEWHERE}\r\n`],
      ['sentinel config set loglevel x', `-ERR No parameter can be set here: ${ELSEWHERE}\r\n`],
      ['client setname me', '+OK\r\n'],
      ['client getname', '$2\r\nme\r\n'],
      ['auth x', '-ERR AUTH <password> called without any password configured for the default user. ' +
        'Are you sure your configuration is correct?\r\n'],
    ];
    for (const [request, answer] of said) expect(await talk.ask(request), request).toBe(answer);
    expect(await talk.ask('shutdown')).toMatch(/^-ERR SHUTDOWN is not taken here/);
    expect(await talk.ask('info sentinel')).toContain(
      'master0:name=svc,status=ok,address=10.0.0.1:6379,slaves=1,sentinels=2\r\n',
    );
  });

  test('keep the order of the requests, also behind one that takes its time', async () => {
    const stage = new Stage();
    let end: (answer: OperationAnswer) => void = () => undefined;
    stage.answer = new Promise((resolve) => (end = resolve));
    const talk = await stage.client();
    talk.say('sentinel failover svc\r\nping first\r\nping second');
    await waitFor(() => stage.asked.length === 1, 'the order');
    expect(talk.heard).toBe('');
    end({ answer: 'refused', reason: 'no_candidate' });
    expect(await talk.hears('second')).toBe(
      '-NOGOODSLAVE No suitable replica to promote (no_candidate)\r\n$5\r\nfirst\r\n$6\r\nsecond\r\n',
    );
    expect(stage.asked).toMatchObject([{ kind: 'switchover', target: null, asker: 'sentinel', force: false }]);
  });

  test('are given under each name of the master', async () => {
    const talk = await new Stage({ names: ['svc', 'mymaster'] }).client();
    expect(await talk.ask('sentinel get-master-addr-by-name mymaster')).toContain('10.0.0.1');
    expect(await talk.ask('sentinel reset my*')).toBe(':1\r\n');
    expect(await talk.ask('info sentinel')).toContain('master1:name=mymaster,status=ok');
  });
});

describe('who may ask', () => {
  const users = [{ name: 'default', password: 'secret' }, { name: 'app', password: 'word' }];

  test('only whoever says who it is, where that is asked', async () => {
    const talk = await new Stage({ users }).client();
    talk.say('ping');
    expect(await talk.hears('\n')).toBe('-NOAUTH Authentication required.\r\n');
    talk.say('hello 3');
    expect(await talk.hears('\n')).toMatch(/^-NOAUTH HELLO must be called with the client already authenticated/);
    for (const wrong of ['auth wrong', 'auth app secret', 'auth nobody word', 'hello 3 auth app x']) {
      talk.say(wrong);
      expect(await talk.hears('\n')).toBe('-WRONGPASS invalid username-password pair or user is disabled.\r\n');
    }
    talk.say('hello 3 auth app word setname me');
    expect(await talk.hears('modules')).toMatch(/^%6\r\n/);
    expect(await talk.ask('acl whoami')).toBe('$3\r\napp\r\n');
    talk.say('reset');
    expect(await talk.hears('\n')).toBe('+RESET\r\n');
    talk.say('auth secret');
    expect(await talk.hears('\n')).toBe('+OK\r\n');
  });

  test('nobody who keeps guessing, says nothing, or asks for much before', async () => {
    const stage = new Stage({ users, limits: { guestTimeoutMs: 300, authFailuresMax: 3 } });
    const [guesser, silent, big] = [await stage.client(), await stage.client(), await stage.client()];
    guesser.say('auth 1\r\nauth 2\r\nauth 3\r\nauth secret\r\nping');
    big.say('*11\r\n');
    await waitFor(() => guesser.closed && silent.closed && big.closed, 'all three to be closed');
    expect(guesser.heard.match(/WRONGPASS/g)).toHaveLength(3);
    expect(guesser.heard).not.toContain('+');
    expect(big.heard).toBe('-ERR Protocol error: unauthenticated multibulk length\r\n');
  });
});

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

test('clients are listed and ended by what they are', async () => {
  const stage = new Stage();
  const [operator, listener, named] = [await stage.client(), await stage.client(), await stage.client()];
  listener.say('subscribe +sdown');
  await listener.hears(':1\r\n');
  named.say('client setname app');
  await named.hears('OK');
  expect((await operator.ask('client list')).match(/ addr=127\.0\.0\.1:\d+ /g)).toHaveLength(3);
  expect((await operator.ask('client list type pubsub')).match(/ flags=P /g)).toHaveLength(1);
  expect(await operator.ask('client kill type pubsub')).toBe(':1\r\n');
  await waitFor(() => listener.closed, 'the subscriber to be gone');
  const id = / ?id=(\d+) [^\n]*name=app /.exec(await operator.ask('client list'))?.[1] ?? '';
  expect(await operator.ask(`client kill id ${id} addr 1.2.3.4:5`)).toBe(':0\r\n');
  expect(await operator.ask(`client kill user default laddr 127.0.0.1:${stage.port} id ${id}`)).toBe(':1\r\n');
  await waitFor(() => named.closed, 'the named one to be gone');
  operator.say('client kill type normal skipme no');
  await waitFor(() => operator.closed, 'the operator itself to be gone');
  expect(operator.heard).toBe(':1\r\n');
});

describe('bounds', () => {
  test('of clients, of the rate of connecting, and of subscriptions', async () => {
    const stage = new Stage({ clientsMax: 2, limits: { channelsMax: 2 } });
    const [first] = [await stage.client(), await stage.client()];
    const third = await stage.client();
    await waitFor(() => third.closed, 'the third client to be turned away');
    expect(third.heard).toBe('-ERR max number of clients reached\r\n');
    first.say('subscribe a b c');
    expect(await first.hears('too many')).toMatch(/:2\r\n-ERR too many/);
    const hasty = new Stage({ limits: { acceptsPerInterval: 3, acceptIntervalMs: 3_600_000 } });
    const talks = [await hasty.client(), await hasty.client(), await hasty.client(), await hasty.client()];
    await waitFor(() => talks[3]?.closed, 'the fourth to be turned away');
    expect(await talks[0]?.ask('ping')).toBe('+PONG\r\n');
  });

  test('of what one client may ask at a time: the others are answered in between', async () => {
    const stage = new Stage();
    const [greedy, modest] = [await stage.client(), await stage.client()];
    const count = 20_000;
    greedy.socket.write('PING\r\n'.repeat(count));
    expect(await modest.ask('ping')).toBe('+PONG\r\n');
    await waitFor(() => greedy.heard.length === '+PONG\r\n'.length * count, 'every answer to the greedy one');
  });

  test('end the connection of a browser, of nonsense, and of whoever says goodbye', async () => {
    const stage = new Stage();
    const [browser, nonsense, polite] = [await stage.client(), await stage.client(), await stage.client()];
    browser.say('POST / HTTP/1.1\r\nHost: x');
    nonsense.say('*1\r\n:1');
    polite.say('quit');
    await waitFor(() => browser.closed && nonsense.closed && polite.closed, 'all three to be closed');
    expect([browser.heard, nonsense.heard, polite.heard]).toEqual(
      ['', "-ERR Protocol error: expected '$', got ':'\r\n", '+OK\r\n'],
    );
  });
});

test('a look that finds something overdue, which is a turn, leads to no further look by itself', async () => {
  let looks = 0;
  const stage: Stage = new Stage({
    api: {
      topology: () => {
        looks += 1;
        if (looks > 1000) throw new Error('it looks without end');
        stage.server.turned();
        return stage.topology;
      },
      operate: () => stage.answer,
    },
  });
  stage.see(SWITCHED);
  const talk = await stage.client();
  expect(await talk.ask('sentinel get-master-addr-by-name svc')).toContain('10.0.0.2');
  expect(looks).toBeLessThan(10);
});

test('host names are told as addresses, once they are known', async () => {
  const asked: string[] = [];
  let answer: (address: string | null) => void = () => undefined;
  const stage = new Stage({
    announceHostnames: false,
    lookup: (name, done) => {
      asked.push(name);
      answer = done;
    },
  });
  stage.see({ master: { ...A, host: 'redis-a' } });
  const talk = await stage.client();
  expect(await talk.ask('sentinel get-master-addr-by-name svc')).toContain('$7\r\nredis-a\r\n');
  answer('10.0.0.9');
  expect(await talk.ask('sentinel get-master-addr-by-name svc')).toContain('$8\r\n10.0.0.9\r\n');
  expect(asked).toEqual(['redis-a']);
});

test('a taken port is said once, and taken when it is free', async () => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const causes: string[] = [];
  const stage = new Stage({
    port, onPortTaken: (cause) => causes.push(cause), limits: { listenRetryMinMs: 5, listenRetryMaxMs: 20 },
  });
  await waitFor(() => causes.length > 0, 'the port to be called taken');
  await new Promise((resolve) => other.close(resolve));
  const talk = await stage.client();
  expect(await talk.ask('ping')).toBe('+PONG\r\n');
  expect(causes).toEqual(['EADDRINUSE']);
});

describe('answers for thousands of services', () => {
  test('are cut where all clients together leave too much of them unread', async () => {
    const stage = new Stage({ limits: { outputBytesOfAllMax: 1000 } });
    for (let each = 0; each < 2000; each += 1) {
      stage.server.take(`cache-${each}`, { ...CALM, service: `cache-${each}`, self: '' }, false);
    }
    const talk = await stage.client();
    expect((await talk.ask('role')).match(/cache-/g)).toHaveLength(2000);
    talk.socket.pause();
    await waitFor(() => {
      if (talk.socket.writable) talk.say('sentinel masters');
      return talk.closed;
    }, 'who reads nothing to be cut');
    const other = await stage.client();
    expect(await other.ask('sentinel get-master-addr-by-name cache-1999')).toContain('10.0.0.1');
  });
});
