/** `dictator haproxy [SERVICE...]`: a configuration of HAProxy that follows the masters of services. */
import { EXIT } from '../../contract/errors.ts';
import type { ExitCode } from '../../contract/errors.ts';
import type { Ensemble } from '../ensemble.ts';
import { unlessSilent } from '../facts.ts';
import { balancedOf, PORTS_PER_SERVICE, renderHaproxy } from '../haproxy.ts';
import type { Balanced } from '../haproxy.ts';
import { looking } from '../look.ts';
import { withProgress } from '../progress.ts';
import { report } from '../report.ts';
import { printable } from '../terminal.ts';
import type { Call, Verb } from '../verb.ts';

const FIRST_PORT = 16379;
const PORT_MAX = 65_535;
const SERVICES_MAX = 1000;

export const haproxy: Verb = {
  name: 'haproxy',
  group: 'Set up',
  args: '[SERVICE...]',
  argsMin: 0,
  argsMax: SERVICES_MAX,
  summary: 'a configuration of HAProxy: writes to the master',
  details: [
    'Every service gets two ports, from --port on (16379): writes, which go to the master, then reads, which go to its '
    + 'replicas, and to the master while there is none. Checks ask the agents. Without SERVICE: all services of the '
    + 'ensemble, by name; name them to keep their ports when another one comes.',
    'The configuration goes to stdout. What is missing in it stands there as a comment, and on stderr.',
  ],
  flags: ['config', 'zk', 'port'],
  examples: ['dictator haproxy cache > /etc/haproxy/haproxy.cfg', 'dictator haproxy cache sessions --port 7000'],
  run(call) {
    const { flags, io } = call;
    const text = flags.text('port') ?? String(FIRST_PORT);
    const firstPort = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (firstPort >= 1 && firstPort <= PORT_MAX) return configure(firstPort, call);
    return report({ code: 'usage', details: [`--port needs a number from 1 to ${PORT_MAX}`] }, io);
  },
};

function configure(firstPort: number, call: Call): Promise<ExitCode> {
  return looking(call, async ({ ensemble, silence }) => {
    const { args, io } = call;
    if (ensemble === null) return report(silence, io);
    const read = unlessSilent(() => readServices(ensemble, args));
    const services = await withProgress('reading the ensemble', io, read);
    return services === null ? report(silence, io) : print(services, firstPort, call);
  });
}

async function readServices(ensemble: Ensemble, named: readonly string[]): Promise<readonly Balanced[]> {
  const services = named.length > 0 ? [...new Set(named)] : await ensemble.services();
  return (await Promise.all(services.map((service) => ensemble.read(service, 'all')))).map(balancedOf);
}

function print(services: readonly Balanced[], firstPort: number, { io }: Call): ExitCode {
  const unknown = services.filter(({ servers, missing }) => servers.length + missing.length === 0);
  if (unknown.length > 0) {
    return report({ code: 'service_unknown', details: unknown.map(({ service }) => service) }, io);
  }
  if (firstPort + services.length * PORTS_PER_SERVICE - 1 > PORT_MAX) {
    return report({ code: 'usage', details: [`${services.length} services need more ports than there are`] }, io);
  }
  for (const { service, missing } of services) {
    for (const each of missing) io.stderr(`dictator: left out of ${printable(service)}: ${printable(each)}\n`);
  }
  io.stdout(renderHaproxy(services, firstPort));
  return EXIT.done;
}
