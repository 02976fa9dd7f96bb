/**
 * The patterns of Redis: `*`, `?`, `[abc]`, `[^a-z]`, `\` before a character that means itself.
 *
 * Patterns come from clients, so matching must not take time that grows with the power of their stars: what fails goes
 * back to the latest star only, which makes it at most pattern times text.
 */
export function matches(pattern: string, text: string): boolean {
  let p = 0;
  let t = 0;
  let starP = -1;
  let starT = 0;
  while (t < text.length) {
    const one = pattern.charAt(p) === '*' ? null : matchOne(pattern, p, text.charAt(t));
    if (pattern.charAt(p) === '*') {
      starP = p;
      starT = t;
      p += 1;
    } else if (one?.matched === true) {
      p = one.end;
      t += 1;
    } else if (starP >= 0) {
      starT += 1;
      t = starT;
      p = starP + 1;
    } else {
      return false;
    }
  }
  while (pattern.charAt(p) === '*') p += 1;
  return p >= pattern.length;
}

interface One {
  readonly matched: boolean;
  /** Where the pattern goes on. */
  readonly end: number;
}

function matchOne(pattern: string, at: number, char: string): One {
  const first = pattern.charAt(at);
  if (first === '') return { matched: false, end: at };
  if (first === '?') return { matched: true, end: at + 1 };
  if (first === '[') return matchClass(pattern, at + 1, char);
  if (first === '\\' && at + 1 < pattern.length) return { matched: pattern.charAt(at + 1) === char, end: at + 2 };
  return { matched: first === char, end: at + 1 };
}

/** As in Redis, a class that is not closed ends with the pattern. */
function matchClass(pattern: string, start: number, char: string): One {
  const negated = pattern.charAt(start) === '^';
  let at = negated ? start + 1 : start;
  let found = false;
  while (at < pattern.length && pattern.charAt(at) !== ']') {
    if (pattern.charAt(at) === '\\' && at + 1 < pattern.length) {
      found ||= pattern.charAt(at + 1) === char;
      at += 2;
    } else if (pattern.charAt(at + 1) === '-' && at + 2 < pattern.length) {
      const [low, high] = [pattern.charAt(at), pattern.charAt(at + 2)].sort();
      found ||= (low ?? '') <= char && char <= (high ?? '');
      at += 3;
    } else {
      found ||= pattern.charAt(at) === char;
      at += 1;
    }
  }
  return { matched: found !== negated, end: Math.min(at + 1, pattern.length) };
}
