/** What a reader must know of the machine that figures come from; nothing that names it. */
import { execFileSync } from 'node:child_process';
import { availableParallelism, loadavg, totalmem } from 'node:os';

import { findRedisServer } from '../test/support/redis-server.ts';
import { fourLetterWord } from '../test/support/zookeeper-server.ts';

// Put in by the bundler; absent when run unbundled.
declare const DICTATOR_VERSION: string | undefined;
declare const DICTATOR_REVISION: string | undefined;

export interface Machine {
  readonly dictator: string;
  readonly revision: string;
  readonly node: string;
  readonly redis: string;
  readonly zookeeper: string;
  readonly platform: string;
  readonly cores: number;
  readonly memoryGb: number;
  /** Of the last minute, when the bench began: figures of a busy machine are those of a busy machine. */
  readonly loadBefore: number;
}

export async function machineFacts(zookeeperPort: number): Promise<Machine> {
  const [load] = loadavg();
  const redis = execFileSync(findRedisServer(), ['--version'], { encoding: 'utf8' });
  const zookeeper = await fourLetterWord(zookeeperPort, 'srvr');
  return {
    dictator: typeof DICTATOR_VERSION === 'undefined' ? 'unbundled' : DICTATOR_VERSION,
    revision: typeof DICTATOR_REVISION === 'undefined' ? 'unknown' : DICTATOR_REVISION,
    node: process.versions.node,
    redis: /v=([\w.-]+)/.exec(redis)?.[1] ?? 'unknown',
    zookeeper: /version: ([\d.]+)/.exec(zookeeper)?.[1] ?? 'unknown',
    platform: `${process.platform} ${process.arch}`,
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1e9),
    loadBefore: Math.round((load ?? 0) * 100) / 100,
  };
}
