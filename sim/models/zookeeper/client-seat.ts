/**
 * One client's connection as its server sees it: requests are answered in the order in which they came, and watch
 * events keep their place among the answers.
 *
 * Reads are answered from this server's own tree, as old as it may be; `sync` and writes go to the leader and hold up
 * what comes behind them.
 */
import type { ZkAnswer, ZkRequest } from '../../../src/zookeeper/index.ts';
import type { End } from '../../kernel/network.ts';
import type { Errand, ErrandResult, ToClient } from './messages.ts';
import type { Tree } from './tree.ts';
import { statOf } from './tree.ts';

export interface SeatOptions {
  readonly end: End;
  readonly session: bigint;
  readonly tree: Tree;
  /** Has an errand run by the leader; not answered when the leader is lost. */
  readonly errand: (errand: Errand, done: (result: ErrandResult) => void) => void;
}

interface Waiting {
  readonly xid: number;
  readonly request: ZkRequest;
}

export class ClientSeat {
  readonly session: bigint;
  /** Something was heard since the leader last asked. */
  heard = true;
  private readonly options: SeatOptions;
  private readonly queue: Waiting[] = [];
  private busy = false;
  private readonly watched: string[] = [];

  constructor(options: SeatOptions) {
    this.options = options;
    this.session = options.session;
  }

  private tell(message: ToClient): void {
    this.options.end.send(message);
  }

  request(xid: number, request: ZkRequest): void {
    this.queue.push({ xid, request });
    this.work();
  }

  /** What was committed is told to whoever watches it. */
  changed(paths: Iterable<string>): void {
    for (const path of paths) {
      const watches = this.watched.some((root) => path === root || path.startsWith(`${root}/`));
      if (watches) this.tell({ t: 'event', path, zxid: this.options.tree.applied });
    }
  }

  private work(): void {
    while (!this.busy) {
      const next = this.queue.shift();
      if (next === undefined) return;
      this.carryOut(next);
    }
  }

  private carryOut({ xid, request }: Waiting): void {
    const errand = this.errandOf(request);
    if (errand === null) return this.answer(xid, this.read(request));
    this.busy = true;
    this.options.errand(errand, (result) => {
      this.busy = false;
      this.answer(xid, result.ok ? { ok: true } : result);
      this.work();
    });
  }

  private errandOf(request: ZkRequest): Errand | null {
    if (request.op === 'sync') return { do: 'sync' };
    if (request.op === 'multi' || request.op === 'mkdirp') return { do: 'write', session: this.session, request };
    return null;
  }

  private answer(xid: number, answer: ZkAnswer): void {
    this.tell({ t: 'answer', xid, answer, zxid: this.options.tree.applied });
  }

  private read(request: ZkRequest): ZkAnswer {
    const { tree } = this.options;
    if (request.op === 'watch') {
      if (!this.watched.includes(request.path)) this.watched.push(request.path);
      return { ok: true };
    }
    const node = 'path' in request ? tree.nodes.get(request.path) : undefined;
    if (node === undefined || !('path' in request)) return { ok: false, code: 'NO_NODE' };
    if (request.op === 'children') return { ok: true, children: tree.childrenOf(request.path) };
    return { ok: true, data: node.data, stat: statOf(node) };
  }
}
