/** `dictator config example`: a configuration to start from. */
import { EXIT } from '../../contract/errors.ts';
import type { Verb } from '../verb.ts';

/** The same bytes as packaging/dictator.conf.example; a test compares. */
const EXAMPLE = `{
  "svc_name": "local",
  "log_level": "INFO",
  "http_port": 8000,
  "zk_hosts": ["localhost:2181"],
  "node": {
    "name": "local",
    "host": "localhost",
    "port": 6379,
    "loading_timeout": 30
  }
}
`;

export const configExample: Verb = {
  name: 'config example',
  group: 'Set up',
  args: '',
  argsMin: 0,
  argsMax: 0,
  summary: 'a configuration to start from',
  details: [
    'svc_name, node.name, node.host and zk_hosts are yours to set; docs/configuration.md describes every key.',
  ],
  flags: [],
  examples: ['dictator config example > dictator.conf'],
  run({ io }) {
    io.stdout(EXAMPLE);
    return EXIT.done;
  },
};
