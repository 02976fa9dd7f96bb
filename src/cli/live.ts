/**
 * What agents say of themselves right now (`GET /v1/view`), on demand: in parallel within a bound, each within a
 * second, and kept for a second, so that a screen that looks again does not become a load.
 */
import * as v from 'valibot';
import type { Clock } from '../contract/clock.ts';
import { exchange, parseJson } from '../peers/exchange.ts';
import type { Target } from '../peers/exchange.ts';

const OK = 200;

/** Longest wait for one agent. */
const ANSWER_TIMEOUT_MS = 1000;
/** A view of sixty-four nodes is some 20 KB. */
const ANSWER_BYTES_MAX = 512 * 1024;
/** Agents that are asked at once. */
const PARALLEL_MAX = 16;
/** How long an answer is as good as a new one. */
const FRESH_MS = 1000;

const address = v.object({ name: v.string(), host: v.string(), port: v.number() });

const candidate = v.object({ node: v.string(), refusal: v.nullable(v.string()), byNameOnly: v.boolean() });
const pause = v.object({ owner: v.string(), reason: v.string(), until: v.number(), endsInMs: v.number() });
const maintenance = v.object({
  owner: v.string(),
  reason: v.string(),
  until: v.nullable(v.number()),
  endsInMs: v.nullable(v.number()),
});
const operation = v.object({
  id: v.string(),
  kind: v.string(),
  target: v.nullable(v.string()),
  asker: v.string(),
  scheduledAt: v.nullable(v.number()),
  phase: v.string(),
});

const viewSchema = v.object({
  version: v.literal(1),
  service: v.string(),
  node: address,
  instance: v.string(),
  enabled: v.boolean(),
  role: v.string(),
  epoch: v.number(),
  master: v.nullable(address),
  fence: v.string(),
  reasons: v.array(v.string()),
  lease: v.object({ heardAgoMs: v.nullable(v.number()), fenceInMs: v.nullable(v.number()) }),
  session: v.object({ connected: v.boolean(), timeoutMs: v.number() }),
  redis: v.object({
    reachable: v.boolean(),
    role: v.nullable(v.string()),
    runId: v.nullable(v.string()),
    offset: v.number(),
    linkUp: v.boolean(),
  }),
  failover: v.object({ falls: v.number(), resumesInMs: v.nullable(v.number()) }),
  rescue: v.object({ running: v.boolean() }),
  inSync: v.array(v.string()),
  nodes: v.array(v.string()),
  members: v.array(v.string()),
  // Not in views of agents before these fields.
  pause: v.optional(v.nullable(pause), null),
  maintenance: v.optional(v.nullable(maintenance), null),
  operation: v.optional(v.nullable(operation), null),
  switchover: v.optional(v.nullable(v.object({ candidates: v.array(candidate), gapsMs: v.array(v.number()) })), null),
  peers: v.optional(v.nullable(v.array(v.string())), null),
  replicas: v.array(v.object({
    name: v.optional(v.string()),
    host: v.string(),
    port: v.number(),
    state: v.string(),
    offset: v.number(),
    lagBytes: v.number(),
    inSync: v.boolean(),
  })),
  failsafe: v.nullable(v.object({ sinceAgoMs: v.number(), endsInMs: v.nullable(v.number()), by: v.string() })),
});

/** The members of a published view that are shown; words of a later version pass as they are. */
export type AgentView = Readonly<v.InferOutput<typeof viewSchema>>;

/** `refused`: nobody listens. `silent`: no answer in time. `foreign`: something that is not an agent's. */
export type Asked<T> = { readonly ok: true; readonly value: T } | {
  readonly ok: false;
  readonly why: 'refused' | 'silent' | 'foreign';
};

/** One GET of JSON, bounded in time and size. Never rejects. */
export async function getJson(target: Target, path: string, timeoutMs = ANSWER_TIMEOUT_MS): Promise<Asked<unknown>> {
  const limits = { timeoutMs: ANSWER_TIMEOUT_MS, answerTimeoutMs: timeoutMs, answerBytesMax: ANSWER_BYTES_MAX };
  const answer = await exchange(target, { path, method: 'GET', limits });
  if (answer.kind === 'lost') return { ok: false, why: answer.refused ? 'refused' : 'silent' };
  const value = answer.status === OK ? parseJson(answer.body) : undefined;
  return value === undefined ? { ok: false, why: 'foreign' } : { ok: true, value };
}

function readView(value: unknown): AgentView | null {
  const parsed = v.safeParse(viewSchema, value);
  return parsed.success ? parsed.output : null;
}

/** One agent's view, not kept. */
async function askView(target: Target): Promise<Asked<AgentView>> {
  const asked = await getJson(target, '/v1/view');
  if (!asked.ok) return asked;
  const view = readView(asked.value);
  return view === null ? { ok: false, why: 'foreign' } : { ok: true, value: view };
}

/** Views of many agents, kept for FRESH_MS. */
export class LiveViews {
  readonly #clock: Clock;
  readonly #ask: (target: Target) => Promise<Asked<AgentView>>;
  readonly #kept = new Map<string, { readonly atMs: number; readonly answer: Promise<Asked<AgentView>> }>();

  constructor(clock: Clock, ask: (target: Target) => Promise<Asked<AgentView>> = askView) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** Answers in the order of the targets. */
  async of(targets: readonly Target[]): Promise<readonly Asked<AgentView>[]> {
    const answers: Asked<AgentView>[] = [];
    const left = targets.entries();
    const worker = async (): Promise<void> => {
      for (const [index, target] of left) answers[index] = await this.#one(target);
    };
    await Promise.all(Array.from({ length: PARALLEL_MAX }, worker));
    return answers;
  }

  #one(target: Target): Promise<Asked<AgentView>> {
    const key = `${target.host} ${target.port}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#clock.now() - kept.atMs < FRESH_MS) return kept.answer;
    const answer = this.#ask(target);
    this.#kept.set(key, { atMs: this.#clock.now(), answer });
    return answer;
  }
}
