/**
 * Replies as values, and how RESP2 and RESP3 write them. What differs between the two (maps, pushes, nulls) differs
 * here and nowhere else.
 */
export type Protocol = 2 | 3;

export type Reply =
  | { readonly is: 'status'; readonly text: string }
  | { readonly is: 'error'; readonly text: string }
  | { readonly is: 'integer'; readonly value: number }
  | { readonly is: 'bulk'; readonly text: string }
  | { readonly is: 'null' }
  /** Of an array that is not there: RESP2 has a null of its own for it. */
  | { readonly is: 'null array' }
  | { readonly is: 'array'; readonly items: readonly Reply[] }
  | { readonly is: 'map'; readonly pairs: readonly (readonly [string, Reply])[] }
  /** A map of text to text, written already: there may be thousands of them in one answer. */
  | { readonly is: 'fields'; readonly count: number; readonly text: string }
  /** A message that nobody asked for in this very request. */
  | { readonly is: 'push'; readonly items: readonly Reply[] };

export const OK: Reply = { is: 'status', text: 'OK' };
export const NULL: Reply = { is: 'null' };
export const NULL_ARRAY: Reply = { is: 'null array' };
export const NOTHING: Reply = { is: 'array', items: [] };

export const status = (text: string): Reply => ({ is: 'status', text });
/** `text` begins with its kind in capitals, such as `ERR`. */
export const error = (text: string): Reply => ({ is: 'error', text });
/** Of arguments that are nothing this command takes. */
export const SYNTAX_ERROR = error('ERR syntax error');
export const NOT_AN_INTEGER = error('ERR value is not an integer or out of range');
export const integer = (value: number): Reply => ({ is: 'integer', value });
export const bulk = (text: string): Reply => ({ is: 'bulk', text });
export const array = (items: readonly Reply[]): Reply => ({ is: 'array', items });
export const bulks = (texts: readonly string[]): Reply => array(texts.map(bulk));
export const map = (pairs: readonly (readonly [string, Reply])[]): Reply => ({ is: 'map', pairs });
/** The names that stand in every entry of `SENTINEL MASTERS`, of which there may be thousands. */
const WRITTEN_NAMES: ReadonlyMap<string, string> = new Map([
  'name', 'ip', 'port', 'runid', 'flags', 'link-pending-commands', 'link-refcount', 'last-ping-sent',
  'last-ok-ping-reply', 'last-ping-reply', 'down-after-milliseconds', 'info-refresh', 'role-reported',
  'role-reported-time', 'config-epoch', 'num-slaves', 'num-other-sentinels', 'quorum', 'failover-timeout',
  'parallel-syncs',
].map((name) => [name, bulkOf(name)]));
/** Every value of Sentinel's maps is a bulk string, numbers too. */
export function fields(pairs: readonly (readonly [string, string])[]): Reply {
  let text = '';
  for (const pair of pairs) text += (WRITTEN_NAMES.get(pair[0]) ?? bulkOf(pair[0])) + bulkOf(pair[1]);
  return { is: 'fields', count: pairs.length, text };
}
export const push = (items: readonly Reply[]): Reply => ({ is: 'push', items });

/** The bytes of a reply, as text in UTF-8. */
export function encode(reply: Reply, protocol: Protocol): string {
  switch (reply.is) {
    case 'status':
      return `+${oneLine(reply.text)}\r\n`;
    case 'error':
      return `-${oneLine(reply.text)}\r\n`;
    case 'integer':
      return `:${reply.value}\r\n`;
    case 'bulk':
      return bulkOf(reply.text);
    case 'null':
      return protocol === 3 ? '_\r\n' : '$-1\r\n';
    case 'null array':
      return protocol === 3 ? '_\r\n' : '*-1\r\n';
    case 'array':
      return several('*', reply.items, protocol);
    case 'push':
      return several(protocol === 3 ? '>' : '*', reply.items, protocol);
    case 'map':
      return reply.pairs.reduce(
        (text, [name, value]) => text + bulkOf(name) + encode(value, protocol),
        mapHead(reply.pairs.length, protocol),
      );
    case 'fields':
      return mapHead(reply.count, protocol) + reply.text;
  }
}

function mapHead(count: number, protocol: Protocol): string {
  return protocol === 3 ? `%${count}\r\n` : `*${count * 2}\r\n`;
}

function several(mark: string, items: readonly Reply[], protocol: Protocol): string {
  return items.reduce((text, item) => text + encode(item, protocol), `${mark}${items.length}\r\n`);
}

function bulkOf(text: string): string {
  return `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
}

/** A request that is quoted in an error must not be able to forge a second reply. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]/g, ' ');
}
