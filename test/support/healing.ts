/**
 * Brings a service back to peace between two tests, and looks at what its agents said meanwhile.
 */
import { REPEAT_WINDOW_MS } from '../../src/log/repeat-filter.ts';
import type { LogLine } from './agent-process.ts';
import type { Node, Service } from './service.ts';
import { waitFor } from './wait-for.ts';
import { untilFollows } from './writers.ts';

/** Restarts what is down, thaws what is stopped, and waits for one master that all others follow in sync. */
export async function heal(service: Service): Promise<{ master: Node; replicas: readonly [Node, Node] }> {
  for (const { redis, agent } of service.nodes) {
    if (redis.running) redis.thaw();
    else await redis.restart();
    if (agent.alive) agent.signal('SIGCONT');
    else agent.restart();
  }
  return peace(service);
}

/** Waits for one master that all others follow in sync. */
export async function peace(service: Service): Promise<{ master: Node; replicas: readonly [Node, Node] }> {
  const { master } = await service.settled();
  const [first, second] = service.others(master);
  if (first === undefined) throw new Error('a service of one node has no peace to come back to');
  for (const replica of service.others(master)) await untilFollows(replica, master);
  return { master, replicas: [first, second ?? first] };
}

/** The log counts what is said again within a second instead of writing it: waits until this would be written. */
export async function untilSaidAnew({ name, agent }: Node, event: string): Promise<void> {
  const isOver = (line: LogLine): boolean => line.event !== event || performance.now() - line.atMs > REPEAT_WINDOW_MS;
  await waitFor(() => agent.lines.every(isOver), `${name} would write ${event} again`);
}

/** What an agent says from now on, without its later counts of what it said before (`repeated`). */
export function listen(node: Node): () => readonly LogLine[] {
  const from = node.agent.lines.length;
  return () => node.agent.lines.slice(from).filter((line) => line['repeated'] === undefined);
}

/** Whether one of these lines is this event with these fields. */
export function says(lines: readonly LogLine[], event: string, fields: Record<string, unknown> = {}): boolean {
  const wanted = Object.entries(fields);
  return lines.some((line) => line.event === event && wanted.every(([name, value]) => line[name] === value));
}

/** The lines as text, for the message of a failed assertion. */
export function story(service: Service): string {
  return service.nodes
    .flatMap((node) => node.agent.lines.map((line) => ({ node: node.name, line })))
    .sort((a, b) => a.line.atMs - b.line.atMs)
    .map(({ node, line }) => `${line.atMs.toFixed(0)} ${node} ${JSON.stringify(line)}`)
    .join('\n');
}
