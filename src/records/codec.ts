/**
 * Records to bytes and back. What cannot be read as ours is named and ignored, never crashed on.
 */
import * as v from 'valibot';
import { RECORD_FORMAT } from '../core/records.ts';
import type { Kept, MasterRecord, RecordRead, Znode } from '../core/records.ts';
import type { RecordKey } from './paths.ts';
import {
  ballotSchema,
  changesSchema,
  leaseSchema,
  masterRecordSchema,
  memberSchema,
  nodeSchema,
  orderSchema,
  pauseSchema,
  resultsSchema,
  settingsSchema,
  termSchema,
} from './schemas.ts';

/** Largest record that is parsed: ours are far smaller. */
export const RECORD_BYTES_MAX = 64 * 1024;

/** Our records carry their format version first, for a reader's eye. */
export function encodeRecord(value: object): string {
  return JSON.stringify({ v: RECORD_FORMAT, ...value });
}

/**
 * The master record, byte for byte as the original writes it: a space behind every colon and comma, and nothing but
 * strings, because the original decodes it as string to string.
 */
export function encodeMasterRecord({ host, port, name }: MasterRecord): string {
  const quote = JSON.stringify;
  const pairs = Object.entries({ host, port, name }).map(([key, text]) => `${quote(key)}: ${quote(text)}`);
  return `{${pairs.join(', ')}}`;
}

function parseObject(data: Buffer): Record<string, unknown> | null {
  if (data.length > RECORD_BYTES_MAX) return null;
  try {
    const value: unknown = JSON.parse(data.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch (error) {
    // Only text that is not JSON is expected here: it is somebody else's data.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function kept<T>(schema: v.GenericSchema<unknown, T>, value: unknown, znode: Znode): Kept<T> | null {
  const parsed = v.safeParse(schema, value);
  return parsed.success ? { value: parsed.output, znode } : null;
}

/** The record at `key`, or null where the data is not such a record. */
export function decodeRecord(key: RecordKey, data: Buffer, stat: Omit<Znode, 'format'>): RecordRead | null {
  const value = parseObject(data);
  if (value === null) return null;
  const format = value['v'];
  const { version, owner, czxid } = stat;
  // Not by `...`: every decision asks whose a record is, and what is spread and added to is of a class of its own.
  const znode: Znode = { version, owner, czxid, format: typeof format === 'number' ? format : 0 };
  const read = readAs(key, value, znode);
  return read.kept === null ? null : read;
}

function readAs(key: RecordKey, value: Record<string, unknown>, znode: Znode): RecordRead {
  switch (key.record) {
    case 'lease':
      return { record: key.record, kept: kept(leaseSchema, value, znode) };
    case 'term':
      return { record: key.record, kept: kept(termSchema, value, znode) };
    case 'masterRecord':
      return { record: key.record, kept: kept(masterRecordSchema, value, znode) };
    case 'settings':
      return { record: key.record, kept: kept(settingsSchema, value, znode) };
    case 'order':
      return { record: key.record, kept: kept(orderSchema, value, znode) };
    case 'results':
      return { record: key.record, kept: kept(resultsSchema, value, znode) };
    case 'pause':
      return { record: key.record, kept: kept(pauseSchema, value, znode) };
    case 'changes':
      return { record: key.record, kept: kept(changesSchema, value, znode) };
    case 'members':
      return { record: key.record, name: key.name, kept: kept(memberSchema, named(value, key.name), znode) };
    case 'nodes':
      return { record: key.record, name: key.name, kept: kept(nodeSchema, named(value, key.name), znode) };
    case 'ballots':
      return { record: key.record, name: key.name, kept: kept(ballotSchema, named(value, key.name), znode) };
  }
}

/** A record that claims another name than its path is not one of ours. */
function named(value: Record<string, unknown>, name: string): unknown {
  return value['name'] === name ? value : null;
}
