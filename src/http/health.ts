/**
 * Health checks, for load balancers and orchestrators, with the paths and semantics of Patroni: 200 when clients may be
 * sent here for what the path names, else 503.
 *
 * Everything comes from the view of the moment: no check touches Redis or ZooKeeper, so that a balancer that asks
 * hundreds of times a second costs the service nothing. GET explains itself in JSON; HEAD and OPTIONS are the status.
 */
import type { HealthFault } from '../contract/health.ts';
import type { PublishedView } from '../contract/view.ts';
import { errorAnswer, jsonAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import type { HttpApi } from './api.ts';
import type { RouteRequest } from './routes.ts';

export interface HealthCall {
  readonly api: HttpApi;
  readonly request: RouteRequest;
  readonly query: URLSearchParams;
}

export const CHECK_METHODS = ['GET', 'HEAD', 'OPTIONS'] as const;

/** What the caller asks for beside the path. */
interface Terms {
  /** Most bytes behind; null: any. */
  readonly lagBytesMax: number | null;
  /** Tags that a replica must have. */
  readonly tags: readonly (readonly [name: string, value: string])[];
}

/** What speaks against sending clients here, or null. */
type Check = (view: PublishedView, terms: Terms, api: HttpApi) => HealthFault | null;

export type CheckName = 'primary' | 'replica' | 'read-only' | 'health' | 'liveness' | 'readiness';

const CHECKS: Readonly<Record<CheckName, Check>> = {
  primary,
  replica,
  'read-only': (view, terms) => (view.health.primary ? null : readable(view, terms)),
  health: running,
  liveness,
  readiness,
};

/** The answer of one check. */
export function healthCheck(name: CheckName): (call: HealthCall) => Answer {
  return ({ api, request, query }) => {
    const terms = termsOf(query);
    if (terms === null) return errorAnswer('bad_check');
    const view = api.view();
    const fault = CHECKS[name](view, terms, api);
    const status = fault === null ? 200 : 503;
    return request.method === 'GET' ? jsonAnswer(status, bodyOf(view, name, fault)) : { status, headers: {}, body: '' };
  };
}

/** An agent decides at least once a second; without a session there is no timeout to measure it by. */
const STUCK_AFTER_MIN_MS = 5000;

function liveness({ session }: PublishedView, _terms: Terms, api: HttpApi): HealthFault | null {
  return api.turnAgeMs() <= Math.max(session.timeoutMs, STUCK_AFTER_MIN_MS) ? null : 'agent_stuck';
}

function running({ health }: PublishedView): HealthFault | null {
  return health.serves ? null : 'redis_down';
}

function primary(view: PublishedView): HealthFault | null {
  return view.health.primary ? null : (running(view) ?? 'not_primary');
}

function replica(view: PublishedView, terms: Terms): HealthFault | null {
  return view.health.primary ? 'is_primary' : readable(view, terms);
}

/** A replica that may be read from. */
function readable(view: PublishedView, terms: Terms): HealthFault | null {
  const { health } = view;
  if (!health.serves) return 'redis_down';
  if (!health.follows) return 'not_following';
  if (!health.takesReads) return 'left_alone';
  return lagging(view, terms) ?? tagDiffers(view, terms);
}

/** Whether it does its part: an orchestrator that waits for this before it restarts the next node loses no copy. */
function readiness(view: PublishedView, terms: Terms): HealthFault | null {
  const { health, inSync, node } = view;
  if (health.primary) return null;
  if (!health.serves) return 'redis_down';
  if (!health.follows) return 'not_following';
  if (terms.lagBytesMax !== null) return lagging(view, terms);
  return inSync.includes(node.name) ? null : 'not_in_sync';
}

function lagging({ health }: PublishedView, { lagBytesMax }: Terms): HealthFault | null {
  if (lagBytesMax === null) return null;
  if (health.lagBytes === null) return 'lag_unknown';
  return health.lagBytes > lagBytesMax ? 'lag_too_high' : null;
}

/** A tag that is not known to this version is one that the node has not. */
function tagDiffers({ tags: own }: PublishedView, { tags }: Terms): HealthFault | null {
  const known = new Map([
    ['zone', own.zone],
    ['no_read', String(own.noRead)],
    ['never_master', String(own.neverMaster)],
  ]);
  return tags.every(([name, value]) => known.get(name) === value) ? null : 'tag_differs';
}

const TAG_PREFIX = 'tag_';
const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Null where a value means nothing: a balancer that is configured so must not believe that it checks. */
function termsOf(query: URLSearchParams): Terms | null {
  const tags: [string, string][] = [];
  let lagBytesMax: number | null = null;
  for (const [name, value] of query) {
    if (name.startsWith(TAG_PREFIX)) tags.push([name.slice(TAG_PREFIX.length), value]);
    if (name !== 'lag') continue;
    const [, digits, unit = ''] = /^(\d{1,15})(?:([kmg])b|b)?$/i.exec(value) ?? [];
    if (digits === undefined) return null;
    lagBytesMax = Number(digits) * (UNITS[unit.toLowerCase()] ?? 1);
  }
  return { lagBytesMax, tags };
}

function bodyOf(view: PublishedView, check: CheckName, fault: HealthFault | null): object {
  const { service, node, role, epoch, master, inSync, enabled, pause, reasons, health } = view;
  return {
    check,
    ok: fault === null,
    fault,
    service,
    node,
    role,
    epoch,
    master,
    inSync: inSync.includes(node.name),
    enabled,
    paused: pause !== null,
    ...health,
    reasons,
  };
}
