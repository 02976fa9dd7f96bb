/**
 * Listening on a port that may be taken: one attempt after the other until one succeeds or the server stops.
 */
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ListenOptions {
  readonly port: number;
  readonly host: string | undefined;
  readonly retryMs: number;
  /** An attempt failed, with the system's code; once per change of the code. */
  onPortTaken(cause: string): void;
  onListening(port: number): void;
  /** The server failed although it listens (no file descriptor left for a caller, say); it goes on. */
  onFault(error: unknown): void;
}

export type StartResult =
  | { readonly ok: true; readonly port: number }
  /** The server keeps trying, every second; `cause` is the system's code. */
  | { readonly ok: false; readonly code: 'port_taken'; readonly cause: string };

export interface Listener {
  /** Begins, once; tells how the first attempt went. */
  start(): Promise<StartResult>;
  /** Ends the attempts; the server itself is closed by its owner. */
  stop(): void;
}

export function createListener(server: Server, options: ListenOptions): Listener {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  let lastCause = '';

  function attempt(): void {
    server.listen({ port: options.port, host: options.host });
  }

  function onListening(resolve: (result: StartResult) => void): void {
    // The host's name was still being resolved when the server was stopped.
    if (stopped) {
      server.close();
      return;
    }
    const { port } = server.address() as AddressInfo;
    lastCause = '';
    options.onListening(port);
    resolve({ ok: true, port });
  }

  function onError(error: NodeJS.ErrnoException, resolve: (result: StartResult) => void): void {
    if (server.listening) return options.onFault(error);
    const cause = error.code ?? 'unknown';
    if (!stopped) timer = setTimeout(attempt, options.retryMs);
    if (cause !== lastCause) options.onPortTaken(cause);
    lastCause = cause;
    resolve({ ok: false, code: 'port_taken', cause });
  }

  return {
    start: () =>
      new Promise((resolve) => {
        server.on('listening', () => onListening(resolve));
        server.on('error', (error) => onError(error, resolve));
        attempt();
      }),
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
