/** Entry of the executable: gives the program the real outside, and ends the process with its exit code. */
import { readFile } from '../config/read-file.ts';
import { dictator, type Agent } from './dictator.ts';
import { tuneForSmallFootprint } from './engine.ts';
import type { Io } from './io.ts';
import { report } from './report.ts';

const io: Io = {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  env: process.env,
  readFile,
};

function loadAgent(): Promise<Agent> {
  tuneForSmallFootprint();
  return import('./run.ts');
}

dictator(process.argv.slice(2), io, loadAgent).then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    const details = error instanceof Error ? (error.stack ?? error.message).split('\n') : [String(error)];
    process.exit(report({ code: 'internal_error', details }, io));
  },
);
