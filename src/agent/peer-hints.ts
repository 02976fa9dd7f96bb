/**
 * Between the streams to other agents and the core: what is heard there becomes an input, what is told there a message.
 *
 * A stream that ends, and whatever is said over one, is a reason to look, never a verdict; a stream that the other
 * host itself ended (FIN, RST) proves at least that the process is gone or left it.
 */
import type { Action } from '../core/actions.ts';
import type { Input } from '../core/inputs.ts';
import type { State } from '../core/state.ts';
import type { PeerMessage } from '../peers/messages.ts';
import type { Outside } from './ports.ts';

export function peerInputs(post: (input: Input) => void): Parameters<Outside['openPeers']>[0] {
  return {
    onUp: (name, instance) => post({ kind: 'peer', name, event: { peer: 'up', instance } }),
    onEnded: (name, how) => {
      const proving = how === 'fin' || how === 'reset';
      post({ kind: 'peer', name, event: { peer: 'ended', proving } });
    },
    onRefused: (name) => post({ kind: 'peer', name, event: { peer: 'refused' } }),
    onFailed: (name) => post({ kind: 'peer', name, event: { peer: 'failed' } }),
    onMessage: (name, message) => post({ kind: 'peer_hint', name, hint: message.kind }),
  };
}

export function messageOf(hint: Extract<Action, { kind: 'tell' }>['hint'], { own, records }: State): PeerMessage {
  switch (hint) {
    case 'redis_died':
      return { kind: hint, runId: own.facts?.runId ?? 'unknown' };
    case 'promoted':
      return { kind: hint, epoch: records.term?.value.epoch ?? 0 };
    case 'look':
      return { kind: hint };
  }
}
