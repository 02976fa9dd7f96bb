/**
 * What a server says of its own timing, by the four-letter word `conf`, where the ensemble allows it
 * (`4lw.commands.whitelist`; Debian's default allows only `srvr`).
 *
 * Why anybody asks: a deposed leader may go on answering for `syncLimit x tickTime`. Where that exceeds twice the
 * session timeout, a heartbeat through the leader proves less than it should, and an operator must know.
 */
import { connect } from 'node:net';
import type { Host } from './hosts.ts';

/** Bound of the answer. */
const ANSWER_BYTES_MAX = 16 * 1024;

export interface ServerLimits {
  readonly tickTimeMs: number;
  /** 0 on a server that stands alone: it has no leader to lose. */
  readonly syncLimitTicks: number;
}

/** Numbers of a `conf` answer, or null where it is none (refused word, other program). */
export function parseConf(text: string): ServerLimits | null {
  const numberOf = (name: string): number | null => {
    const value = new RegExp(`^${name}=(\\d+)\\s*$`, 'm').exec(text)?.[1];
    return value === undefined ? null : Number(value);
  };
  const tickTimeMs = numberOf('tickTime');
  return tickTimeMs === null ? null : { tickTimeMs, syncLimitTicks: numberOf('syncLimit') ?? 0 };
}

/** Asks one server; `done` is called once, with null when it does not say within `timeoutMs`. */
export function askServerLimits(host: Host, timeoutMs: number, done: (limits: ServerLimits | null) => void): void {
  askWord(host, { word: 'conf', timeoutMs }, (text) => done(parseConf(text)));
}

/** Version of a `srvr` answer, as `[3, 8]`, or null where it is none. */
export function parseVersion(text: string): readonly [major: number, minor: number] | null {
  const [, major, minor] = /^Zookeeper version: (\d+)\.(\d+)/m.exec(text) ?? [];
  return major === undefined || minor === undefined ? null : [Number(major), Number(minor)];
}

/** Before 3.6 a server knows no persistent watch, and may even say OK to one. Null: it does not say. */
export function askIfWatches(host: Host, timeoutMs: number, done: (watches: boolean | null) => void): void {
  askWord(host, { word: 'srvr', timeoutMs }, (text) => {
    const version = parseVersion(text);
    done(version === null ? null : version[0] > 3 || (version[0] === 3 && version[1] >= 6));
  });
}

interface Word {
  readonly word: string;
  readonly timeoutMs: number;
}

function askWord(host: Host, { word, timeoutMs }: Word, done: (text: string) => void): void {
  const socket = connect({ host: host.host, port: host.port });
  let text = '';
  socket.setEncoding('latin1');
  socket.setTimeout(timeoutMs, () => socket.destroy());
  socket.on('connect', () => socket.end(word));
  socket.on('data', (chunk: string) => {
    text += chunk;
    if (text.length > ANSWER_BYTES_MAX) socket.destroy();
  });
  // Why it failed does not matter here: the client itself reports unreachable servers.
  socket.on('error', () => socket.destroy());
  socket.on('close', () => done(text));
}
