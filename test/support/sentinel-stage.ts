/**
 * The Sentinel port as clients meet it: over a socket, with a service that the test plays. What was opened ends with
 * the test that opened it.
 */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach } from 'vitest';
import type { OperationAnswer } from '../../src/contract/operations.ts';
import type { Topology } from '../../src/contract/topology.ts';
import { SentinelServer } from '../../src/sentinel/server.ts';
import type { SentinelServerOptions } from '../../src/sentinel/server.ts';
import { waitFor } from './wait-for.ts';

export const A = { name: 'a', host: '10.0.0.1', port: 6379, runId: 'run-a' };
export const B = { name: 'b', host: '10.0.0.2', port: 6380, runId: 'run-b' };
export const attached = { online: true, offset: 7, lagSeconds: 0 };
export const CALM: Topology = {
  nowMs: 1000, service: 'svc', self: 'a', seesEnsemble: true, epoch: 4, master: A, lastMaster: A, planned: false,
  elected: null, masterHeard: true, heardAgoMs: 10, liveAgents: 2, nodes: ['a', 'b'], downAfterMs: 2000,
  replicas: [{ ...B, priority: 100, attached, gone: false, takesReads: true }],
  agents: [{ name: 'b', host: '10.0.0.2', port: 26379 }],
};
export const SWITCHED: Partial<Topology> = {
  master: B, lastMaster: B, epoch: 5, replicas: [{ ...A, priority: 100, attached, gone: false, takesReads: true }],
};

const ending: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end();
});

export class Stage {
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
export class Talk {
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
