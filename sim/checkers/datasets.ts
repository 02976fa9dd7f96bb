/** Questions about datasets that several checkers ask. */
import type { Data } from '../models/redis/dataset.ts';

/** Whether `all` holds every write that `some` holds. */
export function contains(all: Data, some: Data): boolean {
  if (all === some) return true;
  for (let at: Data | null = all; at !== null && at.size >= some.size; at = at.parent) if (at === some) return true;
  const known = all.all();
  for (const id of some.all()) if (!known.has(id)) return false;
  return true;
}

/** Writes of `some` that `all` does not hold. */
export function missing(all: Data, some: Data): readonly number[] {
  if (contains(all, some)) return [];
  const known = all.all();
  return [...some.all()].filter((id) => !known.has(id));
}
