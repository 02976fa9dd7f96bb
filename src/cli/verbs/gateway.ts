/** `dictator gateway`: the Sentinel protocol for every service, on a host without a Redis. */
import { EXIT } from '../../contract/errors.ts';
import { configure } from '../configuration.ts';
import { tuneForSmallFootprint } from '../engine.ts';
import { openLog } from '../../log/open-log.ts';
import { report } from '../report.ts';
import type { Verb } from '../verb.ts';

export const gateway: Verb = {
  name: 'gateway',
  group: 'Set up',
  args: '',
  argsMin: 0,
  argsMax: 0,
  summary: 'the Sentinel protocol for every service',
  details: [
    'Runs until SIGTERM or SIGINT, on a host that only asks who is master: the Sentinel port of agents, from the '
    + 'records in ZooKeeper. It writes nothing there. Of the configuration it reads zk_hosts, zk_session_timeout_ms, '
    + 'http_port, http_host, log_level and sentinel.*; of sentinel.services the default is ["*"] here.',
    'The Sentinel port opens when all services are known. /liveness and /readiness are on http_port.',
  ],
  flags: ['config', 'log-level'],
  examples: ['dictator gateway --config /etc/dictator/gateway.conf'],
  async run({ flags, io }) {
    const configured = configure({ config: flags.text('config'), logLevel: flags.text('log-level') }, io);
    if (!configured.ok) return configured.exitCode;
    for (const warning of configured.warnings) io.stderr(`dictator: warning: ${warning}\n`);
    const { config } = configured;
    if (config.sentinel === null) {
      const details = ['sentinel.port is "off", and a gateway has no other'];
      return report({ code: 'config_invalid', details }, io);
    }
    const log = openLog(config.logLevel, io.env);
    try {
      tuneForSmallFootprint();
      const { runGateway } = await import('../gateway.ts');
      await runGateway(config, config.sentinel, log, io);
      return EXIT.done;
    } finally {
      log.close();
    }
  },
};
