/** Runs one of the system's own commands (`ip`, `nft`, `tc`, `mount`) and gives what it printed. */
import { spawn } from 'node:child_process';

const PATIENCE_MS = 10_000;

export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
}

/** Rejects with what the command said when it fails, is missing, or does not end within 10 s. */
export function run(command: readonly string[], input = ''): Promise<string> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe', timeout: PATIENCE_MS, killSignal: 'SIGKILL' });
    let output = '';
    let complaint = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    child.once('error', (error) => reject(new CommandFailed(`${program}: ${error.message}`)));
    child.once('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new CommandFailed(`${command.join(' ')}: ${complaint.trim() || `ended with ${String(code)}`}`));
    });
    // A command that ended without reading its input has said why.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/** Null when the command succeeds, else why it does not. */
export async function refusal(command: readonly string[], input = ''): Promise<string | null> {
  try {
    await run(command, input);
    return null;
  } catch (error) {
    if (!(error instanceof CommandFailed)) throw error;
    return error.message.split('\n', 1)[0] ?? 'failed';
  }
}
