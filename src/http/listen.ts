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
  /** The server keeps trying, every second; `cause` is the system's code, or `stopped` when it was stopped first. */
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
  let tellFirst: (result: StartResult) => void = () => undefined;

  function attempt(): void {
    server.listen({ port: options.port, host: options.host });
  }

  function onListening(): void {
    // The host's name was still being resolved when the server was stopped.
    if (stopped) {
      server.close();
      return;
    }
    const { port } = server.address() as AddressInfo;
    lastCause = '';
    options.onListening(port);
    tellFirst({ ok: true, port });
  }

  function onError(error: NodeJS.ErrnoException): void {
    if (server.listening) {
      options.onFault(error);
      return;
    }
    const cause = error.code ?? 'unknown';
    if (!stopped) timer = setTimeout(attempt, options.retryMs);
    if (cause !== lastCause) options.onPortTaken(cause);
    lastCause = cause;
    tellFirst({ ok: false, code: 'port_taken', cause });
  }

  return {
    start: () =>
      new Promise((resolve) => {
        tellFirst = resolve;
        server.on('listening', onListening);
        server.on('error', onError);
        attempt();
      }),
    stop() {
      stopped = true;
      clearTimeout(timer);
      tellFirst({ ok: false, code: 'port_taken', cause: 'stopped' });
    },
  };
}
