/**
 * Who may ask: everybody, or whoever knows the password of the default user, or of a user of its own, as in Redis.
 *
 * Passwords are compared as digests of equal length, so that the time of an answer tells nothing about them.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

export interface SentinelUser {
  readonly name: string;
  readonly password: string;
}

export const DEFAULT_USER = 'default';

export class Access {
  private readonly digests = new Map<string, Buffer>();

  constructor(users: readonly SentinelUser[]) {
    for (const { name, password } of users) this.digests.set(name, digest(password));
  }

  /** Whoever connects may ask at once. */
  get isOpen(): boolean {
    return this.digests.size === 0;
  }

  get hasDefaultPassword(): boolean {
    return this.digests.has(DEFAULT_USER);
  }

  /** Everybody who may say who he is. */
  get names(): readonly string[] {
    return this.isOpen ? [DEFAULT_USER] : [...this.digests.keys()];
  }

  admits(user: string, password: string): boolean {
    // The default user of an open port takes any password, as Redis' `nopass`.
    if (this.isOpen) return user === DEFAULT_USER;
    const known = this.digests.get(user);
    const same = timingSafeEqual(known ?? digest(''), digest(password));
    return known !== undefined && same;
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
