/**
 * redis-client, the client of Ruby, as a recording: what it sends byte for byte, and how it reads what it is answered.
 *
 * Debian 12 has no package of it (`ruby-redis` there is 4.8, which speaks RESP2 and is other code). So it was recorded
 * once: version 0.22.2, Debian 13's, on Ruby 3.1, against agents of this project, through a switchover and a failover
 * (105 and 99 ms without a write). It takes the entries of a list as maps, which only RESP3 gives it, and reads them by
 * name: `ip`, `port`, `flags`.
 */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { readReply } from './resp3.ts';
import type { Reply } from './resp3.ts';

const HELLO = '*2\r\n$5\r\nHELLO\r\n$1\r\n3\r\n';
/** To a server that should be master the question for its role goes out with the greeting. */
const HELLO_ROLE = `${HELLO}*1\r\n$4\r\nROLE\r\n`;
const ADDRESS = '*3\r\n$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n$8\r\nmymaster\r\n';
const SENTINELS = '*3\r\n$8\r\nSENTINEL\r\n$9\r\nsentinels\r\n$8\r\nmymaster\r\n';
const REPLICAS = '*3\r\n$8\r\nSENTINEL\r\n$8\r\nreplicas\r\n$8\r\nmymaster\r\n';
const SET = '*3\r\n$3\r\nSET\r\n$7\r\ninterop\r\n$4\r\nruby\r\n';

const HOST = '127.0.0.1';
/** After a Sentinel that failed, and after a server that is not what it was thought to be. */
const DELAY_MS = 250;
/** Its `timeout`, as the recording set it. */
const TIMEOUT_MS = 1000;
/** The first attempt and `reconnect_attempts`, 2 by default where there are Sentinels. */
const ATTEMPTS = 3;

interface Address {
  readonly host: string;
  readonly port: number;
}

class Line {
  private readonly socket: Socket;
  private heard = '';
  private ended = false;
  private wake: () => void = () => undefined;

  constructor({ host, port }: Address) {
    this.socket = createConnection({ host, port, noDelay: true });
    this.socket.setEncoding('latin1').on('data', (bytes: string) => {
      this.heard += bytes;
      this.wake();
    });
    this.socket.setTimeout(TIMEOUT_MS, () => this.socket.destroy());
    // 'close' follows.
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.ended = true;
      this.wake();
    });
  }

  /** Sends these bytes and reads so many replies; an error among them is thrown. */
  async ask(bytes: string, count = 1): Promise<Reply[]> {
    this.socket.write(bytes);
    const replies: Reply[] = [];
    while (replies.length < count) {
      const read = readReply(this.heard);
      if (read !== null) {
        this.heard = this.heard.slice(read.next);
        replies.push(read.reply);
        continue;
      }
      if (this.ended) throw new Error('the connection ended');
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
    const failed = replies.find((each) => each instanceof Error);
    if (failed !== undefined) throw failed;
    return replies;
  }

  close(): void {
    this.socket.destroy();
  }
}

function list(reply: Reply | undefined): readonly Reply[] {
  if (!Array.isArray(reply)) throw new Error('not a list');
  return reply as readonly Reply[];
}

/** Entries of a list, each of which must be a map. */
function maps(reply: Reply | undefined): ReadonlyMap<Reply, Reply>[] {
  return list(reply).map((each) => {
    if (!(each instanceof Map)) throw new Error('an entry is not a map');
    return each;
  });
}

function addressOf(entry: ReadonlyMap<Reply, Reply>): Address {
  return { host: text(entry.get('ip')), port: Number(text(entry.get('port'))) };
}

function text(reply: Reply | undefined): string {
  if (typeof reply !== 'string') throw new Error('not a string');
  return reply;
}

export class RecordedRedisClient {
  private readonly sentinels: Address[];
  private master: Line | null = null;

  constructor(ports: readonly number[]) {
    this.sentinels = ports.map((port) => ({ host: HOST, port }));
  }

  async write(): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        this.master ??= await this.connect();
        await this.master.ask(SET);
        return;
      } catch (error) {
        this.close();
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  /** What it reads off the lists of Sentinels and replicas. */
  async lists(): Promise<{ sentinels: readonly Address[]; replicas: readonly Address[] }> {
    const replicas = await this.askSentinels(async (line) => {
      const up = maps((await line.ask(REPLICAS))[0]).filter((each) => !/[so]_down/.test(text(each.get('flags'))));
      return up.length === 0 ? null : up.map(addressOf);
    });
    await this.findMaster();
    return { sentinels: this.sentinels, replicas };
  }

  close(): void {
    this.master?.close();
    this.master = null;
  }

  private async connect(): Promise<Line> {
    const line = new Line(await this.findMaster());
    try {
      const [, role] = await line.ask(HELLO_ROLE, 2);
      if (list(role)[0] === 'master') return line;
      await pause(DELAY_MS);
      throw new Error('expected to connect to a master');
    } catch (error) {
      line.close();
      throw error;
    }
  }

  /** Learns of further Sentinels in passing. */
  private findMaster(): Promise<Address> {
    return this.askSentinels(async (line) => {
      const [reply] = await line.ask(ADDRESS);
      if (reply === null) return null;
      const [host, port] = list(reply);
      for (const each of maps((await line.ask(SENTINELS))[0]).map(addressOf)) {
        const known = this.sentinels.some((one) => one.host === each.host && one.port === each.port);
        if (!known) this.sentinels.push(each);
      }
      return { host: text(host), port: Number(text(port)) };
    });
  }

  /** One after the other, until one has an answer that is not null. */
  private async askSentinels<T>(visit: (line: Line) => Promise<T | null>): Promise<T> {
    let last: unknown = new Error('no Sentinel knows one');
    for (const address of [...this.sentinels]) {
      const line = new Line(address);
      try {
        await line.ask(HELLO);
        const found = await visit(line);
        if (found !== null) return found;
      } catch (error) {
        last = error;
        await pause(DELAY_MS);
      } finally {
        line.close();
      }
    }
    throw last;
  }
}
