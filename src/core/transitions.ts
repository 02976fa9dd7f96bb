/**
 * The only writers of `role`: one function per state, named for where it leads.
 *
 * Each asserts where it may be entered from, sets every field that the new role needs, and reports the change. To
 * find out how an agent can become master, read who calls `enterMaster`.
 */
import { assert } from './assert.ts';
import { fenceAtMs } from './fencing.ts';
import type { Role, RoleOf, SteppingDownBecause } from './role.ts';
import { changes } from './turn.ts';
import type { Turn } from './turn.ts';

function enter(turn: Turn, role: Role, because: string): void {
  const from = turn.state.role.name;
  turn.update({ role });
  turn.report('role_changed', { from, to: role.name, epoch: 'epoch' in role ? role.epoch : null, because });
}

/** From anywhere: the node has no place until its surroundings are clear. */
export function enterStarting(turn: Turn, because: string): void {
  enter(turn, { name: 'starting', sinceMs: turn.now }, because);
}

export function enterReplica(turn: Turn, because: string): void {
  assert(turn.state.role.name !== 'replica', 'a replica cannot become replica again');
  enter(turn, { name: 'replica', sinceMs: turn.now }, because);
}

/** From `replica` or `starting`, and again after a lossless takeover had to be given up. */
export function enterCandidate(turn: Turn, epoch: number, mayLink: boolean, because: string): void {
  const { role } = turn.state;
  assert(role.name !== 'master' && role.name !== 'candidate', 'a master releases before it stands again');
  const nobodyYet = { leaseGoneSinceMs: null, expected: null, redisRanMs: turn.state.own.ranMs } as const;
  enter(turn, { name: 'candidate', epoch, sinceMs: turn.now, mayLink, ...nobodyYet }, because);
}

/** From anywhere but power: our claim was committed, or a committed claim of ours was found. */
export function enterPromoting(
  turn: Turn,
  entry: Pick<RoleOf<'promoting'>, 'epoch' | 'deposed' | 'takeover' | 'remoteFence'>,
  because: string,
): void {
  const { name } = turn.state.role;
  assert(name === 'candidate' || name === 'starting' || name === 'replica', `cannot be promoted while ${name}`);
  const rememberedEpoch = Math.max(turn.state.rememberedEpoch, entry.epoch);
  const { rescuing, rescue } = turn.state;
  turn.update({
    rememberedEpoch,
    unplaced: false,
    looseRelease: false,
    rescuing: rescuing && { ...rescuing, history: null },
    rescue: rescue && { ...rescue, history: null },
  });
  enter(turn, { name: 'promoting', sinceMs: turn.now, ...entry }, because);
}

/** From `promoting`, after `ROLE` said master. */
export function enterMaster(turn: Turn, from: RoleOf<'promoting'>, because: string): void {
  assert(turn.state.role.name === 'promoting', 'only a promoted node becomes master');
  const { epoch, deposed } = from;
  const role: Role = {
    name: 'master',
    epoch,
    sinceMs: turn.now,
    deposed,
    inDoubt: false,
    demotedSinceMs: null,
    attaching: new Map(),
    joining: [],
    absent: new Map(),
  };
  enter(turn, role, because);
}

/** From `stepping_down`, while the lease was never given away: what was to happen does not, and we go on serving. */
export function returnToOffice(turn: Turn, from: RoleOf<'stepping_down'>, because: string): void {
  assert(turn.state.role.name === 'stepping_down' && !from.released, 'only who still holds the lease can go on');
  const nobody = { attaching: new Map(), joining: [], absent: new Map() } as const;
  const doubts = { deposed: null, inDoubt: turn.now >= fenceAtMs(turn.state), demotedSinceMs: null } as const;
  enter(turn, { name: 'master', epoch: from.epoch, sinceMs: turn.now, ...doubts, ...nobody }, because);
}

export function enterSteppingDown(
  turn: Turn,
  from: RoleOf<'master'> | RoleOf<'promoting'>,
  entry: { because: SteppingDownBecause; alone: boolean },
): void {
  const nothingYet = { releaseSentAtMs: null, released: false } as const;
  const role: Role = { name: 'stepping_down', epoch: from.epoch, sinceMs: turn.now, ...nothingYet, ...entry };
  enter(turn, role, entry.because);
}

/** Replaces fields of the present role. */
export function amendRole<N extends Role['name']>(turn: Turn, role: RoleOf<N>, change: Partial<RoleOf<N>>): RoleOf<N> {
  assert(turn.state.role.name === role.name, 'only the present role can be amended');
  if (turn.state.role === role && !changes(role, change)) return role;
  const amended = { ...role, ...change };
  turn.update({ role: amended });
  return amended;
}
