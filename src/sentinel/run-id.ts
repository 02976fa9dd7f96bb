/**
 * The 40 hex digits by which clients tell Sentinels apart. Derived from service and node name, so that every agent
 * knows those of all others, and a restart keeps it.
 */
import { createHash } from 'node:crypto';

export function sentinelId(service: string, node: string): string {
  return createHash('sha1').update(JSON.stringify(['sentinel', service, node])).digest('hex');
}
