/** What a batch of events is to each subscriber. Written once per protocol, not once per client. */
import type { SentinelEvent } from './announce.ts';
import type { Client } from './client.ts';
import { matches } from './glob.ts';
import { bulk, encode, push } from './reply.ts';
import type { Protocol } from './reply.ts';

export function tell(events: readonly SentinelEvent[]): (client: Client) => string {
  const written = new Map<string, string>();
  const once = (key: string, protocol: Protocol, parts: readonly string[]): string => {
    const found = written.get(`${protocol} ${key}`) ?? encode(push(parts.map(bulk)), protocol);
    written.set(`${protocol} ${key}`, found);
    return found;
  };
  return (client) => {
    if (client.subscriptions === 0) return '';
    let text = '';
    for (const [index, { channel, payload }] of events.entries()) {
      if (client.channels.has(channel)) text += once(`${index}`, client.protocol, ['message', channel, payload]);
      for (const pattern of client.patterns) {
        if (!matches(pattern, channel)) continue;
        text += once(`${index} ${pattern}`, client.protocol, ['pmessage', pattern, channel, payload]);
      }
    }
    return text;
  };
}
