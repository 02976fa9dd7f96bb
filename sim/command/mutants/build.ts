/** Builds the simulator with a bug in it, and loads it beside the one without. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Mutant } from '../../mutants/mutant.ts';
import { plantAll } from '../../mutants/mutant.ts';
import { ROOT } from '../files.ts';
import type { runPlan } from '../run.ts';

const FOLDER = join('.cache', 'mutants');
const load = createRequire(import.meta.url);

export interface Mutated {
  readonly runPlan: typeof runPlan;
}

export function sourceOf(file: string): string {
  return readFileSync(join(ROOT, 'src', file), 'utf8');
}

export async function buildMutant(mutant: Mutant, number: number): Promise<Mutated> {
  const planted = new Map([...plantAll(mutant, sourceOf)].map(([file, text]) => [join(ROOT, 'src', file), text]));
  const loaded = new Set<string>();
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: [join('sim', 'command', 'run.ts')],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'warning',
    plugins: [{
      name: 'mutant',
      setup(builder): void {
        builder.onLoad({ filter: /\.ts$/ }, (args) => {
          const contents = planted.get(args.path);
          if (contents === undefined) return undefined;
          loaded.add(args.path);
          return { contents, loader: 'ts' };
        });
      },
    }],
  });
  // A bug in a file that the simulator does not run would never be noticed, for the wrong reason.
  if (loaded.size < planted.size) throw new Error(`"${mutant.name}": its file is not part of the simulator`);
  mkdirSync(join(ROOT, FOLDER), { recursive: true });
  const out = join(ROOT, FOLDER, `${number}.cjs`);
  writeFileSync(out, result.outputFiles[0]?.text ?? '');
  return load(out) as Mutated;
}
