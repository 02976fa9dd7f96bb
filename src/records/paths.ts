/**
 * Where every record lives.
 *
 * The trees. `/services/redis/<svc>` belongs to the original and its readers: they take every child for a backend, so
 * nothing of ours but the master record may ever be created there, and the parent's data stays empty. A pool of
 * replicas for the same readers is below a parent of its own, `/services/redis-replicas/<svc>`. Everything else is
 * below `/dictator/<svc>`. `/elections` belongs to the original alone.
 */
import type { RecordRead } from '../core/records.ts';

/** Records of which a service has one. */
const SINGLE = {
  lease: 'lease',
  term: 'term',
  settings: 'settings',
  order: 'order',
  results: 'results',
  pause: 'pause',
  changes: 'changes',
} as const;
/** Folders with one record per node. */
export const FOLDERS = ['members', 'nodes', 'ballots'] as const;
export type Folder = (typeof FOLDERS)[number];

/** Which record a path holds. */
export type RecordKey =
  | { readonly record: keyof typeof SINGLE | 'masterRecord' }
  | { readonly record: Folder; readonly name: string };

export interface ServicePaths {
  /** Root of everything of ours. */
  readonly root: string;
  /** Parent of the master record. */
  readonly published: string;
  readonly lease: string;
  readonly term: string;
  readonly settings: string;
  readonly order: string;
  readonly results: string;
  readonly pause: string;
  readonly changes: string;
  readonly masterRecord: string;
  /** Parent of the pool of replicas, where every child is one to read from. */
  readonly replicas: string;
  replicaOf(name: string): string;
  of(folder: Folder, name: string): string;
  folder(folder: Folder): string;
  /** The record at a path, or null for a path that is none (a parent, or something foreign). */
  keyOf(path: string): RecordKey | null;
}

export function servicePaths(service: string): ServicePaths {
  const root = `/dictator/${service}`;
  const published = `/services/redis/${service}`;
  const masterRecord = `${published}/master`;
  const replicas = `/services/redis-replicas/${service}`;
  const folder = (name: Folder): string => `${root}/${name}`;
  function keyOf(path: string): RecordKey | null {
    if (path === masterRecord) return { record: 'masterRecord' };
    if (!path.startsWith(`${root}/`)) return null;
    const [first, name, ...deeper] = path.slice(root.length + 1).split('/');
    if (deeper.length > 0) return null;
    if (name === undefined) {
      const single = Object.values(SINGLE).find((each) => each === first);
      return single === undefined ? null : { record: single };
    }
    const found = FOLDERS.find((each) => each === first);
    return found === undefined ? null : { record: found, name };
  }
  return {
    root,
    published,
    lease: `${root}/${SINGLE.lease}`,
    term: `${root}/${SINGLE.term}`,
    settings: `${root}/${SINGLE.settings}`,
    order: `${root}/${SINGLE.order}`,
    results: `${root}/${SINGLE.results}`,
    pause: `${root}/${SINGLE.pause}`,
    changes: `${root}/${SINGLE.changes}`,
    masterRecord,
    replicas,
    replicaOf: (name) => `${replicas}/${name}`,
    folder,
    of: (each, name) => `${folder(each)}/${name}`,
    keyOf,
  };
}

/** The read that says "nothing is there". */
export function absent(key: RecordKey): RecordRead {
  return Object.assign({ kept: null }, key);
}
