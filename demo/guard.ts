/**
 * Cleans up after a demo that was killed and could not do it itself.
 *
 * A shell that waits until its standard input ends, which is when this process is gone, for whatever reason. Then it
 * kills what still belongs to the demo: processes that name the demo's folder on their command line or work in it. The
 * folder's name is unique, so nobody else is hit. It is a process group of its own: Ctrl-C is not for it.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';

const SCRIPT = `
trap '' INT TERM HUP
cat >/dev/null
for process in /proc/[0-9]*; do
  case "$(tr '\\0' ' ' <$process/cmdline; readlink $process/cwd)" in
    *"$DEMO_FOLDER"*) kill -KILL "\${process#/proc/}" ;;
  esac
done
sleep 0.2
rm -rf "$DEMO_FOLDER"
`;

/** Null where there is no /proc; a killed demo leaves its processes behind there. */
export function guard(folder: string): ChildProcess | null {
  if (!existsSync('/proc/self/cmdline')) return null;
  const env = { PATH: process.env['PATH'], DEMO_FOLDER: folder };
  const child = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'], env });
  // Neither its life nor its pipe keeps the demo from ending.
  child.unref();
  // A guard that could not be started is one that does not help; the demo cleans up by itself.
  child.on('error', () => undefined);
  return child;
}
