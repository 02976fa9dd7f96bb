/**
 * Orders that the command line itself stores in the ensemble, as an agent would store them: any host that reaches it
 * can give them, for every service of it, and the result is there whoever dies on the way.
 *
 * What is written is the order, the pause, and the result of an order that is taken back; nothing else. Each write is
 * checked against what was read, so two operators at once cannot both succeed.
 */
import { randomBytes } from 'node:crypto';
import type { OperationRequest, OperationResult } from '../../contract/operations.ts';
import { ORDER_WITHIN_MS, RESULTS_MAX } from '../../core/operations/records.ts';
import type { OrderRecord } from '../../core/operations/records.ts';
import { orderOf, whyNotStored } from '../../core/operations/request.ts';
import { encodeRecord } from '../../records/codec.ts';
import { servicePaths } from '../../records/paths.ts';
import { isZooKeeperError } from '../../zookeeper/index.ts';
import { RACED } from '../ensemble.ts';
import type { Ensemble, Stamped } from '../ensemble.ts';
import { unlessSilent } from '../facts.ts';
import type { Io } from '../io.ts';
import type { Desk, Ended, WantedOrder, WantedPause } from './desk.ts';

/** Between two looks for the result: a switchover takes some ten milliseconds. */
const LOOK_EVERY_MS = 25;
/** An agent begins an order within its deadline or ends it; a little later nobody will. */
const BEGIN_WAIT_MS = ORDER_WITHIN_MS + 2000;
/** From giving it to its result, at the longest: agents end what somebody left behind some 20 s after it was given. */
const RESULT_WAIT_MS = 40_000;
/** How often a write is tried again that somebody else's came before. */
const TRIES_MAX = 5;
const ID_BYTES = 6;

export class EnsembleDesk implements Desk {
  readonly #ensemble: Ensemble;
  readonly #service: string;
  readonly #io: Pick<Io, 'clock' | 'whoami'>;

  constructor(ensemble: Ensemble, service: string, io: Pick<Io, 'clock' | 'whoami'>) {
    this.#ensemble = ensemble;
    this.#service = service;
    this.#io = io;
  }

