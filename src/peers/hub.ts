/**
 * All peer streams of one agent: a dialer per peer on the list, and the streams that others dialled to us.
 */
import type { Duplex } from 'node:stream';

import type { Clock } from '../contract/clock.ts';
import { createDialer } from './dialer.ts';
import type { Dialer } from './dialer.ts';
import type { PeerHello } from './hello.ts';
import { openLink } from './link.ts';
import type { PeerLink } from './link.ts';
import type { PeerMessage } from './messages.ts';
import { INCOMING_MAX, PEERS_MAX } from './peers.ts';
import type { PeerAddress, PeerEvents, PeerHub } from './peers.ts';

interface Incoming {
  readonly name: string;
  readonly instance: string;
  readonly link: PeerLink;
}

/** A hub without peers; it opens nothing until it is given a list. */
export function createPeerHub(self: PeerHello, events: PeerEvents, clock: Clock): PeerHub {
  const dialers = new Map<string, Dialer>();
  const incoming = new Set<Incoming>();
  let stopped = false;

  function setPeers(peers: readonly PeerAddress[]): void {
    if (stopped) return;
    const wanted = new Map<string, PeerAddress>();
    for (const peer of peers) {
      if (peer.name !== self.name && wanted.size < PEERS_MAX) wanted.set(peer.name, peer);
    }
    for (const [name, dialer] of [...dialers]) {
      const peer = wanted.get(name);
      if (peer !== undefined && sameAddress(peer, dialer.peer)) continue;
      dialers.delete(name);
      dialer.close();
    }
    for (const [name, peer] of wanted) {
      if (!dialers.has(name)) dialers.set(name, createDialer({ self, peer, clock, events }));
    }
  }

  function accept(stream: Duplex, hello: PeerHello): void {
    const foreign = hello.service !== self.service || hello.name === self.name;
    // An agent has one stream to us: its second one means that it gave up the first, which we may not know yet.
    const replaced = [...incoming].find(({ name, instance }) => name === hello.name && instance === hello.instance);
    replaced?.link.close();
    if (stopped || foreign || stream.destroyed || incoming.size >= INCOMING_MAX) {
      // A destroyed socket may still report how it ended, and that is nobody's business any more.
      stream.on('error', () => stream.destroy());
      stream.destroy();
      return;
    }
    const link = openLink(stream, clock, {
      onMessage(message) {
        if (dialers.has(hello.name)) events.onMessage(hello.name, message);
      },
      onEnded: () => incoming.delete(entry),
    });
    const entry: Incoming = { name: hello.name, instance: hello.instance, link };
    incoming.add(entry);
  }

  function tellOne(dialer: Dialer, message: PeerMessage): void {
    if (dialer.isUp()) {
      dialer.send(message);
      return;
    }
    const { name, instance } = dialer.peer;
    const back = [...incoming].find((entry) => entry.name === name && entry.instance === instance);
    back?.link.send(message);
  }

  function tell(name: string, message: PeerMessage): void {
    const targets = name === 'all' ? [...dialers.values()] : [dialers.get(name)];
    for (const dialer of targets) if (dialer !== undefined) tellOne(dialer, message);
  }

  function stop(): void {
    if (stopped) return;
    setPeers([]);
    stopped = true;
    for (const { link } of [...incoming]) link.close();
  }

  return { setPeers, tell, accept, stop };
}

function sameAddress(a: PeerAddress, b: PeerAddress): boolean {
  return a.host === b.host && a.port === b.port && a.instance === b.instance;
}
