/**
 * What keys must be to one another. Each rule is one function from the checked values to what is wrong with them;
 * rules look only at values that are themselves right, so that one mistake is one fault.
 */
import type { Values } from './schemas.ts';

/** A share of T: two heartbeats (T/6 each) must fit between the last answer and the moment of fencing. */
const FENCE_MARGIN_SHARE_MAX = 1 / 3;

export interface Contradiction {
  readonly path: keyof Values;
  readonly reason: string;
  readonly fix: string;
}

type Rule = (values: Partial<Values>) => Contradiction | undefined;

const isGiven = <T>(value: T | null | undefined): value is T => value !== null && value !== undefined;

const onePassword: Rule = (values) => {
  if (!isGiven(values['node.password']) || !isGiven(values['node.password_file'])) return undefined;
  return {
    path: 'node.password_file',
    reason: 'is set together with node.password',
    fix: 'Keep one of the two.',
  };
};

const oneSentinelPassword: Rule = (values) => {
  if (!isGiven(values['sentinel.password']) || !isGiven(values['sentinel.password_file'])) return undefined;
  return {
    path: 'sentinel.password_file',
    reason: 'is set together with sentinel.password',
    fix: 'Keep one of the two.',
  };
};

/** The password of the port is that of its user `default`. */
const oneDefaultUser: Rule = (values) => {
  const users = values['sentinel.users'];
  const given = values['sentinel.password'] ?? values['sentinel.password_file'];
  if (!isGiven(users) || !isGiven(given) || users.every(({ name }) => name !== 'default')) return undefined;
  return {
    path: 'sentinel.users',
    reason: 'names the user default, whose password is set as well',
    fix: 'Keep one of the two.',
  };
};

const EVERY_ADDRESS: readonly string[] = ['0.0.0.0', '::'];

const ownPort: Rule = (values) => {
  const { http_port: httpPort, http_host: httpHost, announce_http_host: announced } = values;
  const redisHost = values['node.host'];
  if (httpPort === undefined || httpPort !== values['node.port']) return undefined;
  // Another address is another socket: the agent may stand elsewhere, or listen on loopback only.
  if (isGiven(httpHost) && httpHost !== redisHost && !EVERY_ADDRESS.includes(httpHost)) return undefined;
  if (isGiven(announced) && announced !== redisHost) return undefined;
  return {
    path: 'http_port',
    reason: 'is the same as node.port, on the same host',
    fix: 'Give the HTTP listener a port of its own, such as 8000.',
  };
};

const sentinelPort: Rule = (values) => {
  const sentinel = values['sentinel.port'];
  if (sentinel === undefined || (sentinel !== values.http_port && sentinel !== values['node.port'])) return undefined;
  // Other addresses are other sockets.
  if (isGiven(values['sentinel.bind'])) return undefined;
  return {
    path: 'sentinel.port',
    reason: sentinel === values.http_port ? 'is the same as http_port' : 'is the same as node.port',
    fix: 'Give the Sentinel protocol a port of its own, such as 26379, or "off".',
  };
};

const marginWithinSession: Rule = (values) => {
  const { fence_margin_ms: margin, zk_session_timeout_ms: timeout } = values;
  if (!isGiven(margin) || timeout === undefined) return undefined;
  const most = Math.floor(timeout * FENCE_MARGIN_SHARE_MAX);
  if (margin <= most) return undefined;
  return {
    path: 'fence_margin_ms',
    reason: `is more than a third of zk_session_timeout_ms (${timeout}): one late heartbeat would fence the master`,
    fix: `Use at most ${most}, or leave the key out.`,
  };
};

/** A share of T: less would be used up by the fence margin and the next round of questions. */
const PROMISE_SHARE_MIN = 1 / 2;

const promiseWorthAsking: Rule = (values) => {
  const { failsafe_promise_ms: promise, zk_session_timeout_ms: timeout } = values;
  if (!isGiven(promise) || timeout === undefined) return undefined;
  const least = Math.ceil(timeout * PROMISE_SHARE_MIN);
  if (promise >= least) return undefined;
  return {
    path: 'failsafe_promise_ms',
    reason: `is less than half of zk_session_timeout_ms (${timeout}): it would end before it could be renewed`,
    fix: `Use at least ${least}, or leave the key out.`,
  };
};

export const FAULT_RULES: readonly Rule[] = [
  onePassword, ownPort, oneSentinelPassword, oneDefaultUser, sentinelPort, marginWithinSession, promiseWorthAsking,
];

const userWithoutPassword: Rule = (values) => {
  const given = values['node.password'] ?? values['node.password_file'];
  if (!isGiven(values['node.username']) || isGiven(given)) return undefined;
  return {
    path: 'node.username',
    reason: 'is set without a password',
    fix: 'Set node.password_file, unless that user needs none.',
  };
};

const slowerThanVanishing: Rule = (values) => {
  const { down_after_ms: downAfter, zk_session_timeout_ms: timeout } = values;
  if (downAfter === undefined || timeout === undefined || downAfter <= timeout) return undefined;
  return {
    path: 'down_after_ms',
    reason: `is longer than zk_session_timeout_ms (${timeout}): a hung Redis is noticed later than a lost host`,
    fix: 'Lower it, unless commands of yours really block Redis for so long.',
  };
};

const ownNameExpected: Rule = (values) => {
  const { expected_nodes: expected } = values;
  const name = values['node.name'];
  if (!Array.isArray(expected) || name === undefined || expected.includes(name)) return undefined;
  return {
    path: 'expected_nodes',
    reason: 'does not name this node itself (node.name)',
    fix: 'Correct one of the two, unless this node came later.',
  };
};

/** Odd, but possibly meant: said once, not refused. */
export const WARNING_RULES: readonly Rule[] = [userWithoutPassword, slowerThanVanishing, ownNameExpected];
