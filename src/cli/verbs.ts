/** The table of verbs, in the order of help. A new verb is one file in `verbs/` and one line here. */
import type { Verb } from './verb.ts';
import { bootstrap } from './verbs/bootstrap.ts';
import { completion } from './verbs/completion.ts';
import { configCheck } from './verbs/config-check.ts';
import { configExample } from './verbs/config-example.ts';
import { disable, enable } from './verbs/disable.ts';
import { doctor } from './verbs/doctor.ts';
import { drill } from './verbs/drill.ts';
import { evacuate } from './verbs/evacuate.ts';
import { events } from './verbs/events.ts';
import { explain } from './verbs/explain.ts';
import { failover } from './verbs/failover.ts';
import { forget } from './verbs/forget.ts';
import { gateway } from './verbs/gateway.ts';
import { haproxy } from './verbs/haproxy.ts';
import { help } from './verbs/help.ts';
import { history } from './verbs/history.ts';
import { list } from './verbs/list.ts';
import { pause, resume } from './verbs/pause.ts';
import { reinit } from './verbs/reinit.ts';
import { remove } from './verbs/remove.ts';
import { rolling } from './verbs/rolling.ts';
import { settingsEdit } from './verbs/settings-edit.ts';
import { settingsSet } from './verbs/settings-set.ts';
import { settingsShow } from './verbs/settings-show.ts';
import { show } from './verbs/show.ts';
import { switchover } from './verbs/switchover.ts';
import { version } from './verbs/version.ts';
import { watch } from './verbs/watch.ts';

export const VERBS: readonly Verb[] = [
  list,
  show,
  watch,
  history,
  events,
  settingsShow,
  explain,
  doctor,
  switchover,
  evacuate,
  rolling,
  drill,
  failover,
  pause,
  resume,
  disable,
  enable,
  reinit,
  bootstrap,
  forget,
  remove,
  settingsSet,
  settingsEdit,
  configCheck,
  configExample,
  haproxy,
  gateway,
  completion,
  version,
  help,
];
