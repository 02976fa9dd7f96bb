/** Patterns for names of services: `*` any text, `?` one character, a comma between two patterns. */
export function matcherOf(pattern: string): (name: string) => boolean {
  const patterns = pattern.split(',').map((each) => {
    const quoted = each.trim().replace(/[.+^${}()|[\]\\]/g, '\\$&');
    return new RegExp(`^${quoted.replaceAll('*', '.*').replaceAll('?', '.')}$`);
  });
  return (name) => patterns.some((each) => each.test(name));
}
