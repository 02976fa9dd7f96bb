/** What a health check that is answered with 503 names: one word of a closed list, explained in docs/http.md. */
export const HEALTH_FAULTS = {
  redis_down: 'its Redis does not answer, or has not loaded its dataset yet',
  not_primary: 'it is not the master, or cannot be sure at this moment that it still is',
  is_primary: 'it is the master, and the check asks for a replica',
  not_following: 'its Redis does not replicate from the present master, or the link is down',
  not_in_sync: 'it is not in the in-sync set',
  left_alone: 'an operator disabled it or keeps readers away (no_read), or it is about to stop',
  lag_unknown: 'how far it is behind is not known yet',
  lag_too_high: 'it is farther behind than the check allows',
  tag_differs: 'it has not the tag that the check asks for',
  agent_stuck: 'its agent has decided nothing for a session timeout',
  services_unknown: 'a gateway has not read all services yet, or ZooKeeper does not vouch for what it read',
} as const satisfies Record<string, string>;

export type HealthFault = keyof typeof HEALTH_FAULTS;
