/** What the Sentinel port answers to requests: words, fields and addresses, held back where a client needs it. */
import { describe, expect, test } from 'vitest';
import type { OperationAnswer } from '../contract/operations.ts';
import { A, B, Stage, SWITCHED, attached } from '../../test/support/sentinel-stage.ts';
import { waitFor } from '../../test/support/wait-for.ts';
import { sentinelId } from './run-id.ts';

const ELSEWHERE = 'it is a Dictator agent; ZooKeeper and its own file say what it answers for';

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
