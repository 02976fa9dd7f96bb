/**
 * Three kinds of tests, run one kind after the other.
 *
 * `unit` needs nothing but Node.js and takes the whole machine; `integration` starts real Redis and ZooKeeper servers
 * and is held to two files at a time, since a starved server looks exactly like a failed one; `e2e` installs and runs
 * the built product, alone. The long limits are there to end a hung test: no test passes or fails by how fast it is.
 */
import { defineConfig } from 'vitest/config';

const HUNG_AFTER_MS = 120_000;

export default defineConfig({
  test: {
    pool: 'forks',
    teardownTimeout: HUNG_AFTER_MS,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src', 'sim', 'chaos', 'bench', 'test/support'].map((folder) => `${folder}/**/*.test.ts`),
          sequence: { groupOrder: 0 },
          testTimeout: HUNG_AFTER_MS,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts', 'test/interop/**/*.test.ts'],
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
          testTimeout: HUNG_AFTER_MS,
          hookTimeout: HUNG_AFTER_MS,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          sequence: { groupOrder: 2 },
          maxWorkers: 1,
          testTimeout: HUNG_AFTER_MS,
          hookTimeout: HUNG_AFTER_MS,
        },
      },
    ],
  },
});
