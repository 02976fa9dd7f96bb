/**
 * All paths in one table, and the one function that turns a request into an answer.
 *
 * The four paths of the original keep its bodies byte for byte and take any method, as scripts rely on it. Ours answer
 * JSON and know their methods. docs/http.md lists them all; a test compares.
 */
import { performance } from 'node:perf_hooks';
import type { ReasonCode } from '../contract/reasons.ts';
import { REASONS } from '../contract/reasons.ts';
import { answerBody, FAILSAFE_BYTES_MAX, FAILSAFE_PATH, readQuestion } from '../peers/failsafe.ts';
import { PEER_PATH, PEER_PROTOCOL } from '../peers/hello.ts';
import { IDENTITY_PATH } from '../peers/identify.ts';
import { errorAnswer, jsonAnswer, textAnswer } from './answer.ts';
import type { Answer } from './answer.ts';
import type { HttpApi, OrderResult } from './api.ts';
import { HTTP_ERRORS } from './errors.ts';
import { CHECK_METHODS, healthCheck } from './health.ts';
import type { CheckName } from './health.ts';
import type { HttpLimits } from './limits.ts';
import {
  bootstrapService, failover, forgetNode, pause, reinitialize, resume, switchover,
} from './operations.ts';
import { maintenanceOf } from './maintenance.ts';
import { serviceConfig } from './settings.ts';
import { within } from './within.ts';

/** What a route needs to know of a request. */
export interface RouteRequest {
  readonly method: string;
  /** The request target as it came. */
  readonly target: string;
  /** What came with it; most paths look at none. */
  readonly body: string;
  /** Whether the caller is a program on this host (not a web page in a browser on it). */
  readonly local: boolean;
}

export interface RouteContext {
  readonly api: HttpApi;
  readonly limits: HttpLimits;
}

interface Call extends RouteContext {
  readonly request: RouteRequest;
  readonly query: URLSearchParams;
}

interface Route {
  readonly methods: 'any' | readonly string[];
  readonly answer: (call: Call) => Answer | Promise<Answer>;
}

const ENABLED_BODY = 'Dictator Status = Enable\n';
const DISABLED_BODY = 'Dictator Status = Disable/Paused\n';

const READ = ['GET', 'HEAD'] as const;

/** As balancers know them; several names for one check are Patroni's. */
const CHECK_PATHS: Readonly<Record<string, CheckName>> = {
  '/': 'primary',
  '/primary': 'primary',
  '/master': 'primary',
  '/read-write': 'primary',
  '/replica': 'replica',
  '/read-only': 'read-only',
  '/health': 'health',
  '/liveness': 'liveness',
  '/readiness': 'readiness',
};

const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['/status', { methods: 'any', answer: legacyStatus }],
  ['/ping', { methods: 'any', answer: legacyStatus }],
  ['/enable', { methods: 'any', answer: ({ api }) => textAnswer(api.setEnabled(true) ? ENABLED_BODY : '') }],
  ['/disable', { methods: 'any', answer: disable }],
  ...Object.entries(CHECK_PATHS).map(([path, check]): [string, Route] => {
    return [path, { methods: CHECK_METHODS, answer: healthCheck(check) }];
  }),
  [IDENTITY_PATH, { methods: READ, answer: identity }],
  ['/v1/view', { methods: READ, answer: ({ api }) => jsonAnswer(200, api.view()) }],
  ['/v1/events', { methods: READ, answer: events }],
  ['/v1/bootstrap', { methods: ['POST'], answer: bootstrap }],
  ['/v1/forget', { methods: ['POST'], answer: forget }],
  ['/switchover', { methods: ['POST', 'DELETE'], answer: switchover }],
  ['/failover', { methods: ['POST'], answer: failover }],
  ['/reinitialize', { methods: ['POST'], answer: reinitialize }],
  ['/bootstrap', { methods: ['POST'], answer: bootstrapService }],
  ['/forget', { methods: ['POST'], answer: forgetNode }],
  ['/pause', { methods: ['POST'], answer: pause }],
  ['/resume', { methods: ['POST'], answer: resume }],
  ['/config', { methods: ['GET', 'HEAD', 'PATCH'], answer: serviceConfig }],
  ['/v1/parameters', { methods: READ, answer: parameters }],
  [FAILSAFE_PATH, { methods: ['POST'], answer: failsafe }],
  [PEER_PATH, { methods: ['GET'], answer: () => errorAnswer('upgrade_required', upgradeHeaders()) }],
]);

/** Every path with its methods, as the documentation lists them. */
export const PATHS: readonly (readonly [path: string, methods: 'any' | readonly string[]])[] =
  [...ROUTES].map(([path, { methods }]) => [path, methods]);

/** The base that makes a request target a URL; its host is never looked at. */
const ANY_BASE = 'http://agent';

