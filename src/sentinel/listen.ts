/** Listening on a port that may be taken: attempts with growing pauses until one succeeds or the server stops. */
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface ListenOptions {
  readonly port: number;
  /** Undefined: all addresses. */
  readonly host: string | undefined;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  onSocket(socket: Socket): void;
  onListening(port: number): void;
  /** An attempt failed, with the system's code; once per change of the code. */
  onTaken(cause: string): void;
  onFault(fault: unknown): void;
}

export interface Listener {
  stop(): Promise<void>;
}

export function listen(options: ListenOptions): Listener {
  const server = createServer({ noDelay: true }, (socket) => options.onSocket(socket));
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let lastCause = '';
  let pauseMs = options.retryMinMs;

  const attempt = (): void => {
    server.listen({ port: options.port, host: options.host });
  };
  server.on('listening', () => {
    if (stopped) {
      server.close();
      return;
    }
    options.onListening((server.address() as AddressInfo).port);
  });
  server.on('error', (error: NodeJS.ErrnoException) => {
    if (server.listening) {
      options.onFault(error);
      return;
    }
    if (stopped) return;
    const cause = error.code ?? 'unknown';
    timer = setTimeout(attempt, pauseMs);
    pauseMs = Math.min(2 * pauseMs, options.retryMaxMs);
    if (cause !== lastCause) options.onTaken(cause);
    lastCause = cause;
  });
  attempt();

  return {
    stop: () => new Promise((resolve) => {
      stopped = true;
      clearTimeout(timer);
      // Given an error where the server never listened: it is stopped all the same.
      server.close(() => resolve());
    }),
  };
}
