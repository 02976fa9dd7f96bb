/** `dictator rolling [SERVICE] --each CMD`: one node after the other, the master's turn last, and never as a master. */
import { randomBytes } from 'node:crypto';
import { EXIT } from '../../contract/errors.ts';
import type { ErrorCode, ExitCode } from '../../contract/errors.ts';
import { acting } from '../act/acting.ts';
import type { Acting } from '../act/acting.ts';
import { waitFor } from '../act/give.ts';
import { untilInSync, whyNotInSync } from '../act/in-sync.ts';
import { outcomeOf } from '../act/outcome.ts';
import { ableIn } from '../act/plan.ts';
import { confirm } from '../confirm.ts';
import { unlessSilent } from '../facts.ts';
import type { ServiceFacts } from '../facts.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import { duration, printable, printJson } from '../terminal.ts';
import { masterOf, topologyOf } from '../topology.ts';
import type { Call, Verb } from '../verb.ts';

const ID_BYTES = 6;

export const rolling: Verb = {
  name: 'rolling',
  group: 'Act',
  args: '[SERVICE]',
  argsMin: 0,
  argsMax: 1,
  summary: 'run a command node by node, the master last',
  details: [
    'Replicas first, by name; after each it waits until that node is in sync again. Before the turn of the master it '
    + 'switches over, so that no command ever meets a master. CMD is run here by the shell, with NODE_NAME, '
    + 'NODE_HOST, NODE_PORT and NODE_SERVICE in its environment; what it prints goes to stderr.',
    'Begins only where every node is in sync and no other rolling is under way, and ends with the first failure: it '
    + 'names the nodes that are done, for --skip. The mastership is not moved back.',
  ],
  flags: ['config', 'zk', 'json', 'each', 'skip', 'yes'],
  needs: ['each'],
  examples: ['dictator rolling cache --each ./upgrade.sh', 'dictator rolling --each ./upgrade.sh --skip redis2,redis3'],
  run: (call) => acting(call, call.args[0], async (found) => {
    const skipped = (call.flags.text('skip') ?? '').split(',').map((name) => name.trim()).filter((name) => name !== '');
    const order = orderOf(found.facts, skipped);
    const why = whyNotReady(found.facts, skipped);
    if (why.length > 0) return report({ code: 'not_ready', details: why }, call.io);
    const { service } = found;
    const master = masterOf(found.facts);
    const command = call.flags.text('each') ?? '';
    const id = `cli-${randomBytes(ID_BYTES).toString('hex')}`;
    const declined = await confirm(call, [
      `${service}: for ${order.join(', then ')}: ${command}`,
      ...(master !== null && order.includes(master) ? [`Before the turn of ${master} another node takes over.`] : []),
    ]);
    return declined ?? roll(call, found, { order, command, id });
  }),
};

/** Replicas by name, the master last. */
export function orderOf(facts: ServiceFacts, skipped: readonly string[]): readonly string[] {
  const master = masterOf(facts);
  const nodes = (facts.records?.term?.value.nodes ?? []).filter((name) => !skipped.includes(name));
  return nodes.toSorted((a, b) => Number(a === master) - Number(b === master) || (a < b ? -1 : 1));
}

/** What keeps it from being begun, as sentences; none: nothing. */
export function whyNotReady(facts: ServiceFacts, skipped: readonly string[]): readonly string[] {
  const { records, service } = facts;
  const { pause, operation, master } = topologyOf(facts);
  const nodes = records?.term?.value.nodes ?? [];
  return [
    ...(master === null ? [`${service}: there is no master`] : []),
    ...(pause === null ? [] : [`${service}: it is paused by ${pause.owner}`]),
    ...(operation === null ? [] : [`${service}: an operation stands, by ${operation.asker}`]),
    ...(nodes.length < 2 ? [`${service}: there is no second node`] : []),
    ...skipped.filter((name) => !nodes.includes(name)).map((name) => `--skip: no node is called ${name}`),
    ...nodes.flatMap((node) => {
      const why = whyNotInSync(facts, node);
      return why === null ? [] : [`${node}: ${why}`];
    }),
  ];
}

interface Turn {
  readonly node: string;
  readonly outcome: 'done' | 'failed';
  readonly elapsedMs: number;
}

interface Broken {
  readonly code: ErrorCode;
  readonly why: string;
}

interface Roll {
  readonly order: readonly string[];
  readonly command: string;
  /** Of this run, among all that anybody begins. */
  readonly id: string;
}

/**
 * Two that run at once would each take what the other restarts for its next master. Null: this one is alone; also
 * asked between two nodes, since the session may have ended meanwhile.
 */
async function whyNotAlone(call: Call, { lookout, service }: Acting, id: string): Promise<Broken | null> {
  const { ensemble } = lookout;
  const kept = ensemble === null
    ? null
    : await unlessSilent(async () => ({ by: await ensemble.keep(service, 'rolling', { id, asker: call.io.whoami }) }));
  if (kept === null) return { code: 'ensemble_unreachable', why: 'the ensemble is silent' };
  return kept.by === null ? null : { code: 'not_ready', why: `another rolling is under way, by ${kept.by}` };
}

