/** The table of verbs, in the order of help. A new verb is one file in `verbs/` and one line here. */
import type { Verb } from './verb.ts';
import { bootstrap } from './verbs/bootstrap.ts';
import { explain } from './verbs/explain.ts';
import { help } from './verbs/help.ts';
import { list } from './verbs/list.ts';
import { show } from './verbs/show.ts';
import { version } from './verbs/version.ts';

export const VERBS: readonly Verb[] = [
  list,
  show,
  explain,
  bootstrap,
  version,
  help,
];
