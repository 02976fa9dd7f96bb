/** Other services than the own one: the ensemble's records to the Sentinel port that answers for them. */
import type { LogPort } from '../agent/ports.ts';
import { systemClock } from '../agent/system-clock.ts';
import type { Config } from '../config/config.ts';
import { COMPONENT_LENGTH_MAX } from '../config/schemas.ts';
import { matches } from '../sentinel/glob.ts';
import type { SentinelServer } from '../sentinel/server.ts';
import { Observer } from '../services/observer.ts';
import { askIfWatches, openZooKeeperPort } from '../zookeeper/index.ts';

const VERSION_TIMEOUT_MS = 2000;
/** An ensemble that is too old is asked again: somebody may be upgrading it. */
const VERSION_AGAIN_MS = 30_000;

export interface ServicesOptions {
  readonly config: Config;
  /** Patterns of what is answered for. */
  readonly patterns: readonly string[];
  /** The service that is answered for otherwise, if any. */
  readonly own: string | null;
  readonly log: LogPort;
  readonly onSight?: (sees: boolean) => void;
}

/** Whether this service is answered for. Anybody may make a znode: what could not be told in an event is none. */
export function coversService(service: string, { own, patterns }: Pick<ServicesOptions, 'own' | 'patterns'>): boolean {
  if (service === own || service.length > COMPONENT_LENGTH_MAX || /[\s\p{C}]/u.test(service)) return false;
  return patterns.some((pattern) => matches(pattern, service));
}

/** Follows services, from the time that `start` gives it the server to tell. */
export class ServicesWatch {
  private readonly options: ServicesOptions;
  private observer: Observer | null = null;
  private stopped = false;

  constructor(options: ServicesOptions) {
    this.options = options;
  }

  get provedAgoMs(): number {
    return this.observer?.provedAgoMs ?? 0;
  }

  /** All of them are known, and ZooKeeper vouches for what is known. */
  get isComplete(): boolean {
    return this.observer?.isComplete ?? false;
  }

  get count(): number {
    return this.observer?.count ?? 0;
  }

  knows(service: string): boolean {
    return this.observer?.knows(service) ?? false;
  }

  start(server: SentinelServer): void {
    const [host] = this.options.config.zk.hosts;
    if (host === undefined || this.stopped) return;
    askIfWatches(host, VERSION_TIMEOUT_MS, (watches) => {
      if (this.stopped) return;
      if (watches !== false) {
        this.observer = this.open(server);
        return;
      }
      this.options.log.event('refused', { reason: 'services_unwatched', code: 'UNIMPLEMENTED', host: host.host });
      systemClock.after(VERSION_AGAIN_MS, () => this.start(server));
    });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.observer?.stop();
  }

  private open(server: SentinelServer): Observer {
    const { config, log, onSight } = this.options;
    return new Observer({
      openZooKeeper: (events) => openZooKeeperPort(config.zk, events, ({ code, host, detail }) => {
        log.event('zookeeper_fault', { code, host, detail, for: 'services' });
      }),
      clock: systemClock,
      covers: (service) => coversService(service, this.options),
      downAfterMs: config.downAfterMs,
      onService: (service, topology, news) => server.take(service, topology, news),
      onSight: (sees) => {
        log.event(sees ? 'services_known' : 'services_unknown', { services: this.count });
        onSight?.(sees);
      },
      onRefused: (reason, fields) => {
        if (reason !== null) log.event('refused', { reason, ...fields });
      },
    });
  }
}
