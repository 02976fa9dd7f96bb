/**
 * Builds what is shipped: one CommonJS file per program.
 *
 * One bundled CommonJS file starts faster and holds less memory than the same modules loaded one by one as ESM, and
 * it needs no node_modules beside it, which is what lets `make install` copy a single file. The programs:
 *
 *   dist/dictator.cjs   src/cli/main.ts   the product
 *   dist/demo.cjs       demo/main.ts      `make demo`
 *   dist/bench.cjs      bench/main.ts     `make bench`
 *   dist/chaos.cjs      chaos/main.ts     `make chaos`
 *   dist/simulate.cjs   sim/command/main.ts   `make simulate`
 *   dist/mutants.cjs    sim/command/mutants/main.ts   `make simulate-mutants`
 *
 * A program without its entry is left out (the product's is required). In the bundle these constants are known, with
 * `typeof X === 'undefined'` telling that the code runs unbundled, as in unit tests:
 *
 *   DICTATOR_VERSION, DICTATOR_BUILD_TIME (ISO 8601, UTC), DICTATOR_REVISION (git, `-dirty` when not as committed)
 *
 * SOURCE_DATE_EPOCH (seconds) fixes the build time, so that two builds of one revision are the same bytes; without
 * git, or outside a checkout, the revision is `unknown`.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const PROGRAMS = [
  { entry: 'src/cli/main.ts', outfile: 'dist/dictator.cjs', required: true },
  { entry: 'demo/main.ts', outfile: 'dist/demo.cjs', required: false },
  { entry: 'bench/main.ts', outfile: 'dist/bench.cjs', required: false },
  { entry: 'chaos/main.ts', outfile: 'dist/chaos.cjs', required: false },
  { entry: 'sim/command/main.ts', outfile: 'dist/simulate.cjs', required: false },
  { entry: 'sim/command/mutants/main.ts', outfile: 'dist/mutants.cjs', required: false },
];

/** `import.meta.url` does not exist in CommonJS; the bundle's own address stands in for it. */
const BANNER = [
  '#!/usr/bin/env node',
  "'use strict'; const bundleUrl = require('node:url').pathToFileURL(__filename).href;",
].join('\n');

function git(...args) {
  return execFileSync('git', ['-C', ROOT, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
}

/** The commit this is built from; `unknown` where there is no git, no commit, or a checkout that is not ours. */
function revision() {
  // An unpacked archive inside somebody else's repository must not claim that repository's commit.
  if (!existsSync(join(ROOT, '.git'))) return 'unknown';
  try {
    const commit = git('rev-parse', '--short=12', 'HEAD');
    return git('status', '--porcelain', '--untracked-files=no') === '' ? commit : `${commit}-dirty`;
  } catch {
    return 'unknown';
  }
}

function buildTime() {
  const epoch = process.env.SOURCE_DATE_EPOCH;
  const time = epoch === undefined ? new Date() : new Date(Number(epoch) * 1000);
  if (Number.isNaN(time.getTime())) throw new Error(`SOURCE_DATE_EPOCH is not a number of seconds: ${epoch}`);
  return time.toISOString().replace(/\.\d+Z$/, 'Z');
}

async function bundle({ entry, outfile }, define) {
  await build({
    absWorkingDir: ROOT,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    // The mutants' command builds; it runs in a checkout, where the builder is.
    external: ['esbuild'],
    target: 'node20',
    banner: { js: BANNER },
    define,
    // Class and function names appear in errors and logs; only what cannot be seen is shortened.
    minifySyntax: true,
    minifyWhitespace: true,
    keepNames: false,
    legalComments: 'external',
    logLevel: 'warning',
  });
  chmodSync(join(ROOT, outfile), 0o755);
}

async function main() {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const define = {
    'import.meta.url': 'bundleUrl',
    DICTATOR_VERSION: JSON.stringify(version),
    DICTATOR_BUILD_TIME: JSON.stringify(buildTime()),
    DICTATOR_REVISION: JSON.stringify(revision()),
  };
  mkdirSync(join(ROOT, 'dist'), { recursive: true });
  for (const program of PROGRAMS) {
    if (existsSync(join(ROOT, program.entry))) await bundle(program, define);
    else if (program.required) throw new Error(`${program.entry} is missing`);
  }
}

main().catch((error) => {
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
});
