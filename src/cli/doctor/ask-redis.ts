/**
 * Asks a Redis what the doctor wants to know: one connection, one pipeline, nothing changed. And what restarts it, as
 * far as this host tells.
 */
import { readFile } from 'node:fs/promises';
import { parseInfo } from '../../redis/info.ts';
import { createRedisConnector } from '../../redis/connector.ts';
import type { Command, RedisTarget, Reply, SendOutcome } from '../../redis/link.ts';
import type { RedisReport } from './facts.ts';

const CONNECT_TIMEOUT_MS = 1000;
const ANSWER_TIMEOUT_MS = 2000;
/** Configuration files are small; a log or a dataset named by mistake is not. */
const CONFIG_BYTES_MAX = 1024 * 1024;

const SETTINGS = [
  'save', 'appendonly', 'repl-diskless-sync', 'repl-diskless-sync-delay', 'replica-read-only',
] as const;

const COMMANDS: readonly Command[] = [
  ['INFO'],
  ...SETTINGS.map((name): Command => ['CONFIG', 'GET', name]),
  ['ROLE'],
];

export type Failure = { readonly failure: string };

/** Sends commands once, on a connection of their own. */
function askRedis(target: RedisTarget, commands: readonly Command[]): Promise<readonly Reply[] | Failure> {
  return new Promise((resolve) => {
    const done = (result: readonly Reply[] | Failure): void => {
      resolve(result);
      link.close();
    };
    const onOutcome = (outcome: SendOutcome): void => {
      done(outcome.kind === 'answered' ? outcome.replies : { failure: outcome.kind });
    };
    const link = createRedisConnector().connect(target, { purpose: 'doctor', connectTimeoutMs: CONNECT_TIMEOUT_MS }, {
      onOpen: () => link.send(commands, ANSWER_TIMEOUT_MS, onOutcome),
      onRefused: () => done({ failure: 'refused' }),
      onFailed: ({ code, detail }) => done({ failure: `${code} ${detail}`.trim() }),
      onClosed: (how) => done({ failure: `closed (${how})` }),
    });
  });
}

/** Version of a Redis; `answers` says whether anything of Redis was there, whatever it said to our credentials. */
export async function askVersion(target: RedisTarget): Promise<{ answers: boolean; version: string | null }> {
  const asked = await askRedis(target, [['INFO', 'server']]);
  if ('failure' in asked) return { answers: asked.failure.startsWith('auth'), version: null };
  const [info] = asked;
  const text = info?.ok === true && typeof info.value === 'string' ? info.value : '';
  return { answers: true, version: parseInfo(text).server?.version ?? null };
}

export async function reportRedis(target: RedisTarget): Promise<RedisReport | Failure> {
  const asked = await askRedis(target, COMMANDS);
  if ('failure' in asked) return asked;
  const [first] = asked;
  if (first?.ok === false) return { failure: first.message };
  const text = first?.ok === true && typeof first.value === 'string' ? first.value : '';
  const { server, replication } = parseInfo(text);
  if (server === null || replication === null) return { failure: 'what it answers to INFO is not that of Redis' };
  const refused = asked.flatMap((reply, index) => {
    const denied = !reply.ok && reply.code === 'NOPERM';
    return denied ? [(COMMANDS[index] ?? []).slice(0, 2).join(' ')] : [];
  });
  const configFile = /^config_file:(.*)\r?$/m.exec(text)?.[1]?.trim() ?? '';
  return {
    version: server.version,
    mode: server.mode,
    role: replication.role,
    settings: settingsOf(asked),
    refused: [...new Set(refused)],
    configLines: await linesOf(configFile),
    restartedBy: await restarterOf(server.processId, text),
  };
}

function settingsOf(replies: readonly Reply[]): ReadonlyMap<string, string> {
  const pairs = SETTINGS.flatMap((name, index) => {
    const reply = replies[index + 1];
    const value = reply?.ok === true && Array.isArray(reply.value) ? (reply.value as readonly unknown[])[1] : undefined;
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  return new Map<string, string>(pairs);
}

/** Null where Redis runs on another host, without a file, or with one that this user may not read. */
async function linesOf(file: string): Promise<readonly string[] | null> {
  if (file === '') return null;
  try {
    const text = await readFile(file, 'utf8');
    return text.length > CONFIG_BYTES_MAX ? null : text.split('\n');
  } catch (error) {
    if (error instanceof Error && 'code' in error) return null;
    throw error;
  }
}

/** The systemd service that the process belongs to, or the supervisor that Redis itself names. */
async function restarterOf(processId: number, info: string): Promise<string | null> {
  const supervised = /^process_supervised:(\w+)/m.exec(info)?.[1] ?? 'no';
  const cgroup = await linesOf(`/proc/${processId}/cgroup`);
  const name = await linesOf(`/proc/${processId}/comm`);
  // In another PID namespace, or on another host, the number is somebody else.
  const isIt = /redis|valkey|keydb/.test(name?.[0] ?? '');
  const unit = isIt ? /([\w@.-]+\.service)/.exec(cgroup?.join('\n') ?? '')?.[1] : undefined;
  if (unit !== undefined && /redis|valkey|keydb/.test(unit)) return unit;
  return supervised === 'no' ? null : supervised;
}
