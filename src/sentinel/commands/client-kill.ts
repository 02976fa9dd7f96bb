/** `CLIENT KILL`, in its old form (an address) and its new one (filters), as Redis words both. */
import { refusedFromElsewhere } from '../call.ts';
import type { Answer, Call } from '../call.ts';
import type { Client } from '../client.ts';
import { OK, SYNTAX_ERROR, error, integer } from '../reply.ts';
import type { Reply } from '../reply.ts';

type Test = (client: Client, nowMs: number) => boolean;

const MS_PER_S = 1000;

/** Nobody here is a master or a replica of anybody. */
const TYPES: Readonly<Record<string, Test>> = {
  normal: ({ subscriptions }) => subscriptions === 0,
  pubsub: ({ subscriptions }) => subscriptions > 0,
  master: () => false,
  slave: () => false,
  replica: () => false,
};

/** The clients of this type, or the refusal of a type that does not exist. */
export function typeTest(type: string): Test | Reply {
  const test = Object.hasOwn(TYPES, type.toLowerCase()) ? TYPES[type.toLowerCase()] : undefined;
  return test ?? error(`ERR Unknown client type '${type}'`);
}

/** What one filter means, or the refusal of it. */
function filterOf({ client: self, house }: Call, name: string, value: string): Test | Reply {
  switch (name.toLowerCase()) {
    case 'id':
      if (!/^[1-9]\d{0,15}$/.test(value)) return error('ERR client-id should be greater than 0');
      return ({ id }) => String(id) === value;
    case 'addr':
      return ({ remote }) => remote === value;
    case 'laddr':
      return ({ local }) => local === value;
    case 'type':
      return typeTest(value);
    case 'user':
      if (!house.access.names.includes(value)) return error(`ERR No such user '${value}'`);
      return ({ user }) => user === value;
    case 'maxage':
      if (!/^[1-9]\d{0,9}$/.test(value)) return error('ERR maxage is not an integer or out of range');
      return ({ connectedAtMs }, nowMs) => nowMs - connectedAtMs >= Number(value) * MS_PER_S;
    case 'skipme':
      if (!/^(yes|no)$/i.test(value)) return SYNTAX_ERROR;
      return (client) => /^no$/i.test(value) || client !== self;
    default:
      return SYNTAX_ERROR;
  }
}

function end({ client: self, house }: Call, found: readonly Client[]): void {
  for (const client of found) {
    // Who ends itself is told so first.
    if (client === self) client.leaving = true;
    else house.disconnect(client);
  }
}

export function kill(call: Call): Answer {
  const { args, client: self, house } = call;
  const refused = refusedFromElsewhere(call, 'client|kill');
  if (refused !== null) return refused;
  const all = [...house.clients.values()];
  if (args.length === 3) {
    const found = all.filter(({ remote }) => remote === args[2]);
    end(call, found);
    return found.length > 0 ? OK : error('ERR No such client');
  }
  const given = args.slice(2);
  if (given.length % 2 !== 0) return SYNTAX_ERROR;
  const tests: Test[] = given.some((name, at) => at % 2 === 0 && /^skipme$/i.test(name)) ? [] : [(one) => one !== self];
  for (let at = 0; at < given.length; at += 2) {
    const test = filterOf(call, given[at] ?? '', given[at + 1] ?? '');
    if (typeof test !== 'function') return test;
    tests.push(test);
  }
  const nowMs = house.now();
  const found = all.filter((client) => tests.every((test) => test(client, nowMs)));
  end(call, found);
  return integer(found.length);
}
