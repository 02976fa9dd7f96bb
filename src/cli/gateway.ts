/**
 * `dictator gateway`: the Sentinel port for hosts that only ask. No Redis, no role, no record of its own: it follows
 * the services of the ensemble and answers for them.
 */
import type { Config, SentinelConfig } from '../config/config.ts';
import { createGatewayHttp } from '../http/gateway.ts';
import type { Logger } from '../log/logger.ts';
import type { Io } from './io.ts';
import { createSentinelServer } from './serve-sentinel.ts';
import { ServicesWatch } from './serve-services.ts';
import { VERSION } from './version.ts';

/** Every service, unless the configuration names some. */
const EVERYTHING: readonly string[] = ['*'];

/** Runs until it is told to stop. */
export async function runGateway(config: Config, sentinel: SentinelConfig, log: Logger, io: Io): Promise<void> {
  const { svcName, http } = config;
  const patterns = sentinel.services.length === 0 ? EVERYTHING : sentinel.services;
  let listens = false;
  const services = new ServicesWatch({
    config,
    patterns,
    own: null,
    log,
    onSight: (sees) => {
      // Whoever came before would be told that there is nobody.
      if (sees && !listens) server.start();
      listens ||= sees;
      server.sees(sees);
    },
  });
  const server = createSentinelServer(sentinel, log, {
    names: [],
    others: {
      knows: (service) => services.knows(service),
      get provedAgoMs() { return services.provedAgoMs; },
      namesOf: (service) => (service === svcName ? sentinel.masterNames : [service]),
    },
    api: { topology: () => null, operate: () => Promise.resolve({ answer: 'refused', reason: 'no_master' }) },
  });
  const health = createGatewayHttp({
    port: http.port,
    host: http.host ?? undefined,
    state: () => ({ ready: services.isComplete, services: services.count, version: VERSION }),
    onPortTaken: (cause) => log.event('refused', { reason: 'port_taken', port: http.port, cause }),
    onListening: (port) => log.event('listening', { port }),
    onFault: (error) => log.event('http_fault', { error: String(error) }),
  });
  log.event('gateway_started', { services: patterns });
  health.start();
  services.start(server);
  await io.interrupted();
  await Promise.all([health.stop(), server.stop(), services.stop()]);
  log.event('gateway_stopped');
}
