/**
 * Seeds that once found something, each with what it was. A seed is a whole history in a number, and as good only as
 * long as plans are drawn in the same way: what must stay for ever is kept as a plan (plans/) or a story (*.test.ts).
 */
export interface RegressionSeed {
  readonly seed: number;
  readonly sentence: string;
}

export const REGRESSION_SEEDS: readonly RegressionSeed[] = [
  { seed: 1, sentence: 'several elections in a row, each with its own master, and one again at the end' },
  { seed: 252, sentence: 'a candidate that may not stand follows an address where an older process comes back' },
  { seed: 30166, sentence: 'a replica copies the old file of a restarted master while its agent is away' },
  { seed: 30409, sentence: 'the last master is back with an old file while a replica in sync hangs with everything' },
  { seed: 31598, sentence: 'a full sync ends whole although its master is gone: what came is copied first' },
  { seed: 33376, sentence: 'a node is back empty after a twin on another host took its name' },
  { seed: 40293, sentence: 'an agent that finds its twin beside its restarted Redis leaves the fence to it' },
  { seed: 95, sentence: 'an agent that is told to take part before it has read the records believes an old pause' },
  { seed: 275, sentence: 'an order is refused before its asker hears that it was stored, and is stored again' },
  { seed: 495, sentence: 'an agent that was stopped finds a pause in its socket, and a heartbeat right behind it' },
  { seed: 1651, sentence: 'a switchover is given up and begun again, a hundred times a second' },
  { seed: 1871, sentence: 'a thawed Redis says that its link is up, until it sees that its master is another process' },
  { seed: 1803, sentence: 'a switchover is undone while nobody knows whether the lease was given away' },
];
