/**
 * `dictator` without a verb: the agent as a process. Builds the outside from the configuration and runs until the
 * agent leaves, by order or by signal.
 *
 * As PID 1 of a container nothing handles signals for us, and nobody reaps or restarts: SIGTERM and SIGINT give up
 * mastership in order, a second one ends the process at once.
 */
import { randomBytes } from 'node:crypto';
import { Agent } from '../agent/agent.ts';
import type { Credentials } from '../agent/agent.ts';
import { createProcessPort } from '../agent/linux-process.ts';
import type { Outside } from '../agent/ports.ts';
import { createRescuePort } from '../agent/rescue-files.ts';
import { systemClock } from '../agent/system-clock.ts';
import { changesOf, holding } from '../config/changes.ts';
import type { Config } from '../config/config.ts';
import { parametersIn } from '../config/service-settings.ts';
import { formatFault } from '../config/faults.ts';
import type { Loaded } from '../config/load.ts';
import type { Settings } from '../core/state.ts';
import type { HttpApi } from '../http/api.ts';
import { createHttpServer } from '../http/server.ts';
import type { HttpServer } from '../http/server.ts';
import type { Journal } from '../log/journal.ts';
import type { Logger } from '../log/logger.ts';
import { createPeerHub } from '../peers/hub.ts';
import { askAgent } from '../peers/failsafe.ts';
import { identifyAgent } from '../peers/identify.ts';
import { createRedisConnector } from '../redis/connector.ts';
import { askServerLimits, openZooKeeperPort } from '../zookeeper/index.ts';
import { VERSION } from './version.ts';
import { serveSentinel } from './serve-sentinel.ts';

/**
 * A silent ZooKeeper server is left after half a session timeout: fencing begins at 0.57 T (with the default margin),
 * and until then another server, or the same one started anew, can still confirm the lease.
 */
const DEADLINE_SHARES = { readDeadlineShare: 1 / 2, connectDeadlineShare: 1 / 6 } as const;
/**
 * After an outage a session may be gone, and the lease with it. The holder must be back before the promises end that
 * stand in for it, so it knocks at least this often.
 */
const RECONNECT_PAUSE_MAX_MS = 2000;
const RECONNECT_PAUSE_SHARE = 1 / 4;
const LIMITS_TIMEOUT_MS = 2000;
const INSTANCE_BYTES = 8;
/** Conventional exit code of a process that a signal ended at once. */
const EXIT_SIGNALLED = 130;

function settingsOf(config: Config, instance: string): Settings {
  const { node, http } = config;
  return {
    service: config.svcName,
    name: node.name,
    instance,
    redis: { host: node.host, port: node.port },
    http: { host: http.announceHost, port: http.port },
    priority: node.priority,
    neverMaster: node.neverMaster,
    zone: node.zone,
    noRead: node.noRead,
    sessionTimeoutMs: config.zk.sessionTimeoutMs,
    downAfterMs: config.downAfterMs,
    loadingTimeoutMs: node.loadingTimeoutMs,
    fenceMarginMs: config.fenceMarginMs,
    trustRefused: config.trustRefused,
    bootstrapSettleMs: config.bootstrapSettleMs,
    expectedNodes: config.expectedNodes,
    electionSettleMs: config.electionSettleMs,
    recoveryGraceMs: config.recoveryGraceMs,
    shared: config.shared,
    failsafePromiseMs: config.failsafePromiseMs,
    forgetAfterMs: config.forgetAfterMs,
    shutdownTimeoutMs: config.shutdownTimeoutMs,
    onStop: config.onStop,
    complaintAfterMs: config.complaintAfterMs,
    failoverBudget: config.failoverBudget,
    failoverCalmMs: config.failoverCalmMs,
    unwritableAfterMs: config.unwritableAfterMs,
    fenceByKill: config.fenceByKill,
    publishReplicas: config.publishReplicas,
    rescueMode: config.rescue.mode,
  };
}

function credentialsOf({ node }: Config): Credentials {
  return node.password === null
    ? {}
    : { username: node.username ?? undefined, password: node.password.reveal() };
}

function outsideOf(config: Config, settings: Settings, log: Logger, exit: (code: number) => void): Outside {
  const { service, name, instance } = settings;
  const reconnectPauseMaxMs = Math.min(RECONNECT_PAUSE_MAX_MS, config.zk.sessionTimeoutMs * RECONNECT_PAUSE_SHARE);
  const zooKeeper = { ...config.zk, ...DEADLINE_SHARES, reconnectPauseMaxMs };
  return {
    clock: systemClock,
    log,
    redis: createRedisConnector(),
    openZooKeeper: (events) =>
      openZooKeeperPort(zooKeeper, events, ({ code, host, detail }) =>
        log.event('zookeeper_fault', { code, host, detail }),
      ),
    openPeers: (events) => createPeerHub({ service, name, instance }, events, systemClock),
    identify: (address, timeoutMs, done) => void identifyAgent(address, timeoutMs).then(done),
    rescue: createRescuePort({
      ...config.rescue,
      service,
      node: name,
      target: { ...settings.redis, ...credentialsOf(config) },
      wallNow: () => systemClock.wallNow(),
    }),
    process: createProcessPort(),
    ask: (address, question, timeoutMs, done) => void askAgent(address, question, timeoutMs).then(done),
    exit,
  };
}

