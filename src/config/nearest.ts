/** Finds the known name that somebody probably meant: for keys, environment variables, flags and verbs. */

/** Longer names are not compared: the cost is the product of both lengths, and the input is anybody's. */
const NAME_LENGTH_MAX = 64;

/** Above this share of wrong characters a suggestion confuses more than it helps. */
const DISTANCE_SHARE_MAX = 0.4;

/** Levenshtein distance: insertions, deletions and replacements that turn `a` into `b`. */
export function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [row, fromA] of a.split('').entries()) {
    const current = [row + 1];
    for (const [column, fromB] of b.split('').entries()) {
      const replaced = (previous[column] ?? 0) + (fromA === fromB ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}

/** The nearest of `known`, case and `-`/`_` aside, or undefined when none is near enough to be meant. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  if (name.length > NAME_LENGTH_MAX) return undefined;
  const plain = (text: string): string => text.toLowerCase().replaceAll('-', '_');
  let best: string | undefined;
  let bestDistance = Infinity;
  for (const candidate of known) {
    const distance = editDistance(plain(name), plain(candidate));
    const allowed = Math.max(1, Math.floor(candidate.length * DISTANCE_SHARE_MAX));
    if (distance <= allowed && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}
