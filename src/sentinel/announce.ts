/**
 * Events: what the subscribers are told when one picture follows another. Pure; the order is the reference's, and
 * nothing is said before it is true.
 *
 * Sentinel tells a failover in steps, and the one that leads it tells all of them. Here that is the agent that won the
 * election; the others say what they saw, as Sentinels do. Pictures may skip steps; the steps are told all the same, in
 * their order. What comes after `+switch-master` speaks of the new master, what comes before it of the old one.
 */
import type { TopologyMaster } from '../contract/topology.ts';
import { keyOf } from './picture-replicas.ts';
import { quorumOf, sameMaster } from './picture.ts';
import type { Picture, PictureReplica } from './picture.ts';
import { sentinelId } from './run-id.ts';

export interface SentinelEvent {
  readonly channel: string;
  readonly payload: string;
}

export interface Telling {
  /** Names of the master towards clients; at least one. Each hears of everything. */
  readonly names: readonly string[];
  /** Also the two channels that known clients listen on and no Sentinel ever spoke on. */
  readonly aliases: boolean;
  /** How an address is written. */
  readonly show: (host: string) => string;
}

/** Payloads about one master under one of its names. */
class Words {
  private readonly show: Telling['show'];
  private readonly name: string;

  constructor(show: Telling['show'], name: string) {
    this.show = show;
    this.name = name;
  }

  at({ host, port }: { host: string; port: number }): string {
    return `${this.show(host)} ${port}`;
  }

  master(master: TopologyMaster): string {
    return `master ${this.name} ${this.at(master)}`;
  }

  slave(replica: { host: string; port: number }, master: TopologyMaster): string {
    const address = `${this.show(replica.host)}:${replica.port}`;
    return `slave ${address} ${this.at(replica)} @ ${this.name} ${this.at(master)}`;
  }

  sentinel(id: string, agent: { host: string; port: number }, master: TopologyMaster): string {
    return `sentinel ${id} ${this.at(agent)} @ ${this.name} ${this.at(master)}`;
  }

  switched(from: TopologyMaster, to: TopologyMaster): string {
    return `${this.name} ${this.at(from)} ${this.at(to)}`;
  }
}

/** An event that says no more than which master it is about, under each of its names; none where it never had one. */
export function aboutMaster(
  channel: string,
  picture: Picture,
  { names, show }: Pick<Telling, 'names' | 'show'>,
): SentinelEvent[] {
  const master = subject(picture);
  return master === null ? [] : names.map((name) => ({ channel, payload: new Words(show, name).master(master) }));
}

export function eventsBetween(before: Picture | null, after: Picture, telling: Telling): readonly SentinelEvent[] {
  const events: SentinelEvent[] = [];
  if (after.blind && before?.blind !== true) events.push({ channel: '+tilt', payload: '#tilt mode entered' });
  if (!after.blind && before?.blind === true) events.push({ channel: '-tilt', payload: '#tilt mode exited' });
  const told = telling.names.map((name) => new Words(telling.show, name));
  for (const words of told) events.push(...losses(before, after, words));
  if (before !== null && after.epoch > before.epoch) events.push({ channel: '+new-epoch', payload: `${after.epoch}` });
  for (const words of told) events.push(...ofMaster({ before, after, words, aliases: telling.aliases }));
  return events;
}

/** The master that events are about while they happen. */
function subject(picture: Picture): TopologyMaster | null {
  return picture.master ?? picture.known;
}

function losses(before: Picture | null, after: Picture, words: Words): SentinelEvent[] {
  const lost = subject(after);
  if (before === null || lost === null || !after.down || before.down) return [];
  const quorum = quorumOf(after);
  return [
    { channel: '+sdown', payload: words.master(lost) },
    { channel: '+odown', payload: `${words.master(lost)} #quorum ${quorum}/${quorum}` },
  ];
}

interface Manner {
  readonly aliases: boolean;
  readonly leads: boolean;
}

interface Change {
  readonly before: Picture | null;
  readonly after: Picture;
  readonly words: Words;
  readonly aliases: boolean;
}

function ofMaster(change: Change): SentinelEvent[] {
  const { before, after, words } = change;
  const { master } = after;
  const old = before === null ? null : before.known;
  if (master === null) return [...givingUp(change), ...winning(change, null), ...ofInstances(change)];
  if (before === null || old === null) {
    const monitor = { channel: '+monitor', payload: `${words.master(master)} quorum ${quorumOf(after)}` };
    return [monitor, ...ofInstances({ ...change, before: null })];
  }
  if (sameMaster(old, master)) return [...givingUp(change), ...returning(before, after, words), ...ofInstances(change)];
  return [...givingUp(change), ...winning(change, master), ...switching(change, old, master)];
}

/** The same master again. */
function returning(before: Picture, after: Picture, words: Words): SentinelEvent[] {
  const { master } = after;
  if (master === null) return [];
  const payload = words.master(master);
  const former = before.known?.runId ?? null;
  const restarted = former !== null && master.runId !== null && former !== master.runId;
  return [
    ...(before.down ? [{ channel: '-sdown', payload }, { channel: '-odown', payload }] : []),
    ...(restarted ? [{ channel: '+reboot', payload }] : []),
  ];
}

