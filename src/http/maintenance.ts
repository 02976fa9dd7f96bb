/** What the query of `/disable` says of a maintenance: the path itself is older, and takes no body. */
import * as v from 'valibot';
import { MAINTENANCE_MAX_MS, OPERATION_TEXT_MAX } from '../contract/operations.ts';
import type { MaintenanceRequest } from '../contract/operations.ts';

const MS_PER_S = 1000;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(OPERATION_TEXT_MAX));
const schema = v.strictObject({
  owner: v.optional(text, 'http'),
  reason: v.optional(text, 'not said'),
  for_s: v.optional(v.pipe(
    v.string(),
    v.regex(/^\d{1,8}$/),
    v.transform(Number),
    v.minValue(1),
    v.maxValue(MAINTENANCE_MAX_MS / MS_PER_S),
  )),
});

/** Null where it is not valid. */
export function maintenanceOf(query: URLSearchParams): Omit<MaintenanceRequest, 'since'> | null {
  const parsed = v.safeParse(schema, Object.fromEntries(query));
  if (!parsed.success) return null;
  const { owner, reason, for_s: forS } = parsed.output;
  return { owner, reason, forMs: forS === undefined ? null : forS * MS_PER_S };
}
