/** CONFIG SET and CONFIG GET: the settings that decide anything here. All are forgotten when the process ends. */
import type { Reply } from '../../../src/redis/link.ts';
import { failure, OK } from './errors.ts';
import type { RedisOptions } from './options.ts';

type Name =
  | 'min-replicas-to-write' | 'min-replicas-max-lag' | 'replica-announce-ip' | 'replica-announce-port'
  | 'repl-diskless-sync-max-replicas'
  | 'replica-priority' | 'repl-backlog-size' | 'repl-backlog-ttl' | 'masteruser' | 'masterauth';

/** At most, which also fences: no service has as many replicas. */
const COUNT_MAX = 2 ** 31;

const NUMBERS: ReadonlySet<string> = new Set<Name>([
  'min-replicas-to-write', 'min-replicas-max-lag', 'replica-announce-port', 'replica-priority', 'repl-backlog-size',
  'repl-backlog-ttl', 'repl-diskless-sync-max-replicas',
]);

export class Settings {
  private readonly values: Map<string, string>;
  private readonly answers = new Map<string, Reply>();
  minReplicas = 0;
  maxLagSeconds = 0;
  backlogBytes = 0;
  backlogTtlSeconds = 0;
  priority = 0;
  announceHost = '';
  announcePort = 0;
  /** A diskless full sync begins as soon as so many wait for it; 0: only after the delay. */
  syncsWithWaiting = 0;

  constructor(options: RedisOptions) {
    this.values = new Map<Name, string>([
      ['min-replicas-to-write', options.startFence ? '1' : '0'],
      ['min-replicas-max-lag', String(options.minReplicasMaxLag)],
      ['replica-announce-ip', ''],
      ['replica-announce-port', '0'],
      ['replica-priority', String(options.priority)],
      ['repl-diskless-sync-max-replicas', '0'],
      ['repl-backlog-size', String(options.backlogBytes)],
      ['repl-backlog-ttl', String(options.backlogTtlSeconds)],
      ['masteruser', ''],
      ['masterauth', ''],
    ]);
    this.read();
  }

  /** All pairs or none. */
  set(pairs: readonly string[]): Reply {
    if (pairs.length === 0 || pairs.length % 2 !== 0) return failure('ERR wrong number of arguments');
    for (let i = 0; i < pairs.length; i += 2) {
      const name = pairs[i] ?? '';
      if (!this.values.has(name)) return failure(`ERR Unknown option for CONFIG SET - '${name}'`);
      const value = Number(pairs[i + 1]);
      if (NUMBERS.has(name) && !(Number.isInteger(value) && value >= 0 && value < COUNT_MAX)) {
        return failure(`ERR CONFIG SET failed (possibly related to argument '${name}')`);
      }
    }
    for (let i = 0; i < pairs.length; i += 2) this.values.set(pairs[i] ?? '', pairs[i + 1] ?? '');
    this.answers.clear();
    this.read();
    return OK;
  }

  /** One pattern; only `*` is understood. */
  get(pattern: string): Reply {
    const known = this.answers.get(pattern);
    if (known !== undefined) return known;
    const matcher = new RegExp(`^${pattern.split('*').map((part) => part.replace(/[^\w-]/g, '')).join('.*')}$`);
    const value = [...this.values].filter(([name]) => matcher.test(name)).flat();
    const answer: Reply = { ok: true, value };
    this.answers.set(pattern, answer);
    return answer;
  }

  private read(): void {
    const number = (name: Name): number => Number(this.values.get(name));
    this.minReplicas = number('min-replicas-to-write');
    this.maxLagSeconds = number('min-replicas-max-lag');
    this.backlogBytes = number('repl-backlog-size');
    this.backlogTtlSeconds = number('repl-backlog-ttl');
    this.priority = number('replica-priority');
    this.syncsWithWaiting = number('repl-diskless-sync-max-replicas');
    this.announceHost = this.values.get('replica-announce-ip') ?? '';
    this.announcePort = number('replica-announce-port');
  }
}
