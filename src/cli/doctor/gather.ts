/** Looks at everything that the doctor judges: configuration, ensemble, own Redis, the other nodes, clocks. */
import { connect } from 'node:net';
import type { Config, HostPort } from '../../config/config.ts';
import type { Member } from '../../core/records.ts';
import { askServerLimits } from '../../zookeeper/index.ts';
import { Ensemble } from '../ensemble.ts';
import { factsOf, unlessSilent } from '../facts.ts';
import type { ServiceFacts } from '../facts.ts';
import { getJson, LiveViews } from '../live.ts';
import type { Target } from '../../peers/exchange.ts';
import { targetOf } from '../order.ts';
import { shownAddress } from '../terminal.ts';
import type { Io } from '../io.ts';
import { askVersion, reportRedis } from './ask-redis.ts';
import { measureClocks } from './clocks.ts';
import type { DoctorFacts, ReachFacts, ZooKeeperServerFacts } from './facts.ts';

const PROBE_TIMEOUT_MS = 1000;

export interface Patient {
  readonly config: Config;
  readonly warnings: readonly string[];
  /** Whether the password of Redis could be read. */
  readonly passwordKnown: boolean;
}

export async function gather({ config, warnings, passwordKnown }: Patient, io: Io): Promise<DoctorFacts> {
  const [servers, { session, service }, agent, redis] = await Promise.all([
    Promise.all(config.zk.hosts.map(lookAtServer)),
    lookAtEnsemble(config, io),
    askNode(targetOf(config)),
    passwordKnown ? reportRedis(redisTarget(config, config.node)) : null,
  ]);
  const members = [...(service?.records?.members ?? [])].map(([, { value }]) => value);
  const others = members.filter(({ name }) => name !== config.node.name);
  const [reach, clocks] = await Promise.all([
    Promise.all(others.map((member) => lookAtNode(config, member, service))),
    measureClocks(members.map(({ name: node, http: target }) => ({ node, target })), io.clock),
  ]);
  return { config, warnings, servers, session, agent, redis, service, reach, clocks };
}

function redisTarget({ node }: Config, { host, port }: Target) {
  return { host, port, ...(node.username === null ? {} : { username: node.username }), ...passwordOf(node) };
}

const passwordOf = ({ password }: Config['node']): { password?: string } =>
  password === null ? {} : { password: password.reveal() };

async function lookAtServer(server: HostPort): Promise<ZooKeeperServerFacts> {
  const [accepts, limits] = await Promise.all([
    accepting(server),
    new Promise<ZooKeeperServerFacts['limits']>((resolve) => askServerLimits(server, PROBE_TIMEOUT_MS, resolve)),
  ]);
  return { host: shownAddress(server), accepts, limits };
}

/** Whether a connection to a port is taken. */
function accepting({ host, port }: Target): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => end(false));
    socket.on('connect', () => end(true));
    socket.on('error', () => end(false));
  });
}

/** With the session timeout that the agent asks for, to learn what is granted. */
async function lookAtEnsemble(config: Config, io: Io): Promise<Pick<DoctorFacts, 'session' | 'service'>> {
  const { hosts, sessionTimeoutMs } = config.zk;
  const ensemble = await Ensemble.open(hosts, sessionTimeoutMs);
  if (ensemble === null) return { session: null, service: null };
  try {
    const looked = await unlessSilent(async () => {
      const roundTripMs = await ensemble.roundTripMs();
      const gathering = { live: new LiveViews(io.clock), wallNow: () => io.clock.wallNow() };
      const service = await factsOf(ensemble, config.svcName, gathering);
      return { session: { timeoutMs: ensemble.sessionTimeoutMs, roundTripMs }, service };
    });
    return looked ?? { session: null, service: null };
  } finally {
    await ensemble.close();
  }
}

async function askNode(target: Target): Promise<DoctorFacts['agent']> {
  const where = `http://${shownAddress(target)}`;
  const asked = await getJson(target, '/v1/node');
  if (!asked.ok) return { answers: false, why: `${where}: ${asked.why}` };
  const { service, name, version } = (asked.value ?? {}) as Record<string, unknown>;
  if (typeof service !== 'string' || typeof name !== 'string') return { answers: false, why: `${where}: foreign` };
  return { answers: true, service, name, version: typeof version === 'string' ? version : '' };
}

async function lookAtNode(config: Config, member: Member, service: ServiceFacts | null): Promise<ReachFacts> {
  const { name, http, redis } = member;
  const [version, agent] = await Promise.all([askVersion(redisTarget(config, redis)), askNode(http)]);
  const peers = service?.views.get(name)?.peers ?? null;
  return {
    node: name,
    redis: version.answers,
    agent: agent.answers,
    seesUs: peers === null ? null : peers.includes(config.node.name),
    version: agent.answers && agent.version !== '' ? agent.version : null,
    redisVersion: version.version,
  };
}
