/** What `dictator help` prints: everything needed to start, on one screen. */
export const HELP = `Dictator keeps a Redis service writable: one agent beside each server.
They elect a master through ZooKeeper, promote it, and fence the others.

Usage:
  dictator [--config FILE] [--log-level LEVEL]      run the agent of this node
  dictator bootstrap --master NAME [--config FILE]  decide whose data is right,
                                                    where the agents may not
  dictator version                                  version and revision
  dictator help                                     this text

Options:
  --config FILE      configuration, JSON; every key has a default
  --log-level LEVEL  DEBUG, INFO, WARN or FATAL; wins over the file
  --master NAME      node.name of the node that becomes master

A single dash works as well (-config FILE, -config=FILE). Every key can come
from the environment: node.port is DICTATOR_NODE_PORT, the file DICTATOR_CONFIG.
The agent logs to stderr. SIGTERM or SIGINT stops it in order, a second one at
once.

Exit codes: 0 done, 1 failed, 2 usage, 3 refused, 5 outcome unknown,
78 faulty configuration.
`;