async function roll(call: Call, found: Acting, { order, command, id }: Roll): Promise<ExitCode> {
  const { io, flags } = call;
  const { service } = found;
  const turns: Turn[] = [];
  for (const [index, node] of order.entries()) {
    const beganMs = io.clock.now();
    io.stderr(`${printable(`[${index + 1}/${order.length}] ${node}`)}\n`);
    const broken = await whyNotAlone(call, found, id) ?? await takeTurn(call, found, { node, command });
    const turn: Turn = { node, outcome: broken === null ? 'done' : 'failed', elapsedMs: io.clock.now() - beganMs };
    turns.push({ ...turn, elapsedMs: Math.round(turn.elapsedMs) });
    if (!flags.on('json') && broken === null) {
      io.stdout(`${printable(`${service}: ${node} is done and in sync, in ${duration(turn.elapsedMs)}`)}\n`);
    }
    if (broken === null) continue;
    if (flags.on('json')) printJson({ v: 1, service, nodes: turns, left: order.slice(index) }, io);
    const skip = [...(flags.text('skip')?.split(',') ?? []), ...order.slice(0, index)].join(',');
    const again = `dictator rolling ${service} --each '${command}'${skip === '' ? '' : ` --skip ${skip}`}`;
    const details = [`${service}: ${node}: ${broken.why}`];
    return report({ code: broken.code, details, next: `To go on: ${again}` }, io);
  }
  if (flags.on('json')) printJson({ v: 1, service, nodes: turns, left: [] }, io);
  return EXIT.done;
}

/** One node; null: it is done. */
async function takeTurn(call: Call, found: Acting, { node, command }: {
  readonly node: string;
  readonly command: string;
}): Promise<Broken | null> {
  const { lookout, service } = found;
  const spared = await untilSpared(call, found, node);
  if ('code' in spared) return spared;
  const { facts } = spared;
  const member = facts.records?.members.get(node)?.value;
  if (member === undefined) return { code: 'not_ready', why: 'its agent is gone' };
  const env = {
    NODE_NAME: node, NODE_HOST: member.redis.host, NODE_PORT: String(member.redis.port), NODE_SERVICE: service,
  };
  const ended = await withProgress(`${node}: ${command}`, call.io, call.io.shell(command, env));
  if (ended !== 0) return { code: 'command_failed', why: `the command ended with ${ended}` };
  const why = await untilInSync(call, lookout, { service, node });
  return why === null ? null : { code: 'not_in_time', why };
}

/** Who else restarts nodes or moves the mastership meanwhile is waited for, so many times. */
const SPARE_TRIES_MAX = 10;

/** What a turn needs of the service. */
type Rolled = Pick<Acting, 'service' | 'desk'> & { readonly lookout: Pick<Acting['lookout'], 'factsNow'> };

/**
 * Until a node can be spared: it is not the master, and every other one is in sync. Looked at anew after each wait,
 * because others act on the service too: a second operator, or an election.
 */
export async function untilSpared(call: Call, found: Rolled, node: string): Promise<Broken | {
  readonly facts: ServiceFacts;
}> {
  const { lookout, service } = found;
  for (let tried = 0; tried < SPARE_TRIES_MAX; tried++) {
    const looked = await lookout.factsNow(service);
    if (!looked.ok) return { code: looked.failure.code, why: 'the service cannot be read' };
    const { value: facts } = looked;
    const nodes = facts.records?.term?.value.nodes ?? [];
    const missing = nodes.find((other) => other !== node && whyNotInSync(facts, other) !== null);
    if (missing !== undefined) {
      const why = await untilInSync(call, lookout, { service, node: missing });
      if (why !== null) return { code: 'not_in_time', why: `${missing} cannot take over: ${why}` };
    } else if (masterOf(facts) === node) {
      const why = await handOver(call, found, facts, node);
      if (why !== null) return { code: 'order_interrupted', why };
    } else return { facts };
  }
  return { code: 'not_in_time', why: 'others act on the service: it became master again, or another node left' };
}

/** The master gives its office away, and follows; null: it did. */
async function handOver(call: Call, found: Rolled, facts: ServiceFacts, master: string): Promise<string | null> {
  const [target] = ableIn(facts, () => false);
  if (target === undefined) return 'no node can take over';
  const given = found.desk.give({ kind: 'switchover', target, from: master });
  const { ended } = await waitFor(call, `${master} hands over to ${target}`, given);
  if (ended.ended !== 'result' || ended.result.outcome !== 'done') {
    const { outcome, reason } = outcomeOf(ended, { service: found.service, operation: '', target, elapsedMs: 0 });
    return `it did not hand over: ${reason ?? outcome}`;
  }
  const { gapMs } = ended.result;
  call.io.stderr(`${printable(`${target} took over from ${master}, gap ${gapMs ?? '?'} ms`)}\n`);
  return untilInSync(call, found.lookout, { service: found.service, node: master });
}
