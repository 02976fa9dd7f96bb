/** `dictator disable NODE`, `enable NODE`: maintenance of one node, for a reason and a time that all are shown. */
import { MAINTENANCE_MAX_MS } from '../../contract/operations.ts';
import { EXIT } from '../../contract/errors.ts';
import type { ExitCode } from '../../contract/errors.ts';
import { acting } from '../act/acting.ts';
import type { Acting } from '../act/acting.ts';
import type { Ended } from '../act/desk.ts';
import { sleep, waitFor } from '../act/give.ts';
import { maintenanceFlags } from '../act/maintenance.ts';
import type { MaintenanceWords } from '../act/maintenance.ts';
import { orderNode } from '../act/node-order.ts';
import { conclude } from '../act/outcome.ts';
import { ableIn } from '../act/plan.ts';
import { timeOf } from '../act/times.ts';
import { confirm } from '../confirm.ts';
import { masterOf, reasonText } from '../topology.ts';
import type { Call, Verb } from '../verb.ts';

/** An election and its announcement, on a slow machine. */
const GIVE_UP_WAIT_MS = 30_000;
const LOOK_EVERY_MS = 250;
const IN_OFFICE: readonly string[] = ['master', 'promoting', 'stepping_down'];

export const disable: Verb = {
  name: 'disable',
  group: 'Act',
  args: 'NODE',
  argsMin: 1,
  argsMax: 1,
  summary: 'take a node out for maintenance',
  details: [
    'It gives up mastership, follows the next master once, and is then left alone; it is never promoted. So it stays, '
    + 'also over restarts, until enable or for --for DURATION (at most 31d). Who, why and until when is shown by '
    + 'list, show, explain and the agents.',
    'The same as /disable of its agent, which is called over HTTP. Of a node without an agent the record is written: '
    + 'an agent that is started there obeys it.',
  ],
  flags: ['config', 'agent', 'zk', 'json', 'service', 'for', 'reason', 'owner', 'yes'],
  examples: ['dictator disable redis3 --for 2h --reason disks'],
  run: (call) => acting(call, call.flags.text('service'), async (found) => {
    const [node = ''] = call.args;
    const words = maintenanceFlags(call, { defaultMs: null, maxMs: MAINTENANCE_MAX_MS });
    if (typeof words === 'number') return words;
    const declined = await confirm(call, planOf(found, node));
    if (declined !== null) return declined;
    const given = takeOut(call, found, node, words);
    const { ended, elapsedMs } = await waitFor(call, `${found.service}: ${node} is taken out`, given);
    const endMs = words.forMs === null ? null : call.io.clock.wallNow() + words.forMs;
    const end = endMs === null ? 'until it is enabled' : `until ${timeOf(endMs)}`;
    const about = { service: found.service, operation: 'disable', target: node, elapsedMs };
    const code = conclude(ended, about, {
      call, line: () => `${found.service}: ${node} is disabled ${end} by ${words.owner}: ${words.reason}`,
    });
    return code === EXIT.done ? afterwards(call, found, node) : code;
  }),
};

export const enable: Verb = {
  name: 'enable',
  group: 'Act',
  args: 'NODE',
  argsMin: 1,
  argsMax: 1,
  summary: 'let a node take part again',
  details: ['Ends its maintenance. It follows the master and can be promoted once it is in sync.'],
  flags: ['config', 'agent', 'zk', 'json', 'service'],
  examples: ['dictator enable redis3'],
  run: (call) => acting(call, call.flags.text('service'), async (found) => {
    const [node = ''] = call.args;
    const { service } = found;
    const { ended, elapsedMs } = await waitFor(call, `${service}: ${node} takes part again`, letIn(call, found, node));
    const about = { service, operation: 'enable', target: node, elapsedMs };
    return conclude(ended, about, { call, line: () => `${service}: ${node} is enabled` });
  }),
};

