/**
 * The simulator's Redis against a real one: the same script is played to both, and what an agent would observe is
 * compared at every step, offsets to the byte. Only what depends on the moment of asking is left out.
 */
import { afterEach, describe, expect, test } from 'vitest';
import type { RedisFacts } from '../../src/core/facts.ts';
import { modelPlayer, realPlayer } from '../support/redis-players.ts';
import type { Player, StartOptions } from '../support/redis-players.ts';

const PLAIN: StartOptions = { persistence: 'unsaved', disklessDelaySeconds: 0, replicaOf: null, slowSync: false };
const CLOSED = ['REPLICAOF', '127.0.0.1', '1'] as const;
const NO_ONE = ['REPLICAOF', 'NO', 'ONE'] as const;
const PATIENCE = 1500;

const players: Player[] = [];

afterEach(async () => {
  for (const player of players.splice(0)) await player.stop();
});

/** One performance: the script drives it and notes what is seen. */
class Performance {
  readonly notes: (readonly [step: string, seen: unknown])[] = [];
  readonly player: Player;
  private readonly names = new Map<string, string>();
  private readonly started: number[] = [];

  constructor(player: Player) {
    this.player = player;
    players.push(player);
  }

  async start(options: Partial<StartOptions> = {}): Promise<number> {
    const server = await this.player.start({ ...PLAIN, ...options });
    this.started.push(server);
    return server;
  }

  /** Its files are read when this is over. */
  async restart(server: number, options: StartOptions): Promise<void> {
    await this.player.restart(server, options);
    await this.until('loaded', async () => !(await this.player.facts(server)).loading);
  }

  async note(step: string, ...servers: readonly number[]): Promise<void> {
    for (const server of servers) {
      this.notes.push([`${step}: ${server}`, this.shown(await this.player.facts(server))]);
    }
  }

  async ask(server: number, ...command: Parameters<Player['ask']> extends [number, ...infer C] ? C : never) {
    const value = await this.player.ask(server, ...command);
    this.notes.push([command.join(' ').replace(/REPLICAOF .*/, 'REPLICAOF'), value]);
  }

  /** Makes it follow, and waits until the master knows that it has everything. */
  async follow(replica: number, master: number): Promise<void> {
    await this.ask(replica, 'REPLICAOF', ...this.player.address(master));
    await this.level(replica, master);
  }

  /** The link is up, and the acknowledgement of all that there is arrived. */
  async level(replica: number, master: number): Promise<void> {
    await this.until('level', async () => {
      const [own, of] = [await this.player.facts(replica), await this.player.facts(master)];
      const port = Number(this.player.address(replica)[1]);
      const host = this.player.address(replica)[0];
      const known = of.replicas.find((each) => each.port === port && each.host === host);
      const everything = own.offset === of.offset && known?.offset === of.offset;
      return own.link?.up === true && everything && known.state === 'online';
    });
  }

  async until(what: string, condition: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < PATIENCE; i++) {
      if (await condition()) return;
      await this.player.pass();
    }
    throw new Error(`never: ${what}`);
  }

  /** In the order in which they show up. */
  private named(kind: string, value: string | null): string | null {
    if (value === null) return null;
    const key = `${kind} ${value}`;
    const known = this.names.get(key) ?? `${kind} ${this.names.size}`;
    this.names.set(key, known);
    return known;
  }

  private place(host: string, port: number): number | string {
    const at = this.started.find((server) => {
      const address = this.player.address(server);
      return address[0] === host && address[1] === String(port);
    });
    return at ?? `${host}:${port}`;
  }

  private shown(facts: RedisFacts): unknown {
    const { link, replicas, role, offset, secondReplOffset, keys, changes } = facts;
    const { minReplicas, loading, refusesWrites, priority } = facts;
    return {
      role, offset, secondReplOffset, keys, changes, minReplicas, loading, refusesWrites, priority,
      runId: this.named('run', facts.runId),
      replid: this.named('history', facts.replid),
      replid2: this.named('history', facts.replid2),
      link: link && {
        master: this.place(link.host, link.port), up: link.up, everUp: link.everUp,
        syncInProgress: link.syncInProgress, readOffset: link.readOffset,
      },
      replicas: replicas.map((each) => (
        { at: this.place(each.host, each.port), state: each.state, offset: each.offset }
      )),
    };
  }
}

/** Plays the script to both and compares the notes. */
async function compare(script: (performance: Performance) => Promise<void>): Promise<void> {
  const model = new Performance(modelPlayer());
  await script(model);
  const real = new Performance(realPlayer());
  await script(real);
  for (const [at, note] of real.notes.entries()) expect(model.notes[at]).toEqual(note);
  expect(model.notes).toHaveLength(real.notes.length);
}

