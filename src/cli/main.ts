/** Entry of the executable: gives the program the real outside, and ends the process with its exit code. */
import { readFile } from '../config/read-file.ts';
import { dictator } from './dictator.ts';
import type { Io } from './io.ts';
import { report } from './report.ts';

const io: Io = {
  stdout: (text) => process.stdout.write(text),
  stderr: (text) => process.stderr.write(text),
  env: process.env,
  readFile,
};

dictator(process.argv.slice(2), io, () => import('./run.ts')).then(
  (exitCode) => process.exit(exitCode),
  (error: unknown) => {
    const details = error instanceof Error ? (error.stack ?? error.message).split('\n') : [String(error)];
    process.exit(report({ code: 'internal_error', details }, io));
  },
);
