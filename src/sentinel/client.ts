/** What the server keeps of one client: who it is, how it speaks, what it subscribed to. No socket, no I/O. */
import type { Protocol } from './reply.ts';

export interface ClientOrigin {
  readonly id: number;
  /** `address:port` of the other end, and of ours. */
  readonly remote: string;
  readonly local: string;
  /** It connected from this very host. */
  readonly isLocal: boolean;
  /** Null: it must still say who it is. */
  readonly user: string | null;
  readonly nowMs: number;
}

export class Client {
  readonly id: number;
  readonly remote: string;
  readonly local: string;
  readonly isLocal: boolean;
  readonly connectedAtMs: number;
  readonly channels = new Set<string>();
  readonly patterns = new Set<string>();
  private readonly firstUser: string | null;
  user: string | null;
  protocol: Protocol = 2;
  name = '';
  libName = '';
  libVersion = '';
  authFailures = 0;
  lastCommand = '';
  /** It sent INFO at least once. */
  askedInfo = false;
  lastAtMs: number;
  /** Which answers it wants (`CLIENT REPLY`). */
  replies: 'on' | 'off' | 'skip next' | 'skip' = 'on';
  /** Closed when what it was told is sent. */
  leaving = false;

  constructor({ id, remote, local, isLocal, user, nowMs }: ClientOrigin) {
    this.id = id;
    this.remote = remote;
    this.local = local;
    this.isLocal = isLocal;
    this.firstUser = user;
    this.user = user;
    this.connectedAtMs = nowMs;
    this.lastAtMs = nowMs;
  }

  get isGuest(): boolean {
    return this.user === null;
  }

  get subscriptions(): number {
    return this.channels.size + this.patterns.size;
  }

  /** In RESP2 messages and answers cannot be told apart: a subscriber may ask little. */
  get onlyListens(): boolean {
    return this.protocol === 2 && this.subscriptions > 0;
  }

  /** As it was when it connected (`RESET`). */
  reset(): void {
    this.channels.clear();
    this.patterns.clear();
    this.user = this.firstUser;
    this.protocol = 2;
    this.name = '';
    this.replies = 'on';
  }
}
