/** An operator's orders to an agent over HTTP, as curl gives them from its host. */
import type { OperationResult } from '../../src/contract/operations.ts';
import type { Node } from './service.ts';

/** Longer than an agent lets its callers wait. */
const PATIENCE_MS = 40_000;

export interface Ordered {
  readonly status: number;
  readonly body: {
    readonly ok?: boolean;
    readonly error?: string;
    readonly reason?: string | null;
    readonly scheduled?: string;
    readonly result?: OperationResult | null;
  };
}

export async function give(
  node: Pick<Node, 'agent'>,
  path: string,
  body: object | null = null,
  method = 'POST',
): Promise<Ordered> {
  const { httpPort } = node.agent.options;
  const response = await fetch(`http://127.0.0.1:${String(httpPort)}${path}`, {
    method,
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(body === null ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Ordered['body'] };
}
