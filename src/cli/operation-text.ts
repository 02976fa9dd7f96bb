/** An operation and whom it is about, as people say it: `switchover to redis2`, `reinitialize of redis3`. */

/** Operations whose target becomes master; of the others it is what they act on. */
const GIVES_THE_OFFICE: readonly string[] = ['switchover', 'failover', 'bootstrap'];

export function operationText(kind: string, target: string): string {
  return `${kind} ${GIVES_THE_OFFICE.includes(kind) ? 'to' : 'of'} ${target}`;
}
