/** The real ZooKeeper client behind the port that the loop uses: promises in, callbacks out. */
import { connectZooKeeper, isZooKeeperError } from '../zookeeper/index.ts';
import type { Fault, ZooKeeperClient, ZooKeeperOptions } from '../zookeeper/index.ts';
import type { ZkAnswer, ZkEvents, ZkPort, ZkRequest } from './ports.ts';

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
