/** Subscribing, and the one channel on which Sentinels accept a message. */
import type { Answer, Call, Command } from '../call.ts';
import { NULL, bulk, error, integer, push } from '../reply.ts';
import type { Reply } from '../reply.ts';

/** On which real Sentinels tell each other of themselves. What they say is heard and not believed. */
const HELLO_CHANNEL = '__sentinel__:hello';

type Kind = 'channels' | 'patterns';

const VERBS = {
  channels: { add: 'subscribe', remove: 'unsubscribe' },
  patterns: { add: 'psubscribe', remove: 'punsubscribe' },
} as const;

const subscribe = (kind: Kind) => ({ args, client, house }: Call): Answer => {
  const { channelsMax, patternsMax, keptTextMax } = house.limits;
  const most = kind === 'channels' ? channelsMax : patternsMax;
  return args.slice(1).map((name): Reply => {
    const full = !client[kind].has(name) && client[kind].size >= most;
    if (full || name.length > keptTextMax) return error('ERR too many subscriptions, or too long a name');
    client[kind].add(name);
    return push([bulk(VERBS[kind].add), bulk(name), integer(client.subscriptions)]);
  });
};

const unsubscribe = (kind: Kind) => ({ args, client }: Call): Answer => {
  const verb = bulk(VERBS[kind].remove);
  const names = args.length > 1 ? args.slice(1) : [...client[kind]];
  if (names.length === 0) return push([verb, NULL, integer(client.subscriptions)]);
  return names.map((name) => {
    client[kind].delete(name);
    return push([verb, bulk(name), integer(client.subscriptions)]);
  });
};

function publish({ args }: Call): Answer {
  if (args[1] === HELLO_CHANNEL) return integer(1);
  return error('ERR Only HELLO messages are accepted by Sentinel instances.');
}

export const PUBSUB_COMMANDS: readonly (readonly [string, Command])[] = [
  ['subscribe', { arity: -2, run: subscribe('channels'), listeners: true }],
  ['psubscribe', { arity: -2, run: subscribe('patterns'), listeners: true }],
  ['unsubscribe', { arity: -1, run: unsubscribe('channels'), listeners: true }],
  ['punsubscribe', { arity: -1, run: unsubscribe('patterns'), listeners: true }],
  ['publish', { arity: 3, run: publish }],
];
