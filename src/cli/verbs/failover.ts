/** `dictator failover [SERVICE]`: there is no master, and an operator says who shall be. */
import { EXIT } from '../../contract/errors.ts';
import { acting } from '../act/acting.ts';
import { waitFor } from '../act/give.ts';
import { conclude } from '../act/outcome.ts';
import { confirm } from '../confirm.ts';
import type { ServiceFacts } from '../facts.ts';
import { report } from '../report.ts';
import { duration, size } from '../terminal.ts';
import { inSyncOf } from '../topology.ts';
import type { Verb } from '../verb.ts';

export const failover: Verb = {
  name: 'failover',
  group: 'Act',
  args: '[SERVICE]',
  argsMin: 0,
  argsMax: 1,
  summary: 'name the master where there is none',
  details: [
    'For a service without a master that does not elect one by itself: dictator explain says why. --to NODE, else the '
    + 'live node that holds most. The plan states what may be lost; where acknowledged writes may be, the agents take '
    + 'the order with --accept-loss alone.',
    'While there is a master it is refused: use switchover.',
  ],
  flags: ['config', 'agent', 'zk', 'json', 'to', 'accept-loss', 'yes'],
  examples: ['dictator failover cache --to redis2', 'dictator failover --accept-loss'],
  run: (call) => acting(call, call.args[0], async ({ service, facts, desk }) => {
    const { flags, io } = call;
    const about = { service, operation: 'failover', elapsedMs: 0 };
    const target = flags.text('to') ?? fullest(facts);
    const told = {
      call,
      line: ({ master, epoch }: { readonly master: string | null; readonly epoch: number | null }) =>
        `${service}: ${master ?? target ?? 'nobody'} is the master, epoch ${epoch ?? '?'}`,
    };
    const refused = { ended: 'refused', reason: 'master_exists' } as const;
    if (facts.records?.lease) return conclude(refused, { ...about, target }, told);
    if (target === null) {
      return report({ code: 'usage', details: [`${service}: no live node can be asked; name one with --to`] }, io);
    }
    const declined = await confirm(call, [
      `${service}: ${target} becomes master.`,
      ...possibleLoss(facts, target),
      flags.on('accept-loss') ? 'The loss is accepted.' : 'Without --accept-loss it is refused if that may be.',
    ]);
    if (declined !== null) return declined;
    const given = desk.give({ kind: 'failover', target, force: flags.on('accept-loss') });
    const { ended, elapsedMs } = await waitFor(call, `${service}: ${target} becomes master`, given);
    const code = conclude(ended, { ...about, target, elapsedMs }, told);
    if (code === EXIT.done && facts.records?.pause) io.stderr('dictator: the service is still paused\n');
    return code;
  }),
};

const offsetOf = (facts: ServiceFacts, node: string): number =>
  facts.views.get(node)?.redis.offset ?? facts.records?.nodes.get(node)?.value.offset ?? 0;

/** Of the live nodes: those in sync first, then who holds most. */
export function fullest(facts: ServiceFacts): string | null {
  const live = [...facts.views.values()].filter(({ enabled, redis }) => enabled && redis.reachable);
  const inSync = inSyncOf(facts);
  const ranked = live.map(({ node: { name } }) => name).toSorted((a, b) => {
    const member = Number(inSync.includes(b)) - Number(inSync.includes(a));
    return member || offsetOf(facts, b) - offsetOf(facts, a) || (a < b ? -1 : 1);
  });
  return ranked[0] ?? null;
}

/** What the records and agents say of data that the target lacks, as sentences. Pure. */
export function possibleLoss(facts: ServiceFacts, target: string): readonly string[] {
  const { records, nowMs } = facts;
  const own = offsetOf(facts, target);
  const others = [...(records?.nodes ?? [])].filter(([name]) => name !== target).map(([name, { value, writtenMs }]) => {
    const live = facts.views.get(name);
    const ageMs = live === undefined ? nowMs - writtenMs : 0;
    return { name, ahead: (live?.redis.offset ?? value.offset) - own, ageMs };
  });
  const ahead = others.filter((each) => each.ahead > 0).toSorted((a, b) => b.ahead - a.ahead);
  const isInSync = inSyncOf(facts).includes(target);
  return [
    ...ahead.map(({ name, ahead: bytes, ageMs }) => {
      const age = ageMs > 0 ? ` (recorded ${duration(ageMs)} ago)` : '';
      return `It lacks at least ${size(bytes)} that ${name} has${age}.`;
    }),
    isInSync
      ? 'It was in sync: what the last master took and had not sent yet may be lost.'
      : 'It was not in sync: whatever was written since it last streamed may be lost; nobody knows how much.',
  ];
}
