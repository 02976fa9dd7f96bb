/** Assertions of the core: a broken one means a bug, after which no decision of this process can be trusted. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** Throws `InvariantError`; the agent then gives up mastership and crashes. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
