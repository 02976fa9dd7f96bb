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

export function openZooKeeperPort(
  options: ZooKeeperOptions,
  events: ZkEvents,
  onFault: (fault: Fault) => void,
): ZkPort {
  const client = connectZooKeeper(options, {
    onConnected: ({ id, timeoutMs }) => events.onConnected({ id, timeoutMs }),
    onDisconnected: () => events.onDisconnected(),
    onExpired: () => events.onExpired(),
    onWatch: ({ path }) => events.onChanged(path),
    onFault,
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
  };
}
