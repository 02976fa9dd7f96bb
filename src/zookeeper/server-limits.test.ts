// The warning about slow ensembles stands on these two numbers.
import { expect, test } from 'vitest';
import { parseConf, parseVersion } from './server-limits.ts';

test('reads tick and sync limit of a member of an ensemble', () => {
  const text = 'clientPort=2181\ndataDir=/x\ntickTime=2000\nmaxClientCnxns=60\nserverId=1\ninitLimit=10\nsyncLimit=5\n';
  expect(parseConf(text)).toEqual({ tickTimeMs: 2000, syncLimitTicks: 5 });
});

test('a server that stands alone has no sync limit', () => {
  expect(parseConf('clientPort=2181\ntickTime=2000\n')).toEqual({ tickTimeMs: 2000, syncLimitTicks: 0 });
});

test('a refused word is no answer', () => {
  expect(parseConf('conf is not executed because it is not in the whitelist.\n')).toBeNull();
});

test('reads the version of a server', () => {
  expect(parseVersion('Zookeeper version: 3.8.0-5a02a05, built on 2022-02-25 08:49 UTC\nLatency min/avg/max: 0\n'))
    .toEqual([3, 8]);
  expect(parseVersion('srvr is not executed because it is not in the whitelist.\n')).toBeNull();
});
