/** The Sentinel port of an agent: configuration to server, and where it listens back to the agent. */
import { lookup } from 'node:dns';
import type { Agent } from '../agent/agent.ts';
import { systemClock } from '../agent/system-clock.ts';
import type { Config } from '../config/config.ts';
import type { Logger } from '../log/logger.ts';
import { SentinelServer } from '../sentinel/server.ts';
import { VERSION } from './version.ts';

/** Starts it, or gives undefined where it is off. A port that is taken stops nobody. */
export function serveSentinel({ sentinel }: Config, agent: Agent, log: Logger): SentinelServer | undefined {
  if (sentinel === null) return undefined;
  const { port, bind, announceHost, announcePort, masterNames, users } = sentinel;
  const server = new SentinelServer({
    port,
    bind,
    announce: { host: announceHost, port: announcePort },
    names: masterNames,
    users: users.map(({ name, password }) => ({ name, password: password.reveal() })),
    aliases: sentinel.aliases,
    announceHostnames: sentinel.announceHostnames,
    clientsMax: sentinel.clientsMax,
    version: VERSION,
    api: {
      topology: () => agent.topology(),
      operate: (asked) => new Promise((resolve) => agent.operate(asked, resolve)),
    },
    now: () => systemClock.now(),
    // Redis listens on IPv4 unless told otherwise.
    lookup: (name, done) => lookup(name, { order: 'ipv4first' }, (error, address) => {
      done(error === null ? address : null);
    }),
    onListening: (announced) => {
      agent.sentinelAt(announced);
      log.event('sentinel_listening', { port, announced: `${announced.host}:${announced.port}` });
    },
    onPortTaken: (cause) => log.event('refused', { reason: 'sentinel_port_taken', port, cause }),
    onFault: (fault) => log.event('sentinel_fault', { error: String(fault) }),
  });
  agent.onTurn = server.turned;
  server.start();
  return server;
}