function planOf({ service, facts }: Acting, node: string): readonly string[] {
  if (masterOf(facts) !== node) return [`${service}: ${node} is never promoted while it is disabled.`];
  const able = ableIn(facts, () => false);
  const next = able.length > 0
    ? 'a replica takes over'
    : 'NO NODE CAN TAKE OVER: its Redis stays writable, and nobody is announced as master';
  return [`${service}: ${node} is the master and gives that up: ${next}.`];
}

const unknownNode: Ended = { ended: 'refused', reason: 'unknown_node' };
const unreachable = (why: string): Ended => ({ ended: 'not_given', code: 'agent_unreachable', why });

async function takeOut(call: Call, found: Acting, node: string, words: MaintenanceWords): Promise<Ended> {
  const { owner, reason, forMs } = words;
  const query = new URLSearchParams({ owner, reason });
  if (forMs !== null) query.set('for_s', String(Math.ceil(forMs / 1000)));
  const agent = agentOf(found, node);
  if (agent === null) {
    const since = Math.round(call.io.clock.wallNow());
    const maintenance = { owner, reason, since, until: forMs === null ? null : since + forMs, forMs };
    return writeRecord(found, node, { disabled: true, maintenance });
  }
  const status = await orderNode(agent, `/disable?${query.toString()}`);
  if (status !== STATUS_OK) return unreachable(`${node}: status ${status ?? 'none'}`);
  return until(call, found, node, (view) => !view.enabled && !IN_OFFICE.includes(view.role));
}

async function letIn(call: Call, found: Acting, node: string): Promise<Ended> {
  const agent = agentOf(found, node);
  if (agent === null) return writeRecord(found, node, { disabled: false, maintenance: null });
  const status = await orderNode(agent, '/enable');
  if (status !== STATUS_OK) return unreachable(`${node}: status ${status ?? 'none'}`);
  return until(call, found, node, (view) => view.enabled);
}

const STATUS_OK = 200;

/** Where its agent takes orders; null where no live agent is known. */
function agentOf({ facts, lookout }: Acting, node: string) {
  const member = facts.records?.members.get(node)?.value.http;
  if (member !== undefined) return member;
  return facts.records === null && facts.views.has(node) ? lookout.source.agent : null;
}

/** The record of a node whose agent is not there: nobody else writes it. */
async function writeRecord(found: Acting, node: string, change: object): Promise<Ended> {
  const { facts, lookout, service } = found;
  const record = facts.records?.nodes.get(node);
  if (record === undefined || lookout.ensemble === null) return unknownNode;
  const written = await lookout.ensemble.rewriteNode(service, node, { ...record, change });
  return written ? { ended: 'done' } : { ended: 'unknown', why: 'its record was written by somebody else meanwhile' };
}

type View = Acting['facts']['views'] extends ReadonlyMap<string, infer V> ? V : never;

async function until(call: Call, found: Acting, node: string, holds: (view: View) => boolean): Promise<Ended> {
  const { clock } = call.io;
  const endMs = clock.now() + GIVE_UP_WAIT_MS;
  while (clock.now() < endMs) {
    const looked = await found.lookout.factsNow(found.service);
    const view = looked.ok ? looked.value.views.get(node) : undefined;
    if (view !== undefined && holds(view)) return { ended: 'done' };
    await sleep(call, LOOK_EVERY_MS);
  }
  return { ended: 'unknown', why: `${node} took the order and has not carried it out in ${GIVE_UP_WAIT_MS / 1000} s` };
}

/** What holds of it now that an operator must know. */
async function afterwards(call: Call, { lookout, service }: Acting, node: string): Promise<ExitCode> {
  const looked = await lookout.factsNow(service);
  const reasons = looked.ok ? (looked.value.views.get(node)?.reasons ?? []) : [];
  if (reasons.includes('no_successor')) {
    call.io.stderr(`dictator: ${reasonText('no_successor')?.what ?? ''} (no_successor)\n`);
  }
  return EXIT.done;
}