/** The steps of the agent that won, up to the promotion; `master` is itself once that was seen. */
function winning({ before, after, words }: Change, master: TopologyMaster | null): SentinelEvent[] {
  const old = before?.known ?? null;
  if (before === null || old === null || old.name === after.self) return [];
  const wonBefore = before.elected === after.self;
  const wonNow = after.elected === after.self || master?.name === after.self;
  if (!wonNow || wonBefore) return [];
  const own = master ?? before.replicas.find(({ name }) => name === after.self);
  if (own === undefined) return [];
  const payload = words.master(old);
  const slave = words.slave(own, old);
  return [
    { channel: '+try-failover', payload },
    { channel: '+vote-for-leader', payload: `${sentinelId(after.service, after.self)} ${after.epoch}` },
    { channel: '+elected-leader', payload },
    { channel: '+failover-state-select-slave', payload },
    { channel: '+selected-slave', payload: slave },
    { channel: '+failover-state-send-slaveof-noone', payload: slave },
    { channel: '+failover-state-wait-promotion', payload: slave },
  ];
}

/** This agent had won, and its Redis did not become the master. */
function givingUp({ before, after, words }: Change): SentinelEvent[] {
  const old = before?.known ?? null;
  if (old === null || old.name === after.self || before?.elected !== after.self || after.blind) return [];
  if (after.elected === after.self || after.master?.name === after.self) return [];
  return [{ channel: '-failover-abort-slave-timeout', payload: words.master(old) }];
}

function switching(change: Change, old: TopologyMaster, master: TopologyMaster): SentinelEvent[] {
  const { before, after, words, aliases } = change;
  const payload = words.master(old);
  const switched = words.switched(old, master);
  const wasDown = before?.down === true;
  const ended = master.name === after.self ? [
    { channel: '+promoted-slave', payload: words.slave(master, old) },
    { channel: '+failover-state-reconf-slaves', payload },
    ...(wasDown ? [{ channel: '-odown', payload }] : []),
    { channel: '+failover-end', payload },
  ] : after.agents.filter(({ name }) => name === master.name).map((agent) => (
    { channel: '+config-update-from', payload: words.sentinel(sentinelId(after.service, agent.name), agent, old) }
  ));
  return [
    ...ended,
    { channel: '+switch-master', payload: switched },
    ...(aliases ? [{ channel: 'switch-master', payload: switched }] : []),
    ...after.replicas.flatMap((replica) => {
      const about = words.slave(replica, master);
      const manner = { aliases, leads: master.name === after.self };
      const settled = replica.following === 'done' ? attached(replica, about, manner) : [];
      return [...newReplica(replica, about), ...settled];
    }),
    ...ofAgents(change),
  ];
}

function newReplica(replica: PictureReplica, payload: string): SentinelEvent[] {
  const down = replica.downSinceMs === null ? [] : [{ channel: '+sdown', payload }];
  return [{ channel: '+slave', payload }, ...down];
}

/** A replica follows the new master; `leads`: this agent made it master, and tells the steps up to there. */
function attached(replica: PictureReplica, payload: string, { aliases, leads }: Manner): SentinelEvent[] {
  const alias = aliases ? [{ channel: '+replica-reconf-done', payload }] : [];
  if (replica.wasMaster) return [{ channel: '+convert-to-slave', payload }, ...alias];
  const steps = leads ? ['+slave-reconf-sent', '+slave-reconf-inprog'] : [];
  return [...[...steps, '+slave-reconf-done'].map((channel) => ({ channel, payload })), ...alias];
}

/** Replicas and agents, of a master that did not change. */
function ofInstances(change: Change): SentinelEvent[] {
  const { before, after, words, aliases } = change;
  const master = subject(after);
  if (master === null) return [];
  const former = new Map((before?.replicas ?? []).map((replica) => [keyOf(replica), replica]));
  return [
    ...after.replicas.flatMap((replica) => {
      const known = former.get(keyOf(replica));
      const moved = known !== undefined && (known.host !== replica.host || known.port !== replica.port);
      const payload = words.slave(replica, master);
      const leads = master.name === after.self;
      if (known !== undefined && !moved) return ofReplica({ known, replica, payload, aliases, leads });
      const alias = aliases && replica.following === 'done' ? [{ channel: '+replica-reconf-done', payload }] : [];
      return [...newReplica(replica, payload), ...alias];
    }),
    ...ofAgents(change),
  ];
}

interface ReplicaChange extends Manner {
  readonly known: PictureReplica;
  readonly replica: PictureReplica;
  readonly payload: string;
}

function ofReplica({ known, replica, payload, ...manner }: ReplicaChange): SentinelEvent[] {
  const events: SentinelEvent[] = [];
  if (known.downSinceMs === null && replica.downSinceMs !== null) events.push({ channel: '+sdown', payload });
  if (known.downSinceMs !== null && replica.downSinceMs === null) events.push({ channel: '-sdown', payload });
  const restarted = known.runId !== null && replica.runId !== null && known.runId !== replica.runId;
  if (restarted) events.push({ channel: '+reboot', payload });
  if (known.following !== 'done' && replica.following === 'done') {
    events.push(...attached(replica, payload, manner));
  }
  return events;
}

function ofAgents({ before, after, words }: Change): SentinelEvent[] {
  const master = subject(after);
  if (master === null) return [];
  const former = new Map((before?.agents ?? []).map((agent) => [agent.name, agent]));
  const events: SentinelEvent[] = [];
  for (const agent of after.agents) {
    const known = former.get(agent.name);
    former.delete(agent.name);
    const id = sentinelId(after.service, agent.name);
    if (known === undefined) events.push({ channel: '+sentinel', payload: words.sentinel(id, agent, master) });
    else if (known.host !== agent.host || known.port !== agent.port) {
      const [host, port] = words.at(agent).split(' ');
      const payload = `${words.master(master)} ip ${host ?? ''} port ${port ?? ''} for ${id}`;
      events.push({ channel: '+sentinel-address-switch', payload });
    }
  }
  for (const gone of former.values()) {
    const payload = words.sentinel(sentinelId(after.service, gone.name), gone, master);
    events.push({ channel: '+sdown', payload });
  }
  return events;
}
