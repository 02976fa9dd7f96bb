/** An agent that is played: answers HTTP paths with JSON, as told, on a free port. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PlayedAgent {
  readonly url: string;
  readonly port: number;
  /** Request targets, in order. */
  readonly seen: string[];
  stop(): Promise<void>;
}

/** `answer` gives the JSON for a target, undefined for 404, null to hang up; a promise holds the question open. */
export async function playAgent(answer: (target: string) => unknown): Promise<PlayedAgent> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    const target = request.url ?? '';
    seen.push(target);
    void Promise.resolve(answer(target)).then((value) => {
      if (value === null) return void request.socket.destroy();
      response.writeHead(value === undefined ? 404 : 200, { 'Content-Type': 'application/json' });
      response.end(`${JSON.stringify(value ?? { error: 'not_found' })}\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    port,
    seen,
    stop: () => new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    }),
  };
}
