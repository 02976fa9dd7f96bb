// A transaction: all operations or none, at one zxid.

import { JuteError, type JuteReader, type JuteWriter } from './codec.ts';
import type { ZooKeeperError } from './errors.ts';
import { serverError } from './errors.ts';
import { OP, OPEN_ACL, readStat, writeAcl, type Acl, type Stat } from './protocol.ts';

/** Versions: undefined = any; 0 is 0, the version of a node never changed. */
export type MultiOp =
  | {
    readonly op: 'create';
    readonly path: string;
    readonly data: Buffer | string;
    readonly ephemeral?: boolean;
    readonly sequential?: boolean;
    readonly acl?: readonly Acl[];
  }
  | { readonly op: 'delete'; readonly path: string; readonly version?: number }
  | { readonly op: 'setData'; readonly path: string; readonly data: Buffer | string; readonly version?: number }
  | { readonly op: 'check'; readonly path: string; readonly version?: number };

/** One per operation, in their order. */
export type MultiResult =
  | { readonly op: 'create'; readonly path: string; readonly czxid: bigint }
  | { readonly op: 'delete' }
  | { readonly op: 'setData'; readonly stat: Stat }
  | { readonly op: 'check' };

const ANY_VERSION = -1;
// Not create2, which would be answered with a Stat outside of a transaction: servers (3.8) make it a create here.
const WIRE_OP = { create: OP.create, delete: OP.delete, setData: OP.setData, check: OP.check } as const;
/** In a refused transaction: what was undone (0) or never tried because an earlier operation was refused (-2). */
const NOT_THE_CULPRIT: readonly number[] = [0, -2];

export function versionOnWire(version: number | undefined): number {
  // Not `version || -1`: that would turn a compare-and-set on version 0 into an overwrite.
  return version ?? ANY_VERSION;
}

export function createFlags(options: { ephemeral?: boolean | undefined; sequential?: boolean | undefined }): number {
  return (options.ephemeral === true ? 1 : 0) + (options.sequential === true ? 2 : 0);
}

export function writeMulti(writer: JuteWriter, ops: readonly MultiOp[], toServer: (path: string) => string): void {
  for (const op of ops) {
    writeHeader(writer, WIRE_OP[op.op], false);
    writer.string(toServer(op.path));
    switch (op.op) {
      case 'create':
        writer.buffer(Buffer.from(op.data));
        writeAcl(writer, op.acl ?? OPEN_ACL);
        writer.int(createFlags(op));
        break;
      case 'setData':
        writer.buffer(Buffer.from(op.data)).int(versionOnWire(op.version));
        break;
      case 'delete':
      case 'check':
        writer.int(versionOnWire(op.version));
        break;
    }
  }
  writeHeader(writer, OP.error, true);
}

function writeHeader(writer: JuteWriter, type: number, done: boolean): void {
  const noError = -1;
  writer.int(type).boolean(done).int(noError);
}

/** What an answer is read with: `zxid` is the transaction's, and therefore the `czxid` of what it created. */
export interface MultiContext {
  readonly ops: readonly MultiOp[];
  readonly zxid: bigint;
  readonly toUser: (path: string) => string;
}

/** The results, or the error of the operation that was refused. Throws JuteError on anything else. */
export function readMulti(reader: JuteReader, context: MultiContext): MultiResult[] | ZooKeeperError {
  const { ops } = context;
  const results: MultiResult[] = [];
  let refusal: ZooKeeperError | null = null;
  for (let index = 0; ; index += 1) {
    const type = reader.int();
    const done = reader.boolean();
    reader.int();
    if (done) break;
    const op = ops[index];
    if (op === undefined) throw new JuteError(`more results than ${String(ops.length)} operations`);
    if (type === OP.error) {
      const code = reader.int();
      if (!NOT_THE_CULPRIT.includes(code)) refusal ??= serverError(code, op.path, index);
    } else {
      if (type !== WIRE_OP[op.op]) throw new JuteError(`result ${String(type)} of operation ${op.op}`);
      results.push(readResult(reader, op, context));
    }
  }
  if (refusal !== null) return refusal;
  if (results.length !== ops.length) {
    throw new JuteError(`${String(results.length)} results of ${String(ops.length)} operations`);
  }
  return results;
}

function readResult(reader: JuteReader, op: MultiOp, context: MultiContext): MultiResult {
  switch (op.op) {
    case 'create':
      return { op: 'create', path: context.toUser(reader.string()), czxid: context.zxid };
    case 'setData':
      return { op: 'setData', stat: readStat(reader) };
    case 'delete':
    case 'check':
      return { op: op.op };
  }
}
