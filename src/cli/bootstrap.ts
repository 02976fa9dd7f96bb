/**
 * `dictator bootstrap --master NAME`: the operator decides whose data is right, when two servers hold unrelated data
 * and no agent may. The order goes to the agent of this node, which carries it out or says why not.
 */
import { EXIT } from '../contract/errors.ts';
import type { ExitCode } from '../contract/errors.ts';
import { configure } from './configuration.ts';
import type { Io } from './io.ts';
import { order, targetOf } from './order.ts';
import { report } from './report.ts';

export interface BootstrapOptions {
  /** `node.name` of the node that becomes master. */
  readonly master: string;
  readonly config: string | undefined;
}

export async function bootstrap({ master, config }: BootstrapOptions, io: Io): Promise<ExitCode> {
  const configured = configure({ config }, io);
  if (!configured.ok) return configured.exitCode;
  const result = await order(targetOf(configured.config), `/v1/bootstrap?master=${encodeURIComponent(master)}`);
  if (!result.ok) return report(result.failure, io);
  io.stdout(`${master} is the master of ${configured.config.svcName}\n`);
  return EXIT.done;
}
