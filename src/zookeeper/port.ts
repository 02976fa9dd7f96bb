/**
 * The client as a port: requests in, one callback each, no promises; for loops that a simulator can run as well.
 *
 * A callback is called at most once and never from inside the call that registered it.
 */
import { connectZooKeeper } from './client.ts';
import type { ZooKeeperClient, ZooKeeperOptions } from './client.ts';
import { isZooKeeperError } from './errors.ts';
import type { Fault } from './faults.ts';
import type { MultiOp } from './multi.ts';
import type { Stat } from './protocol.ts';

/** One request to the ensemble. Requests are carried out in the order in which they were submitted. */
export type ZkRequest =
  | { readonly op: 'read'; readonly path: string }
  | { readonly op: 'children'; readonly path: string }
  | { readonly op: 'sync'; readonly path: string }
  | { readonly op: 'watch'; readonly path: string }
  | { readonly op: 'mkdirp'; readonly path: string }
  | { readonly op: 'multi'; readonly ops: readonly MultiOp[] };

/** `data` and `stat` after `read`, `children` after `children`; `code` is a ZooKeeper error's name. */
export type ZkAnswer =
  | { readonly ok: true; readonly data?: Buffer; readonly stat?: Stat; readonly children?: readonly string[] }
  | { readonly ok: false; readonly code: string };

export interface ZkEvents {
  onConnected(session: { readonly id: bigint; readonly timeoutMs: number }): void;
  onDisconnected(): void;
  onExpired(): void;
  onChanged(path: string): void;
}

export interface ZkPort {
  submit(request: ZkRequest, done: (answer: ZkAnswer) => void): void;
  /** Ends the session in order; bounded. */
  close(done: () => void): void;
  /** Ends without a word: the session, and what is bound to it, lasts until its timeout. */
  abandon(): void;
}

async function carryOut(client: ZooKeeperClient, request: ZkRequest): Promise<ZkAnswer> {
  switch (request.op) {
    case 'read':
      return { ok: true, ...(await client.getData(request.path)) };
    case 'children':
      return { ok: true, children: await client.getChildren(request.path) };
    case 'sync':
      await client.sync(request.path);
      return { ok: true };
    case 'watch':
      await client.addWatch(request.path, 'persistent_recursive');
      return { ok: true };
    case 'mkdirp':
      await client.mkdirp(request.path);
      return { ok: true };
    case 'multi':
      await client.multi(request.ops);
      return { ok: true };
  }
}

/** An ensemble that is away is tried for as long as it takes: what is wrong with a server is said when it changes. */
function faultsThatChanged(onFault: (fault: Fault) => void): { note(fault: Fault): void; forget(): void } {
  const said = new Map<string, string>();
  return {
    note(fault) {
      if (said.get(fault.host) === fault.code) return;
      said.set(fault.host, fault.code);
      onFault(fault);
    },
    forget: () => said.clear(),
  };
}

export function openZooKeeperPort(
  options: ZooKeeperOptions,
  events: ZkEvents,
  onFault: (fault: Fault) => void,
): ZkPort {
  const newFault = faultsThatChanged(onFault);
  const client = connectZooKeeper(options, {
    onConnected: ({ id, timeoutMs }) => {
      newFault.forget();
      events.onConnected({ id, timeoutMs });
    },
    onDisconnected: () => events.onDisconnected(),
    onExpired: () => events.onExpired(),
    onWatch: ({ path }) => events.onChanged(path),
    onFault: (fault) => newFault.note(fault),
  });
  return {
    submit(request, done) {
      carryOut(client, request).then(done, (error: unknown) => {
        if (isZooKeeperError(error)) done({ ok: false, code: error.code });
        else throw error;
      });
    },
    close(done) {
      client.close().then(done, done);
    },
    abandon: () => client.abandon(),
  };
}
