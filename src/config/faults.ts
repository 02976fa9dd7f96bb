/**
 * A fault of the configuration, as a value: collected, sorted, printed all at once.
 *
 * A fault never shows a secret, and never the value of a key that is not known: a misspelled `node.passwrod` holds
 * a password all the same.
 */

/** Longer values are cut: a fault is one line. */
const SHOWN_LENGTH_MAX = 80;

export interface Fault {
  /** Where it was found: `--log-level`, `DICTATOR_HTTP_PORT`, or the file's name. */
  readonly source: string;
  /** Key, dotted, with an index inside a list: `node.port`, `zk_hosts[1]`. Empty for the file as a whole. */
  readonly path: string;
  /** The value as JSON, cut; undefined where it may not be shown or says nothing. */
  readonly value?: string;
  readonly reason: string;
  readonly fix: string;
  /** The known name nearest to an unknown one. */
  readonly nearest?: string;
}

export const HIDDEN = '(not shown)';

/** `value` for people: JSON, cut to one line. */
export function shown(value: unknown): string {
  const json = JSON.stringify(value) as string | undefined ?? String(value);
  return json.length <= SHOWN_LENGTH_MAX ? json : `${json.slice(0, SHOWN_LENGTH_MAX)}...`;
}

/** One line: `dictator.conf: node.port: "x" must be an integer from 1 to 65535. Use a port from 1 to 65535.` */
export function formatFault(fault: Fault): string {
  const place = [fault.source, fault.path].filter((part) => part !== '').join(': ');
  const said = fault.value === undefined ? fault.reason : `${fault.value} ${fault.reason}`;
  const meant = fault.nearest === undefined ? '' : ` Did you mean ${fault.nearest}?`;
  return `${place}: ${said}.${meant} ${fault.fix}`;
}
