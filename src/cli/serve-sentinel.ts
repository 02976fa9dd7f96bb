/** The Sentinel port of an agent, or of a gateway: configuration to server, and where it listens back to the agent. */
import { lookup } from 'node:dns';
import type { Agent } from '../agent/agent.ts';
import { systemClock } from '../agent/system-clock.ts';
import type { Config, SentinelConfig } from '../config/config.ts';
import type { Logger } from '../log/logger.ts';
import { SentinelServer } from '../sentinel/server.ts';
import type { SentinelServerOptions } from '../sentinel/server.ts';
import { ServicesWatch } from './serve-services.ts';
import { VERSION } from './version.ts';

type Ours = 'names' | 'others' | 'api' | 'onListening';

/** A server as the configuration wants it, with what differs between an agent and a gateway. */
export function createSentinelServer(
  sentinel: SentinelConfig,
  log: Logger,
  ours: Pick<SentinelServerOptions, Ours>,
): SentinelServer {
  const { port, bind, announceHost, announcePort, users } = sentinel;
  return new SentinelServer({
    ...ours,
    port,
    bind,
    announce: { host: announceHost, port: announcePort },
    users: users.map(({ name, password }) => ({ name, password: password.reveal() })),
    aliases: sentinel.aliases,
    announceHostnames: sentinel.announceHostnames,
    clientsMax: sentinel.clientsMax,
    version: VERSION,
    now: () => systemClock.now(),
    // Redis listens on IPv4 unless told otherwise.
    lookup: (name, done) => lookup(name, { order: 'ipv4first' }, (error, address) => {
      done(error === null ? address : null);
    }),
    onListening: (announced) => {
      ours.onListening?.(announced);
      log.event('sentinel_listening', { port, announced: `${announced.host}:${announced.port}` });
    },
    onPortTaken: (cause) => log.event('refused', { reason: 'sentinel_port_taken', port, cause }),
    onFault: (fault) => log.event('sentinel_fault', { error: String(fault) }),
  });
}

/** Starts it, or gives undefined where it is off. A port that is taken stops nobody. */
export function serveSentinel(config: Config, agent: Agent, log: Logger): { stop(): Promise<void> } | undefined {
  const { sentinel, svcName } = config;
  if (sentinel === null) return undefined;
  const services = sentinel.services.length === 0
    ? null
    : new ServicesWatch({ config, patterns: sentinel.services, own: svcName, log });
  const server = createSentinelServer(sentinel, log, {
    names: sentinel.masterNames,
    ...(services === null ? {} : { others: services }),
    api: {
      topology: () => agent.topology(),
      operate: (asked) => new Promise((resolve) => agent.orders.operate(asked, resolve)),
    },
    onListening: (announced) => agent.sentinelAt(announced),
  });
  agent.onTurn = server.turned;
  server.start();
  services?.start(server);
  return {
    stop: async () => {
      await Promise.all([server.stop(), services?.stop()]);
    },
  };
}
