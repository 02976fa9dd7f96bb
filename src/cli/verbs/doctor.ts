/** `dictator doctor`: is everything set up so that the promises hold? Each finding with its severity and what to do. */
import { EXIT } from '../../contract/errors.ts';
import type { ExitCode } from '../../contract/errors.ts';
import { examine } from '../doctor/checks.ts';
import { FINDINGS } from '../doctor/findings.ts';
import type { Finding } from '../doctor/findings.ts';
import { gather } from '../doctor/gather.ts';
import { configureLooking } from '../configuration.ts';
import { withProgress } from '../progress.ts';
import { SEVERITY_STYLE } from '../render-situations.ts';
import { report } from '../report.ts';
import type { Severity } from '../situations.ts';
import { painter, printable, printJson, wrapped } from '../terminal.ts';
import type { Paint } from '../terminal.ts';
import type { Verb } from '../verb.ts';

const WIDTH = 80;

export const doctor: Verb = {
  name: 'doctor',
  group: 'Understand',
  args: '',
  argsMin: 0,
  argsMax: 0,
  summary: 'checks this node: settings, reach, clocks',
  details: [
    'Run it on the node, with its configuration. It looks at the configuration, the ensemble, the Redis of this node '
    + '(settings, and what its file says of the next start), the other nodes as reached from here and as they reach '
    + 'this one, the rates of all clocks, and the versions. It changes nothing and takes about two seconds.',
    'Exit code 1 with an error, 78 with a faulty configuration, else 0; with --strict a warning is an error.',
  ],
  flags: ['config', 'json', 'strict'],
  examples: ['dictator doctor', 'dictator doctor --strict --json'],
  async run({ flags, io }) {
    const configured = configureLooking(flags.text('config'), io);
    if (!configured.ok) return configured.exitCode;
    const findings = examine(await withProgress('examining', io, gather(configured, io)));
    if (flags.on('json')) printJson({ v: 1, findings: findings.map(asJson) }, io);
    else io.stdout(renderFindings(findings, painter(io)));
    return exitCodeOf(findings, flags.on('strict'), (details) => report({ code: 'unhealthy', details }, io));
  },
};

const asJson = ({ code, about }: Finding) => ({ code, severity: FINDINGS[code].severity, about });

const countOf = (findings: readonly Finding[], severity: Severity): number =>
  findings.filter(({ code }) => FINDINGS[code].severity === severity).length;

/** An error is one, and with `strict` a warning is as well. */
export function exitCodeOf(
  findings: readonly Finding[],
  strict: boolean,
  failed: (details: readonly string[]) => ExitCode,
): ExitCode {
  const [errors, warnings] = [countOf(findings, 'error'), countOf(findings, 'warning')];
  return errors > 0 || (strict && warnings > 0) ? failed([summaryOf(errors, warnings)]) : EXIT.done;
}

const summaryOf = (errors: number, warnings: number): string => `errors: ${errors}, warnings: ${warnings}`;

export function renderFindings(findings: readonly Finding[], paint: Paint): string {
  if (findings.length === 0) return `${paint('green', 'ok')}  nothing to correct\n`;
  const shown = findings.map(({ code, about }) => {
    const { severity, what, fix } = FINDINGS[code];
    const head = `${paint(SEVERITY_STYLE[severity], severity)}  ${paint('bold', code)}\n`;
    const detail = about === '' ? '' : `    - ${printable(about)}\n`;
    return `${head}${wrapped(what, WIDTH, '    ')}${detail}${wrapped(`Fix: ${fix}`, WIDTH, '    ')}`;
  });
  return shown.join('\n');
}
