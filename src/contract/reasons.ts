/**
 * Reason codes: why the agent does not act, or what an operator has to decide (invariant I9).
 *
 * A closed list. Every refusal carries one of these codes in the log, over HTTP and on the command line; `what`
 * says what was found, `next` what to do about it. `docs/reasons.md` lists the same codes; a test compares them.
 */
export interface Reason {
  /** What the agent found. */
  readonly what: string;
  /** What the reader can do. */
  readonly next: string;
}

export const REASONS = {
  zookeeper_unreachable: {
    what: 'No server of the ensemble answers.',
    next: 'Check zk_hosts, the ensemble and the network. The agent keeps trying.',
  },
  redis_unreachable: {
    what: 'The Redis of this node does not accept connections.',
    next: 'Start it, or correct node.host and node.port. The agent keeps trying every 10 ms.',
  },
  redis_hung: {
    what: 'The Redis of this node did not answer within down_after_ms.',
    next: 'Look for a blocking command, CLIENT PAUSE, swapping or a stopped process.',
  },
  proc_not_trusted: {
    what: 'fence_by_kill is on, but /proc does not prove which process the Redis of this node is.',
    next: 'Run agent and Redis in the same namespaces and as the same user, or set fence_by_kill to false.',
  },
  redis_refuses_writes: {
    what: 'The Redis of this node refuses every write for a reason of its own (MISCONF): a save or its AOF failed.',
    next: 'Free its disk or correct its directory. A master hands over after unwritable_after_ms if that helps.',
  },
  no_better_replica: {
    what: 'The Redis of this master refuses every write, and no in-sync replica is better off.',
    next: 'Free the disk of one of them, or CONFIG SET stop-writes-on-bgsave-error no.',
  },
  rescue_running: {
    what: 'This node holds data that the master does not have, and copies it before it follows.',
    next: 'Wait; rescue.timeout_ms bounds it. The view shows the copy when it is there.',
  },
  rescue_failed: {
    what: 'Data that the master does not have could not be copied, and rescue.mode is "require".',
    next: 'Make room in rescue.dir, or set rescue.mode to "on" to give the data up. The log says what failed.',
  },
  redis_loading: {
    what: 'The Redis of this node is loading its dataset.',
    next: 'Wait, up to node.loading_timeout seconds.',
  },
  loading_timeout: {
    what: 'The Redis of this node has been loading for longer than node.loading_timeout.',
    next: 'Raise node.loading_timeout if the dataset needs longer; the node takes part again when it is loaded.',
  },
  redis_auth_failed: {
    what: 'The Redis of this node refuses our user name or password.',
    next: 'Correct node.username, node.password or node.password_file.',
  },
  redis_command_refused: {
    what: 'Redis refused a command that the agent needs.',
    next: 'Give the agent an ACL user that may run the commands named in docs/operations.md.',
  },
  cluster_mode: {
    what: 'The Redis of this node runs in cluster mode.',
    next: 'Use a server with cluster-enabled no. Nothing was touched.',
  },
  active_replica: {
    what: 'The server of this node is a KeyDB with active-replica on.',
    next: 'Turn active-replica off. Nothing was touched.',
  },
  redis_too_old: {
    what: 'The Redis of this node is older than 6.2.',
    next: 'Upgrade Redis. Nothing was touched.',
  },
  duplicate_node_name: {
    what: 'Another live agent of this service has the same node name.',
    next: 'Give every node its own node.name. Nothing was touched.',
  },
  duplicate_run_id: {
    what: 'node.host and node.port lead to the Redis of another node.',
    next: 'Correct node.host and node.port. Nothing was touched.',
  },
  loopback_host: {
    what: 'node.host is a loopback address while other members live on other hosts.',
    next: 'Set node.host to the address that the other hosts reach.',
  },
  foreign_master_record: {
    what: 'The master record belongs to a session that is not the lease holder.',
    next: 'An original agent still serves this service: disable it when you are ready to move.',
  },
  conflicting_datasets: {
    what: 'Two servers hold unrelated data and no term says which one is right.',
    next: 'Run: dictator bootstrap --master NAME',
  },
  foreign_dataset: {
    what: 'This Redis holds data that is not of the lineage of the service.',
    next: 'Save what you need of it, then empty it (FLUSHALL), or start the agent with another svc_name.',
  },
  no_promotable_replica: {
    what: 'There is no master and no member of the in-sync set can be promoted.',
    next: 'Bring back a node of the in-sync set named in the term.',
  },
  not_in_sync: {
    what: 'This node is not in the in-sync set and may not be promoted.',
    next: 'Wait until it follows the master with its link up.',
  },
  priority_zero: {
    what: 'The priority of this node is 0: it is never promoted.',
    next: 'Change node.priority or replica-priority if it should be.',
  },
  node_disabled: {
    what: 'This node was disabled by an operator.',
    next: 'Call /enable when it should take part again.',
  },
  agent_stopping: {
    what: 'The agent of this node is being stopped.',
    next: 'Nothing; the node takes part again when its agent is started.',
  },
  awaiting_ballots: {
    what: 'Live members of the in-sync set have not voted yet.',
    next: 'Wait, up to election_settle_ms.',
  },
  awaiting_winner: {
    what: 'Another node won the election and has not claimed its lease.',
    next: 'Look at the agent of that node. Where there was a term, the next best one claims after election_settle_ms.',
  },
  failover_backoff: {
    what: 'Masters fell one after the other; the next failover is put off, for longer each time, up to 30 s.',
    next: 'Find what kills them (a write, the memory). The view says when it goes on: failover.resumesInMs.',
  },
  awaiting_session_end: {
    what: 'An agent that does not answer has a session that has not expired yet.',
    next: 'Wait for the ZooKeeper session timeout; its death could not be proved.',
  },
  awaiting_recovery: {
    what: 'No node that could take over kept its data in memory; not all are back, or one hangs that may have kept it.',
    next: 'Start the others. After recovery_grace_ms the best of those that are back with data is promoted.',
  },
  nothing_recoverable: {
    what: 'No node that could take over came back with data, and a registered node that may have some is away.',
    next: 'Bring back a node that has data, or decide which one is right: dictator bootstrap --master NAME',
  },
  durability_unproved: {
    what: 'Too few nodes prove what they hold: a failover could lose writes that WAIT confirmed.',
    next: 'Bring back registered nodes whose Redis did not restart, or decide: dictator bootstrap --master NAME',
  },
  awaiting_registration: {
    what: 'In durable mode a node may not follow before the master has registered it.',
    next: 'Wait. If it lasts, look at the reasons of the master.',
  },
  awaiting_bootstrap: {
    what: 'The first start waits for the expected nodes, or for bootstrap_settle_ms.',
    next: 'Wait, or start the other nodes.',
  },
  cannot_fence_busy: {
    what: 'A script that cannot be killed keeps Redis from being fenced.',
    next: 'End the script (SCRIPT KILL or SHUTDOWN NOSAVE).',
  },
  cannot_replicate: {
    what: 'The Redis of this node cannot replicate from the master, whose agent and Redis are well.',
    next: 'Check the network between the two servers, maxclients and the password for replication.',
  },
  replicas_cut_off: {
    what: 'A majority of the registered replicas cannot replicate from this master.',
    next: 'It hands over to a replica in sync; with none it stays. Check the network between the servers.',
  },
  no_successor: {
    what: 'This node gave up mastership, and no other node can take it.',
    next: 'Redis stays writable. Bring a replica up, or enable this node.',
  },
  record_unreadable: {
    what: 'A record in ZooKeeper is not ours or not valid.',
    next: 'Look at the named path; it is ignored.',
  },
  record_newer: {
    what: 'A record was written by a newer version.',
    next: 'Upgrade this agent; the record is read but never rewritten.',
  },
  zone_excluded: {
    what: 'This node stands in a zone from which the settings of the service promote nobody by itself.',
    next: 'Name it in a switchover or failover, or change zones (dictator settings set zones=...).',
  },
  awaiting_sync_slot: {
    what: 'As many replicas as parallel_syncs allows are in a full sync; this one waits for its turn.',
    next: 'Wait, or raise parallel_syncs (dictator settings set parallel_syncs=...).',
  },
  redis_parameter_refused: {
    what: 'Redis refused a parameter that the settings of the service give to all nodes.',
    next: 'The event parameters_applied names it: correct it or take it away (dictator settings set redis.NAME=).',
  },
  settings_changed: {
    what: 'Somebody else changed the settings of the service since they were read. Nothing was changed.',
    next: 'Look at them again (dictator settings show), and repeat the change if it is still wanted.',
  },
  setting_differs: {
    what: 'The configuration of this node differs from the settings of the service, which are obeyed.',
    next: 'Make durability, wait_replicas, on_ensemble_loss and priority_lag_bytes the same on all nodes.',
  },
  unregistered_replica: {
    what: 'A replica without an agent of this service is attached to the master.',
    next: 'Start an agent beside it, or detach it.',
  },
  starts_writable: {
    what: 'Redis was restarted and took writes at once, before the agent could fence it. A hint: nothing waits for it.',
    next: 'Start Redis with min-replicas-to-write 1; the hint ends with the next restart.',
  },
  slow_ensemble_detection: {
    what: 'syncLimit x tickTime of the ensemble exceeds twice the session timeout.',
    next: 'Lower syncLimit, or raise zk_session_timeout_ms.',
  },
  master_exists: {
    what: 'The service has a master.',
    next: 'Nothing has to be decided; bootstrap is for a service that has none.',
  },
  unknown_member: {
    what: 'No live agent of this service has that node name.',
    next: 'Start the agent of that node, or correct the name.',
  },
  better_candidate: {
    what: 'Another node holds more than this one, and could be master.',
    next: 'Let the election decide, order that node instead, or disable it if it is not to be master.',
  },
  loss_not_acknowledged: {
    what: 'This node may lack writes that were acknowledged, and the order does not accept that.',
    next: 'Bring back a node that has them, or repeat the order with the acknowledgement of loss.',
  },
  dataset_incomplete: {
    what: 'The Redis of this node was interrupted in the middle of a full sync: its dataset may be half of one.',
    next: 'Wait for a master to follow, or restart this Redis, which loads what its disk kept.',
  },
  failsafe_promised: {
    what: 'This node promised to keep out of elections, or may have before its agent was restarted.',
    next: 'Wait, at most failsafe_promise_ms; the promise ends by itself.',
  },
  failsafe_refused: {
    what: 'The ensemble is silent, and not every registered node promised to keep out of elections.',
    next: 'Look at failsafe in /v1/view: who is missing, and why. Bring the ensemble or that node back.',
  },
  unconfirmed: {
    what: 'The ensemble is silent, a registered node did not promise, and on_ensemble_loss is continue.',
    next: 'Bring the ensemble back. Another master may exist where this node does not see it.',
  },
  agent_silent: {
    what: 'The agent of a registered node did not answer.',
    next: 'Start it, or repair the network. A node that is gone for good is forgotten while the ensemble answers.',
  },
  wrong_node: {
    what: 'The question was meant for another node or service.',
    next: 'Give every agent its own address (announce_http_host, http_port).',
  },
  later_epoch: {
    what: 'A later epoch than that of the asking master is known.',
    next: 'Nothing; that master fences its Redis and follows.',
  },
  contending: {
    what: 'That node takes part in an election.',
    next: 'Wait for the election to end.',
  },
  lease_ended: {
    what: 'The ensemble answers that node, and the asking master holds no lease in it.',
    next: 'Look why that master cannot reach the ensemble while others can.',
  },
  not_streaming: {
    what: 'The Redis of that node, which is in the in-sync set, does not stream from the asking master.',
    next: 'Look at the replication link of that node.',
  },
  not_lease_holder: {
    what: 'This node is not the master, and only the master changes which nodes are registered.',
    next: 'Call it on the master of the service.',
  },
  node_in_use: {
    what: 'The node to forget has a live agent, or is in the in-sync set.',
    next: 'Stop its agent and its Redis first.',
  },
  too_few_nodes: {
    what: 'So few nodes are registered that none may be forgotten.',
    next: 'Bring another node up first.',
  },
  no_master: {
    what: 'The service has no master that could hand over.',
    next: 'See why with /v1/view; a node can be made master by a failover order.',
  },
  master_differs: {
    what: 'Another node is master than the one that the order names.',
    next: 'Look who is master, and order again.',
  },
  target_is_master: {
    what: 'The node that the order names is the master.',
    next: 'Nothing has to be done, or name another node.',
  },
  unknown_node: {
    what: 'No node of the service has that name.',
    next: 'Correct the name; /v1/view lists the nodes.',
  },
  no_candidate: {
    what: 'No replica can take over without loss now.',
    next: 'Name one to learn why it cannot, or look at replicas in the /v1/view of the master.',
  },
  lag_too_high: {
    what: 'The replica is so far behind that the service would be without a master for too long.',
    next: 'Wait until it caught up, or look at its link.',
  },
  operation_running: {
    what: 'Another operation of the service stands: one at a time.',
    next: 'Wait for its result, or cancel it if it is scheduled.',
  },
  no_operation: {
    what: 'There is no such operation to take back.',
    next: 'Nothing has to be done.',
  },
  order_expired: {
    what: 'The order was not begun before its deadline, and is not carried out any more.',
    next: 'Look what kept it, and order again.',
  },
  epoch_passed: {
    what: 'The service has had another master since the order was given.',
    next: 'Look at the service, and order again if it is still wanted.',
  },
  target_lost: {
    what: 'The node that was to take over was lost on the way.',
    next: 'The result names the master. Look at that node before ordering again.',
  },
  switchover_running: {
    what: 'The master hands over to another node; everybody else keeps still for it.',
    next: 'Wait. If nobody takes over, the old master goes on, or an election follows.',
  },
  service_paused: {
    what: 'An operator paused the service: nobody is promoted or gives up by itself.',
    next: 'Wait for its end, or resume. The view says who paused it and why.',
  },
  pause_replaced: {
    what: 'Somebody else paused the service at the same time.',
    next: 'Look at pause in /v1/view, and order again if it is still wanted.',
  },
  last_in_sync: {
    what: 'The node is the only replica in sync: while it copies everything anew nobody could take over.',
    next: 'Bring another replica up first, or order it with force.',
  },
  resync_running: {
    what: 'The replica copies everything anew, and is not in sync again in the time that an order has. It goes on.',
    next: 'Wait until it is in sync (dictator show); a new order would begin from the start.',
  },
  agent_restarted: {
    what: 'The agent that began to carry the order out was restarted on the way.',
    next: 'Look at the service, and order again if it is still wanted.',
  },
  port_taken: {
    what: 'The HTTP port is taken by another program.',
    next: 'Free it or set http_port; the agent goes on and keeps trying.',
  },
  sentinel_port_taken: {
    what: 'The Sentinel port is taken by another program, or by another agent of this host.',
    next: 'Free it, or set sentinel.port ("off" where nobody asks there); the agent goes on and keeps trying.',
  },
  services_unwatched: {
    what: 'The ensemble does not tell of changes of other services: it is older than ZooKeeper 3.6, or forbids it.',
    next: 'Upgrade ZooKeeper to 3.6 or newer, or leave sentinel.services out. None of them is answered for until then.',
  },
  too_many_services: {
    what: 'The ensemble has more services than one Sentinel port answers for.',
    next: 'Name the wanted ones in sentinel.services, and start another gateway for the rest.',
  },
} as const satisfies Record<string, Reason>;

/** One of the closed list of reasons not to act. */
export type ReasonCode = keyof typeof REASONS;
