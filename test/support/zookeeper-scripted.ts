// A ZooKeeper server of a few lines, for tests: it says exactly what the test wants, when it wants.

import { createServer, type Server, type Socket } from 'node:net';

import { FrameSplitter, JuteReader, JuteWriter } from '../../src/zookeeper/codec.ts';
import { OP, XID } from '../../src/zookeeper/protocol.ts';

export const SCRIPTED_SESSION_ID = 77n;
export const SCRIPTED_TIMEOUT_MS = 10_000;
const SCRIPTED_ZXID = 5n;
const FRAME_BYTES_MAX = 1_000_000;

export interface ScriptedHandshake {
  readonly lastZxid: bigint;
  readonly sessionId: bigint;
}

export interface ScriptedRequest {
  readonly xid: number;
  readonly op: number;
}

export interface Script {
  /** Default: grants the session. */
  onHandshake?(handshake: ScriptedHandshake): 'grant' | 'expired' | 'close';
  /** Default: a positive answer without a body. The end of a session is always answered. */
  onRequest?(request: ScriptedRequest, socket: Socket): void;
}

/** May be changed at any time. */
export interface ScriptedZooKeeper {
  readonly port: number;
  script: Script;
  resetAll(): void;
  stop(): Promise<void>;
}

/** The beginning of an answer with zxid 5. */
export function scriptedReply(xid: number, error = 0): JuteWriter {
  return new JuteWriter().int(xid).long(SCRIPTED_ZXID).int(error);
}

export function scriptedChange(path: string): Buffer {
  const [changed, connected] = [3, 3];
  return new JuteWriter().int(XID.watchEvent).long(-1n).int(0).int(changed).int(connected).string(path).frame();
}

export async function startScriptedZooKeeper(script: Script = {}): Promise<ScriptedZooKeeper> {
  const scripted = new Scripted(script);
  await scripted.listen();
  return scripted;
}

class Scripted implements ScriptedZooKeeper {
  script: Script;
  port = 0;
  readonly #sockets = new Set<Socket>();
  readonly #listener: Server;

  constructor(script: Script) {
    this.script = script;
    this.#listener = createServer((socket) => { this.#onSocket(socket); });
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => { this.#listener.listen(0, '127.0.0.1', resolve); });
    const address = this.#listener.address();
    if (address === null || typeof address === 'string') throw new Error('the scripted server has no port');
    this.port = address.port;
  }

  resetAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#listener.close(resolve));
    this.resetAll();
    await closed;
  }

  #onSocket(socket: Socket): void {
    const splitter = new FrameSplitter(FRAME_BYTES_MAX);
    let greeted = false;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      splitter.push(chunk);
      for (let frame = splitter.next(); frame !== null; frame = splitter.next()) {
        const reader = new JuteReader(frame);
        if (greeted) this.#onRequest({ xid: reader.int(), op: reader.int() }, socket);
        else this.#onHandshake(reader, socket);
        greeted = true;
      }
    });
  }

  #onHandshake(reader: JuteReader, socket: Socket): void {
    reader.int();
    const lastZxid = reader.long();
    reader.int();
    const sessionId = reader.long();
    const verdict = this.script.onHandshake?.({ lastZxid, sessionId }) ?? 'grant';
    if (verdict === 'close') {
      socket.end();
      return;
    }
    const [timeoutMs, id] = verdict === 'grant' ? [SCRIPTED_TIMEOUT_MS, SCRIPTED_SESSION_ID] : [0, 0n];
    socket.write(new JuteWriter().int(0).int(timeoutMs).long(id).buffer(Buffer.alloc(16)).boolean(false).frame());
  }

  #onRequest(request: ScriptedRequest, socket: Socket): void {
    if (request.op === OP.closeSession) socket.end(scriptedReply(request.xid).frame());
    else if (request.op === OP.ping) socket.write(scriptedReply(XID.ping).frame());
    else if (this.script.onRequest !== undefined) this.script.onRequest(request, socket);
    else socket.write(scriptedReply(request.xid).frame());
  }
}
