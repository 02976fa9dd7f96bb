// A port nobody listens on, found by asking the kernel. It may be taken again before it is used (by a connection's
// own end, for example), so whoever starts a server on it should be ready to try once more.

import { createServer } from 'node:net';

// The kernel may hand out a port again as soon as the probe is closed; two servers of one test must not collide.
const RECENT_MAX = 256;
const recent: number[] = [];

export async function freePort(): Promise<number> {
  for (;;) {
    const port = await probe();
    if (recent.includes(port)) continue;
    recent.push(port);
    if (recent.length > RECENT_MAX) recent.shift();
    return port;
  }
}

function probe(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === 'string') reject(new Error('no port from the kernel'));
        else resolve(address.port);
      });
    });
  });
}
