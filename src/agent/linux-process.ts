/**
 * What the kernel says of the process of our Redis, by `/proc`.
 *
 * A process id is a number in somebody's namespace: the Redis of another container says `1`, and here that is init.
 * So a number counts for nothing until the process behind it is proved to be that server: it owns a socket that
 * listens on the server's port, as only a process of our own namespaces can, and it is as old as the server says.
 * Its start time then stands for it: the kernel gives the number away again, but never the two together.
 */
import { open, readdir, readFile, readlink } from 'node:fs/promises';
import type { ProcessPort, ProcessProof, ProcessSight, ServerClaim } from './ports.ts';

/** Ticks of `/proc/<pid>/stat`: fixed for programs on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** `uptime_in_seconds` is whole seconds of wall time, counted from a little after the start of the process. */
const AGE_TOLERANCE_MS = 3000;
/** Listening sockets come first in the kernel's list; a list that is longer than this before they end is not read. */
const SOCKET_LIST_BYTES_MAX = 1024 * 1024;
/** A server opens the sockets that it listens on before it has clients: they have low numbers. */
const DESCRIPTORS_MAX = 1024;
const LISTENING = '0A';
/** Where to look; replaced in tests. */
const PROC = '/proc';

export function createProcessPort(proc = PROC): ProcessPort {
  return {
    prove(claim, done) {
      prove(proc, claim).then(done, (error: unknown) => done({ ok: false, code: codeOf(error) }));
    },
    look({ pid, startTicks }, done) {
      look(proc, pid, startTicks).then(done, () => done('unknown'));
    },
    kill(claim, startTicks, done) {
      kill(proc, claim, startTicks).then(done, (error: unknown) => done({ ok: false, code: codeOf(error) }));
    },
  };
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'FAILED';
}

interface Stat {
  readonly state: string;
  readonly startTicks: number;
}

/** Null: there is no such process. */
async function statOf(proc: string, pid: number): Promise<Stat | null> {
  try {
    const text = await readFile(`${proc}/${pid}/stat`, 'latin1');
    // The name of the program stands in parentheses and may hold anything, parentheses too.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0] ?? '', startTicks: Number(fields[19]) };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ESRCH') return null;
    throw error;
  }
}

async function prove(proc: string, { pid, port, ageMs }: ServerClaim): Promise<ProcessProof> {
  const stat = await statOf(proc, pid);
  if (stat === null) return { ok: false, code: 'no_process' };
  const uptimeSeconds = Number((await readFile(`${proc}/uptime`, 'latin1')).split(' ')[0]);
  const processAgeMs = (uptimeSeconds - stat.startTicks / TICKS_PER_SECOND) * 1000;
  if (!(Math.abs(processAgeMs - ageMs) <= AGE_TOLERANCE_MS)) return { ok: false, code: 'other_age' };
  const sockets = new Set(
    (await Promise.all(['tcp', 'tcp6'].map((list) => listenersOn(`${proc}/self/net/${list}`, port)))).flat(),
  );
  if (!(await ownsOneOf(`${proc}/${pid}/fd`, sockets))) return { ok: false, code: 'other_port' };
  // Between the first look and now the number may have passed to another process.
  const again = await statOf(proc, pid);
  if (again?.startTicks !== stat.startTicks) return { ok: false, code: 'no_process' };
  return { ok: true, startTicks: stat.startTicks };
}

/** Inodes of the sockets that listen on this port, at any address. */
async function listenersOn(list: string, port: number): Promise<readonly string[]> {
  const text = await firstBytes(list);
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const inodes: string[] = [];
  for (const line of text.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [, local = '', , state] = fields;
    const inode = fields[9];
    if (state === LISTENING && local.endsWith(`:${wanted}`) && inode !== undefined) inodes.push(inode);
  }
  return inodes;
}

/** A host without IPv6 has no list of its sockets. */
async function firstBytes(path: string): Promise<string> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
  try {
    const buffer = Buffer.alloc(SOCKET_LIST_BYTES_MAX);
    let length = 0;
    for (let read = -1; read !== 0 && length < buffer.length; length += read) {
      read = (await file.read(buffer, length, buffer.length - length, null)).bytesRead;
    }
    return buffer.toString('latin1', 0, length);
  } finally {
    await file.close();
  }
}

async function ownsOneOf(folder: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const descriptors = (await readdir(folder)).map(Number).sort((a, b) => a - b);
  for (const descriptor of descriptors.slice(0, DESCRIPTORS_MAX)) {
    const target = await linkOf(`${folder}/${descriptor}`);
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined && inodes.has(inode)) return true;
  }
  return false;
}

/** A descriptor may be closed while the list of them is read. */
async function linkOf(path: string): Promise<string> {
  try {
    return await readlink(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return '';
    throw error;
  }
}

const SIGHTS: Readonly<Record<string, ProcessSight>> = { T: 'stopped', t: 'stopped', Z: 'dead', X: 'dead' };

async function look(proc: string, pid: number, startTicks: number): Promise<ProcessSight> {
  const stat = await statOf(proc, pid);
  if (stat?.startTicks !== startTicks) return 'dead';
  return SIGHTS[stat.state] ?? 'running';
}

/** Proved once more, and stopped still: whoever runs again obeys the fence in its socket, and keeps its data. */
async function kill(
  proc: string,
  claim: ServerClaim,
  startTicks: number,
): Promise<{ readonly ok: true } | { readonly ok: false; readonly code: string }> {
  const proof = await prove(proc, claim);
  if (!proof.ok) return proof;
  if (proof.startTicks !== startTicks) return { ok: false, code: 'no_process' };
  if ((await look(proc, claim.pid, startTicks)) !== 'stopped') return { ok: false, code: 'not_stopped' };
  process.kill(claim.pid, 'SIGKILL');
  return { ok: true };
}
