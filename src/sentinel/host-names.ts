/**
 * How addresses are written: as they are, or, for clients that want numbers, a host name as its address.
 *
 * No question waits for DNS: a name is looked up when it is first seen, and until that is answered it stands as it is.
 * An address is looked up again when it is asked for after a while, and the old one serves meanwhile.
 */
import { isIP } from 'node:net';

export interface HostNamesOptions {
  /** Names are shown as names. */
  readonly asNames: boolean;
  /** `done` gets the address, or null. */
  readonly lookup: (name: string, done: (address: string | null) => void) => void;
  readonly now: () => number;
}

interface Found {
  readonly address: string | null;
  readonly atMs: number;
}

const NAMES_MAX = 256;
const FRESH_MS = 30_000;

export class HostNames {
  private readonly options: HostNamesOptions;
  private readonly found = new Map<string, Found>();
  private readonly asked = new Set<string>();

  constructor(options: HostNamesOptions) {
    this.options = options;
  }

  readonly show = (host: string): string => {
    if (this.options.asNames || isIP(host) !== 0) return host;
    const known = this.found.get(host);
    if (known === undefined || this.options.now() - known.atMs >= FRESH_MS) this.ask(host);
    return this.found.get(host)?.address ?? host;
  };

  private ask(host: string): void {
    if (this.asked.has(host) || this.asked.size >= NAMES_MAX) return;
    this.asked.add(host);
    this.options.lookup(host, (address) => {
      this.asked.delete(host);
      const former = this.found.get(host)?.address ?? null;
      // The latest last, so that the first is the one to go.
      this.found.delete(host);
      for (const [oldest] of this.found) if (this.found.size >= NAMES_MAX) this.found.delete(oldest);
      this.found.set(host, { address: address ?? former, atMs: this.options.now() });
    });
  }
}
