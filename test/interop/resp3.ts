/** Reads replies of RESP3, maps as maps. It shares nothing with what writes them. */
export type Reply = string | number | null | Error | readonly Reply[] | ReadonlyMap<Reply, Reply>;

export interface Read {
  readonly reply: Reply;
  /** Where the next one begins. */
  readonly next: number;
}

/** The first reply from `start` in this text, of characters of one byte each; null while it is not whole. */
export function readReply(text: string, start = 0): Read | null {
  const end = text.indexOf('\r\n', start);
  if (end < 0) return null;
  const head = text.slice(start + 1, end);
  const next = end + 2;
  switch (text.charAt(start)) {
    case '+': return { reply: head, next };
    case '-': return { reply: new Error(head), next };
    case ':': return { reply: Number(head), next };
    case '_': return { reply: null, next };
    case '$': return readBulk(text, next, Number(head));
    case '*': return readItems(text, next, Number(head));
    case '%': return readMap(text, next, Number(head));
    default: throw new Error(`not a reply of RESP3: ${JSON.stringify(text.slice(start, end))}`);
  }
}

function readBulk(text: string, start: number, length: number): Read | null {
  const end = start + length;
  return text.length < end + 2 ? null : { reply: text.slice(start, end), next: end + 2 };
}

function readItems(text: string, start: number, count: number): { reply: Reply[]; next: number } | null {
  const items: Reply[] = [];
  let next = start;
  while (items.length < count) {
    const read = readReply(text, next);
    if (read === null) return null;
    items.push(read.reply);
    next = read.next;
  }
  return { reply: items, next };
}

function readMap(text: string, start: number, count: number): Read | null {
  const read = readItems(text, start, count * 2);
  if (read === null) return null;
  const map = new Map<Reply, Reply>();
  for (const [index, value] of read.reply.entries()) {
    if (index % 2 === 1) map.set(read.reply[index - 1] ?? null, value);
  }
  return { reply: map, next: read.next };
}
