/**
 * One established stream, of either direction: lines in, lines out, a heartbeat every two seconds both ways.
 *
 * Read here how an end is told apart, because a death is proved from it, and which bounds cut a stream: a line that is
 * too long or no JSON object, too many lines, or a reader so slow that our output piles up.
 *
 * Silence is counted in beats of our own timer, not in elapsed time: after this process itself was stopped for a
 * minute, one beat is due and the lines that waited in the kernel are read, so nobody is called silent for our sleep.
 */
import type { Duplex } from 'node:stream';

import { untilGridMs } from '../contract/clock.ts';
import type { Clock } from '../contract/clock.ts';
import { createLineSplitter } from './lines.ts';
import { BEAT_LINE, encodeMessage, readLine } from './messages.ts';
import type { PeerMessage } from './messages.ts';
import { BEAT_MS, GIVE_UP_BEATS, SILENT_BEATS } from './peers.ts';
import type { PeerEnd } from './peers.ts';

/** Bytes we hold for a peer that does not read; beyond, the stream is cut. */
export const OUTPUT_BYTES_MAX = 64 * 1024;
/** Lines taken between two beats; an honest peer sends one beat and a handful of messages. */
export const LINES_PER_BEAT_MAX = 200;

/** Errors by which the other side's kernel ended the connection; others mean that the network did not deliver. */
const RESET_CODES: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);

export interface LinkEvents {
  onMessage(message: PeerMessage): void;
  /** Once, and last. */
  onEnded(how: PeerEnd): void;
}

export interface PeerLink {
  send(message: PeerMessage): void;
  close(): void;
}

export function openLink(stream: Duplex, clock: Clock, events: LinkEvents): PeerLink {
  const splitter = createLineSplitter();
  let open = true;
  let beatsMissed = 0;
  let linesThisBeat = 0;
  let cancelBeat = clock.after(untilGridMs(clock.now(), BEAT_MS), beat);

  function end(how: PeerEnd): void {
    if (!open) return;
    open = false;
    cancelBeat();
    stream.destroy();
    const silent = beatsMissed > SILENT_BEATS;
    events.onEnded(silent && how !== 'local' ? 'silent' : how);
  }

  function write(line: string): void {
    if (!open) return;
    if (stream.writableLength + line.length > OUTPUT_BYTES_MAX) end('local');
    else stream.write(line);
  }

  function beat(): void {
    linesThisBeat = 0;
    beatsMissed += 1;
    if (beatsMissed > GIVE_UP_BEATS) {
      end('silent');
      return;
    }
    cancelBeat = clock.after(untilGridMs(clock.now(), BEAT_MS), beat);
    write(BEAT_LINE);
  }

  function takeLine(text: string): void {
    linesThisBeat += 1;
    const line = readLine(text);
    if (line.kind === 'garbage' || linesThisBeat > LINES_PER_BEAT_MAX) {
      end('local');
      return;
    }
    beatsMissed = 0;
    if (line.kind === 'message') events.onMessage(line.message);
  }

  function take(chunk: Buffer): void {
    const lines = splitter.push(chunk);
    if (lines === 'oversize') {
      end('local');
      return;
    }
    for (const line of lines) {
      // A line or the listener it reached may have ended the stream.
      if (!open) return;
      takeLine(line);
    }
  }

  stream.on('data', take);
  stream.on('end', () => end('fin'));
  // Stays attached after the end: a socket may still report the failure of a write that was under way.
  stream.on('error', (error: NodeJS.ErrnoException) => end(RESET_CODES.has(error.code ?? '') ? 'reset' : 'silent'));
  // Without `end` or `error` before it, somebody in this process destroyed the stream.
  stream.on('close', () => end('local'));
  write(BEAT_LINE);

  return { send: (message) => write(encodeMessage(message)), close: () => end('local') };
}
