/** Commands about one master, which they name behind their own two words. */
import type { Served } from '../book.ts';
import type { Answer, Call } from '../call.ts';
import { error } from '../reply.ts';

export const NO_SUCH_MASTER = error('ERR No such master with that name');

/** Runs `then` for a name that is answered for. */
export const ofMaster = (then: (call: Call, named: Served) => Answer) => (call: Call): Answer => {
  const name = call.args[2] ?? '';
  const picture = call.house.find(name);
  return picture === null ? NO_SUCH_MASTER : then(call, { name, picture });
};
