/** The errors that a Redis answers with, worded as it words them. */
import type { ErrorReply, Reply } from '../../../src/redis/link.ts';

export function failure(message: string): ErrorReply {
  return { ok: false, code: message.split(' ', 1)[0] ?? 'ERR', message };
}

export const OK: Reply = { ok: true, value: 'OK' };
export const QUEUED: Reply = { ok: true, value: 'QUEUED' };

export const LOADING = failure('LOADING Redis is loading the dataset in memory');
export const BUSY = failure('BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.');
export const NOT_BUSY = failure('NOTBUSY No scripts in execution right now.');
export const UNKILLABLE = failure(
  'UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script '
  + 'termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.',
);
export const READONLY = failure("READONLY You can't write against a read only replica.");
export const NO_REPLICAS = failure('NOREPLICAS Not enough good replicas to write.');
export const MISCONF_RDB = failure(
  'MISCONF Redis is configured to save RDB snapshots, but it\'s currently unable to persist to disk.',
);
export const MISCONF_AOF = failure('MISCONF Errors writing to the AOF file: No space left on device');
export const NO_MASTER_LINK = failure("NOMASTERLINK Can't SYNC while not connected with my master");
export const UNBLOCKED = failure(
  'UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)',
);
export const WAIT_ON_REPLICA = failure('ERR WAIT cannot be used with replica instances.');
export const EXEC_ABORT = failure('EXECABORT Transaction discarded because of previous errors.');
export const UNKNOWN = failure('ERR unknown command');
