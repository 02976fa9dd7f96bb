/** Actions on a Redis, as sequences of commands: the translation, and nothing else. */
import type { ActionBody, ActionKind } from '../core/actions.ts';
import type { Address } from '../core/records.ts';
import {
  configure,
  deadMan,
  detach,
  fenceSequence,
  follow,
  freeze,
  fullSyncs,
  killStragglers,
  promote,
  reversibleFence,
} from '../redis/commands.ts';
import type { Command } from '../redis/link.ts';

export type OwnRedisAction = Extract<
  ActionBody,
  {
    kind:
      | 'fence_reversibly'
      | 'fence_hard'
      | 'set_min_replicas'
      | 'open_full_syncs'
      | 'freeze'
      | 'follow'
      | 'promote'
      | 'configure'
      | 'kill_stragglers'
      | 'detach';
  }
>;
export type RemoteRedisAction = Extract<ActionBody, { kind: 'remote_fence_reversibly' | 'remote_fence_hard' }>;

const OWN: readonly ActionKind[] = [
  'fence_reversibly',
  'fence_hard',
  'set_min_replicas',
  'open_full_syncs',
  'freeze',
  'follow',
  'promote',
  'configure',
  'kill_stragglers',
  'detach',
];
const REMOTE: readonly ActionKind[] = ['remote_fence_reversibly', 'remote_fence_hard'];

export function isOwnRedisAction<A extends ActionBody>(action: A): action is A & OwnRedisAction {
  return OWN.includes(action.kind);
}

export function isRemoteRedisAction<A extends ActionBody>(action: A): action is A & RemoteRedisAction {
  return REMOTE.includes(action.kind);
}

export interface OwnServer {
  readonly version: string;
  readonly announce: Address;
  readonly credentials: { readonly username?: string | undefined; readonly password: string } | null;
  readonly backlogBytes: number | null;
}

/**
 * A busy script answers everything with BUSY; `SCRIPT KILL` ends one that has not written yet. It is asked for behind
 * every fence, where it does nothing (NOTBUSY) if no script runs, and is not part of the fence's own outcome.
 */
export const KILL_SCRIPT: Command = ['SCRIPT', 'KILL'];

export function ownCommands(action: OwnRedisAction, server: OwnServer): readonly Command[] {
  switch (action.kind) {
    case 'fence_reversibly':
      return reversibleFence(server.version);
    case 'fence_hard':
      return fenceSequence(action.target);
    case 'set_min_replicas':
      return deadMan(action.minReplicas, server.version);
    case 'open_full_syncs':
      return [fullSyncs('open')];
    case 'freeze':
      return freeze();
    case 'follow':
      return follow(action.target);
    case 'promote':
      return [...deadMan(action.minReplicas, server.version), ...promote()];
    case 'detach':
      return detach(server.version);
    case 'configure':
      return configure(server);
    case 'kill_stragglers':
      return killStragglers();
  }
}

export function remoteCommands(action: RemoteRedisAction, version: string): readonly Command[] {
  return action.kind === 'remote_fence_reversibly' ? reversibleFence(version) : fenceSequence(action.target);
}
