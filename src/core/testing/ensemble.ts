/** The ensemble as a model: records with versions and owners, each action one transaction or none. */
import type { Action } from '../actions.ts';
import type { OrderRecord } from '../operations/records.ts';
import { NO_RECORDS, withRead } from '../records.ts';
import type { Kept, RecordRead, Records, SettingsRecord } from '../records.ts';

export interface Writer {
  readonly name: string;
  readonly session: bigint;
}

type Transaction = Extract<Action, {
  kind:
    | 'write_member' | 'write_node' | 'cast_ballot' | 'withdraw_ballot' | 'write_term' | 'announce' | 'claim'
    | 'release' | 'store_order' | 'write_order' | 'end_order' | 'write_pause' | 'write_settings';
}>;

/** One change that a transaction wants to make; `null` where its condition does not hold. */
type Change = RecordRead | null;

export class Ensemble {
  records: Records = NO_RECORDS;
  private zxid = 0n;
  private sessions = 0n;
  /** One read that changed each record that somebody has not been told of, by its path. */
  private readonly unread = new Map<string, RecordRead>();
  /** While false every transaction fails, as with no quorum. */
  available = true;

  connect(): bigint {
    this.sessions += 1n;
    return this.sessions;
  }

  /** Everything as a newcomer reads it. */
  readAll(): readonly RecordRead[] {
    const { lease, term, masterRecord, settings, order, results, pause, changes } = this.records;
    const { members, nodes, ballots } = this.records;
    return [
      { record: 'lease', kept: lease },
      { record: 'term', kept: term },
      { record: 'masterRecord', kept: masterRecord },
      { record: 'settings', kept: settings },
      { record: 'order', kept: order },
      { record: 'results', kept: results },
      { record: 'pause', kept: pause },
      { record: 'changes', kept: changes },
      ...[...members].map(([name, kept]): RecordRead => ({ record: 'members', name, kept })),
      ...[...nodes].map(([name, kept]): RecordRead => ({ record: 'nodes', name, kept })),
      ...[...ballots].map(([name, kept]): RecordRead => ({ record: 'ballots', name, kept })),
    ];
  }

  leaseStat(): { readonly owner: bigint; readonly czxid: bigint } | null {
    const { lease } = this.records;
    return lease === null ? null : { owner: lease.znode.owner, czxid: lease.znode.czxid };
  }

  /** What stands now where something changed that not everybody was told of. */
  news(): readonly RecordRead[] {
    return [...this.unread.values()].map((read) => this.readAgain(read));
  }

  takeNews(): readonly RecordRead[] {
    const news = this.news();
    this.unread.clear();
    return news;
  }

  readAgain(read: RecordRead): RecordRead {
    switch (read.record) {
      case 'lease':
        return { record: 'lease', kept: this.records.lease };
      case 'term':
        return { record: 'term', kept: this.records.term };
      case 'masterRecord':
        return { record: 'masterRecord', kept: this.records.masterRecord };
      case 'settings':
        return { record: 'settings', kept: this.records.settings };
      case 'order':
        return { record: 'order', kept: this.records.order };
      case 'results':
        return { record: 'results', kept: this.records.results };
      case 'pause':
        return { record: 'pause', kept: this.records.pause };
      case 'changes':
        return { record: 'changes', kept: this.records.changes };
      case 'members':
        return { ...read, kept: this.records.members.get(read.name) ?? null };
      case 'nodes':
        return { ...read, kept: this.records.nodes.get(read.name) ?? null };
      case 'ballots':
        return { ...read, kept: this.records.ballots.get(read.name) ?? null };
    }
  }

  /** Everything is forgotten; nobody is told who does not look again. */
  wipe(): void {
    this.records = NO_RECORDS;
    this.unread.clear();
  }

  expire(session: bigint): void {
    for (const read of this.readAll()) {
      if (read.kept?.znode.owner === session) this.apply({ ...read, kept: null });
    }
  }

  /** All changes of an action, or none. */
  commit(action: Transaction, by: Writer): boolean {
    const changes = this.changesOf(action, by);
    if (!this.available || changes.includes(null)) return false;
    this.zxid += 1n;
    for (const change of changes) if (change !== null) this.apply(change);
    return true;
  }

  private apply(change: RecordRead): void {
    this.records = withRead(this.records, change);
    this.unread.set('name' in change ? `${change.record}/${change.name}` : change.record, change);
  }

  private fresh<V>(value: V, owner: bigint): Kept<V> {
    return { value, znode: { version: 0, owner, czxid: this.zxid + 1n, format: 1 } };
  }

  private put<V>(before: Kept<V> | null, value: V, version: number | null): Kept<V> | null {
    if (version === null) return before === null ? this.fresh(value, 0n) : null;
    if (before?.znode.version !== version) return null;
    return { value, znode: { ...before.znode, version: version + 1 } };
  }

  private putOwn<V>(before: Kept<V> | null, value: V, at: { exists: boolean; session: bigint }): Kept<V> | null {
    if (!at.exists) return before === null ? this.fresh(value, at.session) : null;
    return before === null ? null : { value, znode: { ...before.znode, version: before.znode.version + 1 } };
  }