  async give(wanted: WantedOrder): Promise<Ended> {
    const request: OperationRequest = {
      from: null,
      scheduledAt: null,
      force: false,
      ...wanted,
      id: `cli-${randomBytes(ID_BYTES).toString('hex')}`,
      asker: this.#io.whoami,
      askedAt: Math.round(this.#io.clock.wallNow()),
    };
    const records = await unlessSilent(() => this.#ensemble.read(this.#service, 'all'));
    if (records === null) return { ended: 'not_given', code: 'ensemble_unreachable' };
    const reason = whyNotStored(records, request);
    if (reason !== null) return { ended: 'refused', reason };
    const { order: path } = servicePaths(this.#service);
    const written = await this.#try([{ op: 'create', path, data: encodeRecord(orderOf(records, request)) }]);
    if (written === 'raced') return { ended: 'refused', reason: 'operation_running' };
    return this.#resultOf(request, written === 'done');
  }

  /** `isStored`: false where the ensemble fell silent while it took the order. */
  async #resultOf({ id, scheduledAt }: OperationRequest, isStored: boolean): Promise<Ended> {
    const beganMs = this.#io.clock.now();
    for (let stored = isStored; ;) {
      const seen = await unlessSilent(() => this.#ensemble.operations(this.#service));
      const result = seen?.results?.value.list.find((each) => each.id === id);
      if (result !== undefined) return { ended: 'result', result };
      const standing = seen?.order?.value.id === id ? seen.order : null;
      if (standing !== null) stored = true;
      if (standing !== null && scheduledAt !== null) return { ended: 'scheduled', id };
      if (seen !== null && standing === null) {
        // The order is read before the results, so one that is gone from both was never stored, or long ago.
        return stored ? unknown('its record is gone') : { ended: 'not_given', code: 'ensemble_unreachable' };
      }
      const waitedMs = this.#io.clock.now() - beganMs;
      const isLate = standing?.value.phase === 'waiting' && waitedMs > BEGIN_WAIT_MS;
      if (isLate && await this.#takeBack(standing, 'refused')) return { ended: 'not_taken' };
      if (waitedMs > RESULT_WAIT_MS) return unknown(seen === null ? 'the ensemble is silent' : 'it is still running');
      await new Promise<void>((resolve) => this.#io.clock.after(LOOK_EVERY_MS, resolve));
    }
  }

  async cancel(): Promise<Ended> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const seen = await unlessSilent(() => this.#ensemble.operations(this.#service));
      if (seen === null) return { ended: 'not_given', code: 'ensemble_unreachable' };
      if (seen.order === null) return { ended: 'refused', reason: 'no_operation' };
      if (seen.order.value.phase === 'running') return { ended: 'refused', reason: 'operation_running' };
      if (await this.#takeBack(seen.order, 'cancelled')) return { ended: 'done' };
    }
    return unknown('others write at the same time');
  }

  /** Deletes an order that nobody began, in the version that was read, and writes its result. */
  async #takeBack(order: Stamped<OrderRecord>, outcome: 'cancelled' | 'refused'): Promise<boolean> {
    const seen = await unlessSilent(async () => ({
      records: await this.#ensemble.read(this.#service, 'summary'),
      results: (await this.#ensemble.operations(this.#service)).results,
    }));
    if (seen === null) return false;
    const { id, kind, target, asker } = order.value;
    const result: OperationResult = {
      id, kind, target, asker, outcome,
      epoch: seen.records.term?.value.epoch ?? 0,
      reason: outcome === 'refused' ? 'order_expired' : null,
      gapMs: null,
      master: seen.records.lease?.value.node ?? null,
      endedAt: Math.round(this.#io.clock.wallNow()),
    };
    const paths = servicePaths(this.#service);
    const list = [...(seen.results?.value.list ?? []), result].slice(-RESULTS_MAX);
    return await this.#try([
      { op: 'delete', path: paths.order, version: order.version },
      putOp(paths.results, encodeRecord({ list }), seen.results?.version ?? null),
    ]) === 'done';
  }

  async pause({ owner, reason, forMs }: WantedPause): Promise<Ended> {
    const since = Math.round(this.#io.clock.wallNow());
    const data = encodeRecord({ owner, reason, since, until: since + forMs, forMs });
    return this.#change((path, version) => [putOp(path, data, version)]);
  }

  resume(): Promise<Ended> {
    return this.#change((path, version) => version === null ? null : [{ op: 'delete', path, version }]);
  }

  /** Writes the pause in the version that was read; null: there is nothing to write. */
  async #change(opsOf: (path: string, version: number | null) => Parameters<Ensemble['transact']>[0] | null) {
    const { pause: path } = servicePaths(this.#service);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const seen = await unlessSilent(async () => ({ version: await this.#ensemble.versionOf(path) }));
      if (seen === null) return { ended: 'not_given', code: 'ensemble_unreachable' } as const;
      const ops = opsOf(path, seen.version);
      if (ops === null) return { ended: 'done' } as const;
      const written = await this.#try(ops);
      if (written === 'done') return { ended: 'done' } as const;
      if (written === 'silent') return unknown('the ensemble fell silent');
    }
    return { ended: 'refused', reason: 'pause_replaced' } as const;
  }

  async #try(ops: Parameters<Ensemble['transact']>[0]): Promise<'done' | 'raced' | 'silent'> {
    try {
      return (await unlessSilent(() => this.#ensemble.transact(ops).then(() => 'done' as const))) ?? 'silent';
    } catch (error) {
      if (RACED.some((code) => isZooKeeperError(error, code))) return 'raced';
      throw error;
    }
  }
}

const unknown = (why: string): Ended => ({ ended: 'unknown', why });

export function putOp(path: string, data: string, version: number | null): Parameters<Ensemble['transact']>[0][number] {
  return version === null ? { op: 'create', path, data } : { op: 'setData', path, data, version };
}
