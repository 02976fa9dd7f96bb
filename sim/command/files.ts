/** Files of the checkout that the simulator's commands read and write. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keptPlanOf, keptPlanText, slugOf } from '../regressions/kept-plans.ts';
import type { KeptPlan } from '../regressions/kept-plans.ts';

/** The checkout: two folders above this file, or one above the bundle. */
function rootOf(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    if (folder === dirname(folder)) throw new Error('not inside a checkout');
    folder = dirname(folder);
  }
  return folder;
}

export const ROOT = rootOf();
const PLANS = join(ROOT, 'sim', 'regressions', 'plans');

export interface KeptFile extends KeptPlan {
  readonly file: string;
}

export function keptPlans(): readonly KeptFile[] {
  if (!existsSync(PLANS)) return [];
  const names = readdirSync(PLANS).filter((name) => name.endsWith('.json')).sort();
  return names.map((file) => ({ file, ...keptPlanOf(readFileSync(join(PLANS, file), 'utf8')) }));
}

/** Returns the path that it was written to. */
export function keepPlan(kept: KeptPlan): string {
  const path = join(PLANS, `${slugOf(kept.sentence)}.json`);
  writeFileSync(path, keptPlanText(kept));
  return path;
}

/** Replaces what stands between `<!-- name -->` and `<!-- /name -->`. */
export function writeBetweenMarkers(path: string, name: string, text: string): void {
  const before = readFileSync(path, 'utf8');
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const from = before.indexOf(open);
  const to = before.indexOf(close);
  if (from < 0 || to < from) throw new Error(`${path} has no markers ${open} and ${close}`);
  writeFileSync(path, `${before.slice(0, from + open.length)}\n${text.trimEnd()}\n${before.slice(to)}`);
}