describe('the model of Redis agrees with a real one', () => {
  test('about identities and offsets, from an empty server over a failover to the return of the deposed', () => (
    compare(async (on) => {
      const [m, a, b] = [await on.start(), await on.start(), await on.start()];
      await on.note('fresh', m);
      await on.ask(m, 'SET', '1', 'x');
      await on.note('a write without replicas', m);
      await on.follow(a, m);
      await on.note('the first replica', m, a);
      await on.ask(m, 'SET', '2', 'x');
      await on.ask(m, 'SET', '3', 'xyz');
      await on.level(a, m);
      await on.note('writes', m, a);
      await on.ask(m, 'WAIT', '1', '1000');
      await on.level(a, m);
      await on.note('WAIT', m, a);
      await on.follow(b, m);
      await on.note('a second replica', m, b);
      await on.ask(m, 'SET', '4', 'x');
      await on.level(a, m);
      await on.level(b, m);
      await on.ask(a, ...CLOSED);
      await on.ask(b, ...CLOSED);
      await on.note('frozen', a, b);
      await on.ask(a, ...NO_ONE);
      await on.note('promoted', a);
      await on.follow(b, a);
      await on.note('the other follows', a, b);
      await on.ask(a, 'SET', '5', 'x');
      await on.level(b, a);
      await on.note('a write of the new history', a, b);
      await on.ask(m, 'SET', '6', 'x');
      await on.follow(m, a);
      await on.note('the deposed returns with a write of its own', m, a);
      await on.ask(a, ...CLOSED);
      await on.note('a demoted master', a);
      await on.ask(m, ...CLOSED);
      await on.ask(m, ...NO_ONE);
      await on.follow(a, m);
      await on.level(b, a);
      await on.note('the demoted continues', m, a);
      await on.ask(a, 'REPLICAOF', ...on.player.address(m));
      await on.ask(a, 'SET', '7', 'x');
      await on.ask(a, 'WAIT', '1', '10');
      await on.ask(m, ...NO_ONE);
      await on.note('nothing changed', m, a);
    })
  ));

  test('about min-replicas-to-write', () => compare(async (on) => {
    const [m, a] = [await on.start(), await on.start()];
    await on.follow(a, m);
    await on.ask(m, 'CONFIG', 'SET', 'min-replicas-max-lag', '2', 'min-replicas-to-write', '1');
    await on.ask(m, 'SET', '1', 'x');
    await on.ask(m, 'CONFIG', 'SET', 'min-replicas-to-write', '1000000');
    await on.ask(m, 'SET', '2', 'x');
    await on.ask(m, 'PING');
    await on.level(a, m);
    await on.note('fenced', m, a);
    await on.ask(m, 'CONFIG', 'SET', 'min-replicas-max-lag', '0');
    await on.ask(m, 'SET', '3', 'x');
    await on.ask(m, 'CONFIG', 'SET', 'min-replicas-max-lag', '2', 'min-replicas-to-write', '1');
    await on.player.kill(a);
    await on.until('the master has noticed', async () => (await on.player.facts(m)).replicas.length === 0);
    await on.ask(m, 'SET', '4', 'x');
    await on.ask(m, ...CLOSED);
    await on.ask(m, 'SET', '5', 'x');
    await on.ask(m, ...NO_ONE);
    await on.ask(m, 'SET', '6', 'x');
    await on.note('alone', m);
  }));

  test('about restarts from RDB, of master and replica', () => compare(async (on) => {
    const rdb = { ...PLAIN, persistence: 'rdb' } as const;
    const [m, a] = [await on.start(rdb), await on.start(rdb)];
    await on.ask(m, 'SET', '1', 'x');
    await on.ask(m, 'SAVE');
    await on.restart(m, rdb);
    await on.note('from a file without a history', m);
    await on.follow(a, m);
    await on.ask(m, 'SET', '2', 'x');
    await on.level(a, m);
    await on.ask(m, 'SAVE');
    await on.ask(a, 'SAVE');
    await on.ask(m, 'SET', '3', 'x');
    await on.level(a, m);
    await on.player.kill(m);
    await on.restart(a, rdb);
    await on.note('a replica comes back as a master', a);
    await on.restart(m, rdb);
    await on.note('the master comes back', m);
    await on.follow(a, m);
    await on.note('both at the saved position: continued', m, a);
    await on.restart(a, { ...rdb, replicaOf: m });
    await on.level(a, m);
    await on.note('a replica by its configuration', m, a);
    await on.player.kill(m);
    await on.ask(a, 'SAVE');
    await on.restart(a, { ...rdb, replicaOf: m });
    await on.note('which finds nobody', a);
  }));

  test('about restarts from AOF, and of a server that never saves', () => compare(async (on) => {
    const aof = { ...PLAIN, persistence: 'aof' } as const;
    const [m, a] = [await on.start(aof), await on.start()];
    await on.follow(a, m);
    await on.ask(m, 'SET', '1', 'x');
    await on.level(a, m);
    await on.ask(a, ...CLOSED);
    await on.restart(m, aof);
    await on.note('from AOF', m);
    await on.follow(a, m);
    await on.note('a full sync from it', m, a);
    await on.restart(a, PLAIN);
    await on.note('with the file of the full sync', a);
  }));

  test('about a full sync that waits, one that is aborted, and what that leaves', () => compare(async (on) => {
    const [m, a, x] = [await on.start(), await on.start(), await on.start({ slowSync: true })];
    await on.follow(a, m);
    await on.ask(m, 'SET', '1', 'x');
    for (const key of ['11', '12', '13']) await on.ask(x, 'SET', key, 'x');
    await on.level(a, m);
    await on.ask(a, 'REPLICAOF', ...on.player.address(x));
    await on.until('the transfer', async () => (await on.player.facts(a)).link?.syncInProgress === true);
    await on.note('transfer', a);
    await on.ask(a, ...CLOSED);
    await on.note('aborted', a);
    await on.ask(a, ...NO_ONE);
    await on.note('and promoted', a);
    await on.follow(m, a);
    await on.note('its first replica', m, a);
  }));
});
