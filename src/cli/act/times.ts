/** Durations and times as operators type them: `90s`, `30m`, `2h`, `1d`; `+30m` or a time of day with its zone. */

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds, or null where it is no duration. A number without a unit is seconds. */
export function parseDuration(text: string): number | null {
  const found = /^(\d{1,9})([smhd]?)$/.exec(text);
  if (found === null) return null;
  const unit = (found[2] === '' ? 's' : found[2]) as keyof typeof UNIT_MS;
  return Number(found[1]) * UNIT_MS[unit];
}

/** A time without a zone is nobody's, so it is none. */
const WITH_ZONE = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})$/;

/** Milliseconds since 1970, or null. `+30m` counts from now. */
export function parseTime(text: string, nowMs: number): number | null {
  if (text.startsWith('+')) {
    const aheadMs = parseDuration(text.slice(1));
    return aheadMs === null ? null : nowMs + aheadMs;
  }
  if (!WITH_ZONE.test(text)) return null;
  const ms = Date.parse(text.replace(' ', 'T'));
  return Number.isNaN(ms) ? null : ms;
}

export const timeOf = (ms: number | null): string => {
  return ms === null ? '-' : `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
};
