/**
 * Reads that wait for their turn: few under way at once, each path asked for once however often it changed meanwhile.
 * What changed comes before what is read for completeness, and one service is read to its end before the next begins.
 *
 * A change that is told while its path is being read is read again afterwards: what is told last is seen last.
 */
import type { ZkAnswer, ZkPort, ZkRequest } from '../zookeeper/index.ts';

export type ReadRequest = Extract<ZkRequest, { op: 'read' | 'children' }>;
type Done = (answer: ZkAnswer) => void;

interface Waiting {
  readonly request: ReadRequest;
  readonly done: Done;
}

export class ReadQueue {
  private readonly zk: Pick<ZkPort, 'submit'>;
  private readonly most: number;
  /** The first of them is emptied before the second is looked at. */
  private readonly waiting = [new Map<string, Waiting>(), new Map<string, Waiting>()] as const;
  private underWay = 0;
  /** Answers to what was asked before the queue was cleared are nobody's. */
  private generation = 0;

  constructor(zk: Pick<ZkPort, 'submit'>, most: number) {
    this.zk = zk;
    this.most = most;
  }

  /** Whoever asks again for what still waits is answered with it: false, and `done` is not called. */
  ask(request: ReadRequest, done: Done, { last = false } = {}): boolean {
    const key = `${request.op} ${request.path}`;
    if (this.waiting.some((each) => each.has(key))) return false;
    this.waiting[last ? 1 : 0].set(key, { request, done });
    this.next();
    return true;
  }

  /** Forgets everything that waits, and the answers to what is under way. */
  clear(): void {
    this.generation += 1;
    for (const each of this.waiting) each.clear();
    this.underWay = 0;
  }

  private next(): void {
    for (const each of this.waiting) {
      for (const [key, { request, done }] of each) {
        if (this.underWay >= this.most) return;
        each.delete(key);
        this.send(request, done);
      }
    }
  }

  private send(request: ReadRequest, done: Done): void {
    const { generation } = this;
    this.underWay += 1;
    this.zk.submit(request, (answer) => {
      if (generation !== this.generation) return;
      this.underWay -= 1;
      done(answer);
      this.next();
    });
  }
}
