/**
 * Pictures of every service that is answered for: the agent's own, as its core sees it, and others, as their records
 * tell them. What follows when one picture replaces another is told here, each service under its own names.
 *
 * Others are kept although they are gone: a service that comes back with another master is told as a change of its
 * master, whatever happened to its records between.
 */
import type { Topology } from '../contract/topology.ts';
import { aboutMaster, eventsBetween } from './announce.ts';
import type { SentinelEvent, Telling } from './announce.ts';
import { nextPicture, sameMaster } from './picture.ts';
import type { Picture } from './picture.ts';

/** One master that is answered for. */
export interface Served {
  readonly name: string;
  readonly picture: Picture;
}

/** Where what is known of the others comes from, and whether it still holds. */
export interface OthersSource {
  /** What was told of this service is current. */
  knows(service: string): boolean;
  /** Milliseconds since that was proved last. */
  readonly provedAgoMs: number;
}

export interface BookOptions {
  /** The agent's own service at this moment; null where there is no agent. */
  readonly topology: () => Topology | null;
  /** Names of the own service, none where there is no agent. Nobody else is called so. */
  readonly ownNames: readonly string[];
  /** Names of another service. */
  readonly namesOf: (service: string) => readonly string[];
  readonly others: OthersSource | null;
  readonly aliases: boolean;
  readonly show: Telling['show'];
  readonly now: () => number;
  readonly publish: (events: readonly SentinelEvent[]) => void;
}

interface Other {
  readonly names: readonly string[];
  readonly picture: Picture;
  readonly gone: boolean;
}

/** Services that are remembered although they are gone. */
const GONE_MAX = 1000;

export class Book {
  private readonly options: BookOptions;
  private own: Picture | null = null;
  private readonly others = new Map<string, Other>();
  private readonly serviceOf = new Map<string, string>();
  private readonly gone = new Set<string>();

  constructor(options: BookOptions) {
    this.options = options;
  }

  /** The agent's own service at this moment, told of before it is shown; null where there is no agent. */
  ownPicture(): Picture | null {
    const { topology, ownNames, publish } = this.options;
    const seen = topology();
    if (seen === null) return null;
    const before = this.own;
    this.own = nextPicture(before, seen);
    const events = eventsBetween(before, this.own, this.telling(ownNames));
    if (events.length > 0) publish(events);
    return this.own;
  }

  /** The master of this name, or null where there is none of that name. */
  find(name: string): Picture | null {
    const own = this.ownPicture();
    if (own !== null && this.options.ownNames.includes(name)) return own;
    const service = this.serviceOf.get(name);
    const other = service === undefined ? undefined : this.others.get(service);
    return service === undefined || other === undefined ? null : this.shown(service, other);
  }

  served(): readonly Served[] {
    const own = this.ownPicture();
    const served: Served[] = own === null ? [] : this.options.ownNames.map((name) => ({ name, picture: own }));
    for (const [service, other] of this.others) {
      const picture = this.shown(service, other);
      if (picture === null) continue;
      for (const name of other.names) if (this.serviceOf.get(name) === service) served.push({ name, picture });
    }
    return served;
  }

  /** Takes in what is known of another service now; null: it is gone. `news`: subscribers are told. */
  take(service: string, seen: Topology | null, news: boolean): void {
    const former = this.others.get(service);
    if (seen === null) {
      if (former !== undefined && !former.gone) this.bury(service, former, news);
      return;
    }
    const names = former?.names ?? this.enrol(service);
    const before = former?.picture ?? null;
    const picture = nextPicture(before, seen);
    this.others.set(service, { names, picture, gone: false });
    this.gone.delete(service);
    if (!news) return;
    const back = former?.gone === true && sameMaster(picture.known, former.picture.known);
    const events = [
      ...(back ? aboutMaster('+monitor', picture, this.telling(names)) : []),
      ...eventsBetween(before, picture, this.telling(names)),
    ];
    if (events.length > 0) this.options.publish(events);
  }

  private bury(service: string, former: Other, news: boolean): void {
    // Its replicas and agents are gone with it; whoever comes back is told anew.
    const picture = { ...former.picture, master: null, elected: null, replicas: [], agents: [], liveAgents: 0 };
    this.others.set(service, { ...former, picture, gone: true });
    this.gone.add(service);
    const events = news ? aboutMaster('-monitor', former.picture, this.telling(former.names)) : [];
    if (events.length > 0) this.options.publish(events);
    for (const oldest of this.gone) {
      if (this.gone.size <= GONE_MAX) break;
      this.gone.delete(oldest);
      for (const name of this.others.get(oldest)?.names ?? []) this.serviceOf.delete(name);
      this.others.delete(oldest);
    }
  }

  /** Names that somebody has are not given twice: the first keeps them. */
  private enrol(service: string): readonly string[] {
    const { ownNames, namesOf } = this.options;
    const names = namesOf(service).filter((name) => !ownNames.includes(name) && !this.serviceOf.has(name));
    for (const name of names) this.serviceOf.set(name, service);
    return names;
  }

  /** As it is at this moment; null where it never had a master, or is gone. */
  private shown(service: string, { picture, gone }: Other): Picture | null {
    if (gone || picture.known === null) return null;
    const { others, now } = this.options;
    const nowMs = now();
    const heardAgoMs = others?.provedAgoMs ?? 0;
    if (others?.knows(service) !== false) return { ...picture, nowMs, heardAgoMs };
    return { ...picture, nowMs, heardAgoMs, master: null, blind: true };
  }

  private telling(names: readonly string[]): Telling {
    const { aliases, show } = this.options;
    return { names, aliases, show };
  }
}