  private changesOf(action: Transaction, { name, session }: Writer): readonly Change[] {
    const { records } = this;
    const wrap = (read: RecordRead): Change => (read.kept === null ? null : read);
    switch (action.kind) {
      case 'write_member': {
        const before = action.how === 'replace' ? null : (records.members.get(name) ?? null);
        const at = { exists: action.how === 'set', session };
        return [wrap({ record: 'members', name, kept: this.putOwn(before, action.member, at) })];
      }
      case 'write_node': {
        const kept = this.put(records.nodes.get(name) ?? null, action.node, action.version);
        return [wrap({ record: 'nodes', name, kept })];
      }
      case 'cast_ballot': {
        const at = { exists: action.exists, session };
        return [
          wrap({ record: 'ballots', name, kept: this.putOwn(records.ballots.get(name) ?? null, action.ballot, at) }),
        ];
      }
      case 'withdraw_ballot':
        return [records.ballots.has(name) ? { record: 'ballots', name, kept: null } : null];
      case 'write_term': {
        const term = wrap({ record: 'term', kept: this.put(records.term, action.term, action.version) });
        return action.settings === undefined ? [term] : [term, this.created(action.settings)];
      }
      case 'announce':
        return [this.announced(action, session)];
      case 'store_order': {
        const { results } = records;
        if ((results?.znode.version ?? null) !== action.resultsVersion) return [null];
        const stored = wrap({ record: 'order', kept: this.put(records.order, action.order, null) });
        if (results !== null) return [stored];
        return [stored, { record: 'results', kept: this.fresh({ list: [] }, 0n) }];
      }
      case 'write_order':
        return [wrap({ record: 'order', kept: this.put(records.order, action.order, action.version) })];
      case 'end_order': {
        if (records.order?.znode.version !== action.orderVersion) return [null];
        const kept = this.put(records.results, { list: action.results }, action.resultsVersion);
        return [{ record: 'order', kept: null }, wrap({ record: 'results', kept })];
      }
      case 'write_pause': {
        if (action.pause !== null) {
          return [wrap({ record: 'pause', kept: this.put(records.pause, action.pause, action.version) })];
        }
        return [records.pause?.znode.version === action.version ? { record: 'pause', kept: null } : null];
      }
      case 'write_settings': {
        const settings = this.put(records.settings, action.settings, action.version);
        const changes = this.put(records.changes, action.changes, action.changesVersion);
        return [wrap({ record: 'settings', kept: settings }), wrap({ record: 'changes', kept: changes })];
      }
      case 'claim':
        return this.claimed(action, session);
      case 'release':
        return this.released(action, { name, session });
    }
  }

  private created(settings: SettingsRecord): Change {
    return this.records.settings === null ? { record: 'settings', kept: this.fresh(settings, 0n) } : null;
  }

  private announced(action: Extract<Action, { kind: 'announce' }>, session: bigint): Change | null {
    const { term, lease, masterRecord } = this.records;
    if (term?.znode.version !== action.termVersion || lease === null) return null;
    if ((masterRecord === null) === action.replace) return null;
    return { record: 'masterRecord', kept: this.fresh(action.record, session) };
  }

  private claimed(action: Extract<Action, { kind: 'claim' }>, session: bigint): readonly Change[] {
    const { lease, masterRecord, term } = this.records;
    if ((lease !== null) !== action.removeLease || (action.removeRecord && masterRecord === null)) return [null];
    const kept = this.put(term, action.term, action.termVersion);
    const changes: Change[] = [
      { record: 'lease', kept: this.fresh(action.lease, session) },
      kept === null ? null : { record: 'term', kept },
    ];
    if (action.settings !== null) changes.push(this.created(action.settings));
    const settingsVersion = this.records.settings?.znode.version ?? null;
    if (action.settings === null && settingsVersion !== action.settingsVersion) return [null];
    if (action.removeRecord) changes.push({ record: 'masterRecord', kept: null });
    if (action.record === null) return changes;
    if (masterRecord !== null && !action.removeRecord) return [null];
    return [...changes, { record: 'masterRecord', kept: this.fresh(action.record, session) }];
  }

  private released(action: Extract<Action, { kind: 'release' }>, { name, session }: Writer): readonly Change[] {
    const { lease, masterRecord, ballots, term } = this.records;
    const later = action.termVersion !== null && term?.znode.version !== action.termVersion;
    if (lease === null || later || (action.removeRecord && masterRecord === null)) return [null];
    const given = action.term === null ? undefined : this.put(term, action.term.term, action.term.version);
    const written: Change[] = given === undefined ? [] : [given === null ? null : { record: 'term', kept: given }];
    const announced: Change[] = action.removeRecord ? [{ record: 'masterRecord', kept: null }] : [];
    const gone: Change = { record: 'lease', kept: null };
    // In the order of the real transaction, which is the one in which others read.
    if (action.order !== undefined) return [...written, ...announced, gone, this.begun(action.order)];
    const changes: Change[] = [gone, ...announced];
    if (action.ballot !== null) {
      const at = { exists: action.ballotExists, session };
      const kept = this.putOwn(ballots.get(name) ?? null, action.ballot, at);
      changes.push(kept === null ? null : { record: 'ballots', name, kept });
    }
    return [...changes, ...written];
  }

  private begun({ order, version }: { readonly order: OrderRecord; readonly version: number }): Change {
    const kept = this.put(this.records.order, order, version);
    return kept === null ? null : { record: 'order', kept };
  }
}