function apiOf(agent: Agent, settings: Settings, journal: Journal): HttpApi {
  const { service, name, instance } = settings;
  const { orders } = agent;
  return {
    enabled: () => agent.view().enabled,
    setEnabled(enabled) {
      if (agent.view().enabled === enabled) return false;
      orders.give({ order: enabled ? 'enable' : 'disable' });
      return true;
    },
    maintain: (asked) => orders.maintain(asked),
    view: () => agent.view(),
    turnAgeMs: () => agent.turnAgeMs(),
    identity: () => ({ service, name, instance, version: VERSION }),
    bootstrap: (master) =>
      new Promise((resolve) => {
        orders.bootstrap(master, (reason) => resolve(reason === null ? { ok: true } : { ok: false, reason }));
      }),
    forget: (node) =>
      new Promise((resolve) => {
        orders.forget(node, (reason) => resolve(reason === null ? { ok: true } : { ok: false, reason }));
      }),
    events: async (after, waitMs) => ({ instance, ...(await journal.after(after, waitMs)) }),
    operate: (asked) => new Promise((resolve) => orders.operate(asked, resolve)),
    cancelOperation: () => new Promise((resolve) => orders.cancel(resolve)),
    pause: (asked) => new Promise((resolve) => orders.pause(asked, resolve)),
    resume: () => new Promise((resolve) => orders.resume(resolve)),
    settings: () => orders.settings(),
    changeSettings: (asked) => new Promise((resolve) => orders.changeSettings(asked, resolve)),
    tryParameters: (asked) => new Promise((resolve) => orders.tryParameters(parametersIn({ redis: asked }), resolve)),
    wallNow: () => systemClock.wallNow(),
    promise: (question) => new Promise((resolve) => agent.question(question, resolve)),
    acceptPeer: (stream, hello) => agent.peers.accept(stream, hello),
  };
}

function serve(config: Config, api: HttpApi, log: Logger): HttpServer {
  const { host, port } = config.http;
  return createHttpServer({
    port,
    host: host ?? undefined,
    api,
    onPortTaken: (cause) => log.event('refused', { reason: 'port_taken', port, cause }),
    onListening: (listening) => log.event('listening', { port: listening }),
    onFault: (error) => log.event('http_fault', { error: String(error) }),
  });
}

/** A deposed leader may answer for `syncLimit x tickTime`: beyond twice the session timeout that is worth a warning. */
function warnOfSlowEnsemble({ zk }: Config, log: Logger): void {
  const [host] = zk.hosts;
  if (host === undefined) return;
  askServerLimits(host, LIMITS_TIMEOUT_MS, (limits) => {
    if (limits === null) return;
    const { tickTimeMs, syncLimitTicks } = limits;
    if (syncLimitTicks * tickTimeMs <= 2 * zk.sessionTimeoutMs) return;
    const said = { tick_time_ms: tickTimeMs, sync_limit_ticks: syncLimitTicks };
    log.event('refused', { reason: 'slow_ensemble_detection', ...said });
  });
}

/** Reads the configuration again, from where it was read at the start. */
export type Reread = () => Loaded;

interface Running {
  readonly agent: Agent;
  readonly log: Logger;
  readonly reread: Reread;
  readonly instance: string;
}

/** SIGHUP: takes what can change, says what needs a restart; a file with faults changes nothing. Gives what holds. */
function reload(running: Config, { agent, log, reread, instance }: Running): Config {
  const loaded = reread();
  if (!loaded.ok) {
    log.event('configuration_refused', { faults: loaded.faults.map(formatFault) });
    return running;
  }
  const { live, restart } = changesOf(running, loaded.config);
  // What waits for a restart is compared with what the agent was built with, also the next time.
  const holds = holding(running, loaded.config);
  log.setLevel(holds.logLevel);
  agent.orders.give({ order: 'reload', settings: settingsOf(holds, instance) });
  log.event('configuration_reloaded', { live, restart });
  return holds;
}

/** Runs the agent until it leaves; gives the exit code. */
export async function runAgent(config: Config, log: Logger, journal: Journal, reread: Reread): Promise<number> {
  const instance = randomBytes(INSTANCE_BYTES).toString('hex');
  const settings = settingsOf(config, instance);
  let left: (code: number) => void = () => undefined;
  const gone = new Promise<number>((resolve) => {
    left = resolve;
  });
  const agent = new Agent(settings, credentialsOf(config), outsideOf(config, settings, log, (code) => left(code)));
  const http = serve(config, apiOf(agent, settings, journal), log);
  let signalled = false;
  const onSignal = (): void => {
    if (signalled) process.exit(EXIT_SIGNALLED);
    signalled = true;
    agent.orders.give({ order: 'stop' });
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
  const sentinel = serveSentinel(config, agent, log);
  let running = config;
  process.on('SIGHUP', () => {
    running = reload(running, { agent, log, reread, instance });
  });
  void http.start();
  warnOfSlowEnsemble(config, log);
  agent.start();
  const code = await gone;
  await Promise.all([http.stop(), sentinel?.stop()]);
  return code;
}
