// Paths as the user gives them ("user paths") and as the server knows them ("server paths": chroot + user path).

/** What is wrong with a path, or null. Same rules as the server's, checked before anything is sent. */
export function pathFault(path: string): string | null {
  if (!path.startsWith('/')) return 'does not begin with "/"';
  if (path === '/') return null;
  if (path.includes('\0')) return 'contains a null character';
  for (const name of path.slice(1).split('/')) {
    if (name === '') return 'has an empty name';
    if (name === '.' || name === '..') return 'has a relative name';
  }
  return null;
}

export class Chroot {
  /** '' or an absolute path without a trailing slash. */
  readonly prefix: string;

  constructor(prefix: string) {
    this.prefix = prefix === '/' ? '' : prefix;
  }

  toServer(path: string): string {
    return path === '/' && this.prefix !== '' ? this.prefix : this.prefix + path;
  }

  toUser(path: string): string {
    if (this.prefix === '') return path;
    if (path === this.prefix) return '/';
    return path.startsWith(`${this.prefix}/`) ? path.slice(this.prefix.length) : path;
  }
}

/** '/a/b/c' -> ['/a', '/a/b', '/a/b/c']; '/' -> []. */
export function pathAndParents(path: string): string[] {
  if (path === '/') return [];
  const names = path.slice(1).split('/');
  return names.map((_, index) => `/${names.slice(0, index + 1).join('/')}`);
}
