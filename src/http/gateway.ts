/**
 * The HTTP end of a gateway: whether it lives and whether it knows its services, for those who start and stop it. It
 * has no Redis and no role, so there is nothing else to ask it.
 */
import type { HealthFault } from '../contract/health.ts';
import { errorAnswer, jsonAnswer, sendAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import { createBoundedServer } from './bounded.ts';
import { CHECK_METHODS } from './health.ts';
import { HTTP_LIMITS } from './limits.ts';
import { createListener } from './listen.ts';

/** What a gateway says of itself. */
export interface GatewayState {
  /** It answers for all services, and ZooKeeper vouches for what it says. */
  readonly ready: boolean;
  readonly services: number;
  readonly version: string;
}

export interface GatewayHttpOptions {
  readonly port: number;
  /** Undefined: all addresses. */
  readonly host: string | undefined;
  readonly state: () => GatewayState;
  readonly onPortTaken: (cause: string) => void;
  readonly onListening: (port: number) => void;
  readonly onFault: (error: unknown) => void;
}

export interface GatewayHttp {
  start(): void;
  stop(): Promise<void>;
}

/** Connections at one time: checks come one by one. */
const CONNECTIONS_MAX = 64;

export function createGatewayHttp(options: GatewayHttpOptions): GatewayHttp {
  const server = createBoundedServer({ ...HTTP_LIMITS, connectionsMax: CONNECTIONS_MAX }, (request, response) => {
    // Nobody is asked for a body here.
    request.resume();
    sendAnswer(response, answer(request.method ?? '', request.url ?? '', options.state()));
  });
  const { port, host, onPortTaken, onListening, onFault } = options;
  const listener = createListener(server, {
    port,
    host,
    retryMs: HTTP_LIMITS.listenRetryMs,
    onPortTaken,
    onListening,
    onFault,
  });
  return {
    start: () => void listener.start(),
    stop: () => {
      listener.stop();
      return new Promise((resolve) => {
        // Given an error where it never listened: it is stopped all the same.
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function answer(method: string, target: string, state: GatewayState): Answer {
  const [path] = target.split('?');
  if (path !== '/liveness' && path !== '/readiness') return errorAnswer('not_found');
  const methods: readonly string[] = CHECK_METHODS;
  if (!methods.includes(method)) return errorAnswer('method_not_allowed', { Allow: methods.join(', ') });
  const ok = path === '/liveness' || state.ready;
  const fault: HealthFault | null = ok ? null : 'services_unknown';
  const body = { check: path.slice(1), ok, fault, services: state.services, version: state.version };
  const status = ok ? 200 : 503;
  return method === 'GET' ? jsonAnswer(status, body) : { status, headers: {}, body: '' };
}