/** The answer to one request. Throws only what the agent's own functions throw. */
export function route(request: RouteRequest, context: RouteContext): Answer | Promise<Answer> {
  if (request.target.length > context.limits.urlLengthMax) return errorAnswer('url_too_long');
  if (!URL.canParse(request.target, ANY_BASE)) return errorAnswer('not_found');
  const url = new URL(request.target, ANY_BASE);
  const found = ROUTES.get(url.pathname);
  if (found === undefined) return errorAnswer('not_found');
  if (found.methods !== 'any') {
    const answersOptions = found.methods.includes('OPTIONS');
    const Allow = [...found.methods, ...(answersOptions ? [] : ['OPTIONS'])].join(', ');
    if (request.method === 'OPTIONS' && !answersOptions) return { status: 204, headers: { Allow }, body: '' };
    if (!found.methods.includes(request.method)) return errorAnswer('method_not_allowed', { Allow });
  }
  return found.answer({ ...context, request, query: url.searchParams });
}

/** As ever without a query; with one, for a reason (`owner`, `reason`) and a time (`for_s`) that everybody is shown. */
function disable({ api, query }: Call): Answer {
  if (query.size === 0) return textAnswer(api.setEnabled(false) ? DISABLED_BODY : '');
  const asked = maintenanceOf(query);
  if (asked === null) return errorAnswer('bad_maintenance');
  api.maintain(asked);
  return textAnswer(DISABLED_BODY);
}

function legacyStatus({ api }: Call): Answer {
  return textAnswer(api.enabled() ? ENABLED_BODY : DISABLED_BODY);
}

/** Who this is. Two answers tell the rate of its clock: `uptimeMs` is monotonic, `wallMs` is for display. */
function identity({ api }: Call): Answer {
  return jsonAnswer(200, { ...api.identity(), uptimeMs: Math.round(performance.now()), wallMs: Date.now() });
}

/** `after`: the last line that the caller has; `wait_ms`: how long it waits for the next one, 0 unless told. */
async function events({ api, limits, query }: Call): Promise<Answer> {
  const numberOf = (name: string): number => {
    const text = query.get(name) ?? '0';
    return /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  };
  const after = numberOf('after');
  const waitMs = numberOf('wait_ms');
  if (Number.isNaN(after) || Number.isNaN(waitMs)) return errorAnswer('bad_events_query');
  return jsonAnswer(200, await api.events(after, Math.min(waitMs, limits.eventsWaitMaxMs)));
}

/** Would its Redis take these (`?maxmemory=1gb&hz=20`)? Asked of any host, since nothing changes. */
async function parameters({ api, query }: Call): Promise<Answer> {
  const { service, name: node } = api.identity();
  const faults = await api.tryParameters(Object.fromEntries(query));
  return faults === null ? errorAnswer('redis_not_asked') : jsonAnswer(200, { service, node, faults });
}

/** A 426 must name the protocol to upgrade to, and an Upgrade header must be named by Connection (RFC 9110, 7.8). */
function upgradeHeaders(): Record<string, string> {
  return { Upgrade: PEER_PROTOCOL, Connection: 'Upgrade, close' };
}

async function bootstrap({ api, limits, request, query }: Call): Promise<Answer> {
  if (!request.local) return errorAnswer('not_loopback');
  const master = query.get('master') ?? '';
  if (master === '') return errorAnswer('master_missing');
  const result = await within(limits.orderTimeoutMs, api.bootstrap(master));
  return result === undefined ? errorAnswer('bootstrap_timeout') : orderAnswer(result, 'bootstrap_refused');
}

async function forget({ api, limits, request, query }: Call): Promise<Answer> {
  if (!request.local) return errorAnswer('not_loopback');
  const node = query.get('node') ?? '';
  if (node === '') return errorAnswer('node_missing');
  const result = await within(limits.orderTimeoutMs, api.forget(node));
  return result === undefined ? errorAnswer('forget_timeout') : orderAnswer(result, 'forget_refused');
}

function orderAnswer(result: OrderResult, refused: 'bootstrap_refused' | 'forget_refused'): Answer {
  if (result.ok) return jsonAnswer(200, { ok: true });
  const { status, message, next } = HTTP_ERRORS[refused];
  const known = isReasonCode(result.reason) ? REASONS[result.reason] : { what: message, next };
  return jsonAnswer(status, {
    error: refused,
    reason: result.reason,
    message: known.what,
    next: known.next,
  });
}

/** A master's question for a promise. A no is an answer like a yes: only what is not a question is an error. */
async function failsafe({ api, limits, request }: Call): Promise<Answer> {
  const question = request.body.length > FAILSAFE_BYTES_MAX ? null : readQuestion(request.body);
  if (question === null) return errorAnswer('bad_question');
  const answer = await within(limits.failsafeTimeoutMs, api.promise(question));
  if (answer === undefined) return errorAnswer('question_unanswered');
  return jsonAnswer(200, answerBody(api.identity().name, answer));
}

function isReasonCode(reason: string): reason is ReasonCode {
  return Object.hasOwn(REASONS, reason);
}
