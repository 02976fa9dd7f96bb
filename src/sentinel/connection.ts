/**
 * One connection: bytes in, requests through the turnstile, answers and messages out, within the bounds of all three.
 *
 * Answers keep the order of the requests, also where one of them takes its time. A client that does not read what it is
 * sent is not read from; one that is still sent messages meanwhile (a slow subscriber) is cut.
 */
import type { Socket } from 'node:net';
import type { Answer, House } from './call.ts';
import type { Client } from './client.ts';
import { answer } from './commands/all.ts';
import { encode, error } from './reply.ts';
import type { Reply } from './reply.ts';
import { RequestReader } from './requests.ts';
import type { RequestBounds } from './requests.ts';
import type { Passenger, Turnstile } from './turnstile.ts';

export interface ConnectionParts {
  readonly socket: Socket;
  readonly client: Client;
  readonly house: House;
  readonly turnstile: Turnstile;
  readonly onClosed: () => void;
  /** Something of ours threw; the client was told no more than that. */
  readonly onFault: (fault: unknown) => void;
}

const FAILED = error('ERR internal error');

export class Connection implements Passenger {
  readonly client: Client;
  private readonly parts: ConnectionParts;
  private readonly reader = new RequestReader();
  /** An answer takes its time: what comes after it waits. */
  private answering = false;
  private broken = false;
  private unread = 0;
  private readonly guestTimer: NodeJS.Timeout | undefined;

  constructor(parts: ConnectionParts) {
    this.parts = parts;
    this.client = parts.client;
    const { socket, onClosed, house } = parts;
    socket.on('data', (chunk: Buffer) => this.take(chunk));
    socket.on('drain', () => {
      this.countUnread();
      this.goOn();
    });
    // Nothing to tell anybody: 'close' follows.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      clearTimeout(this.guestTimer);
      this.countUnread();
      parts.turnstile.leave(this);
      onClosed();
    });
    if (this.client.isGuest) {
      this.guestTimer = setTimeout(() => {
        if (this.client.isGuest) socket.destroy();
      }, house.limits.guestTimeoutMs);
      this.guestTimer.unref();
    }
  }

  private get bounds(): RequestBounds {
    const { limits } = this.parts.house;
    const { lineBytesMax } = limits;
    return this.client.isGuest
      ? {
        guest: true,
        lineBytesMax,
        argumentsMax: limits.guestArgumentsMax,
        requestBytesMax: limits.guestRequestBytesMax,
      }
      : { guest: false, lineBytesMax, argumentsMax: limits.argumentsMax, requestBytesMax: limits.requestBytesMax };
  }

  private take(chunk: Buffer): void {
    // Whoever is on its way out and talks on is not kept.
    if (this.broken) return;
    this.reader.push(chunk);
    this.goOn();
  }

  /** Works on if it may, and reads on only if it did. */
  private goOn(): void {
    const { socket, turnstile } = this.parts;
    if (socket.destroyed || this.broken) return;
    if (!this.isHeldUp()) turnstile.enter(this);
    if (this.isHeldUp() || turnstile.holds(this)) socket.pause();
    else socket.resume();
  }

  private isHeldUp(): boolean {
    return this.answering || this.parts.socket.writableLength > this.parts.house.limits.outputBytesPause;
  }

  work(max: number): { done: number; more: boolean } {
    const { house } = this.parts;
    const untilMs = house.now() + house.limits.turnMs;
    let out = '';
    let done = 0;
    let more = true;
    while (done < max && !this.answering && !this.broken) {
      const read = this.reader.next(this.bounds);
      more = read.kind !== 'more';
      if (read.kind === 'more') break;
      done += 1;
      if (read.kind === 'request') out += this.carryOut(read.args);
      else out += this.end(error(read.message));
      // An order that all subscribers are told of takes its time, too.
      if (out.length > house.limits.outputBytesPerTurn || house.now() >= untilMs) break;
    }
    this.send(out);
    const mayGoOn = more && !this.broken && !this.isHeldUp();
    if (!more && this.parts.socket.isPaused()) this.parts.socket.resume();
    return { done, more: mayGoOn };
  }

  /** The bytes of the answer, as far as it is there. */
  private carryOut(args: readonly string[]): string {
    const { house, onFault } = this.parts;
    house.counts.commands += 1;
    let given: Answer;
    try {
      given = answer({ args, client: this.client, house });
    } catch (fault) {
      onFault(fault);
      given = FAILED;
    }
    if (given instanceof Promise) {
      this.wait(given);
      return '';
    }
    const text = this.wanted('is' in given ? [given] : given);
    if (this.client.leaving) this.broken = true;
    return text;
  }

  private wait(given: Promise<Reply>): void {
    this.answering = true;
    given.catch((fault: unknown) => {
      this.parts.onFault(fault);
      return FAILED;
    }).then((reply) => {
      this.answering = false;
      this.send(this.wanted([reply]));
      this.goOn();
    }).catch(this.parts.onFault);
  }

  /** What the client wants to hear of it (`CLIENT REPLY`). */
  private wanted(replies: readonly Reply[]): string {
    const { client } = this;
    const silent = client.replies === 'off' || client.replies === 'skip';
    if (client.replies === 'skip') client.replies = 'on';
    if (client.replies === 'skip next') client.replies = 'skip';
    return silent ? '' : replies.reduce((text, reply) => text + encode(reply, client.protocol), '');
  }

  private end(reply: Reply): string {
    this.broken = true;
    return encode(reply, this.client.protocol);
  }

  /** Sends a message to a subscriber, so many milliseconds later. */
  tell(text: string, delayMs: number): void {
    const { outputBytesMax } = this.parts.house.limits;
    if (delayMs === 0) this.send(text, outputBytesMax);
    else setTimeout(() => this.send(text, outputBytesMax), delayMs).unref();
  }

  /** Answers are as long as they are: who does not read them is asked no more. */
  private send(text: string, unreadMax = Number.POSITIVE_INFINITY): void {
    const { socket, house } = this.parts;
    if (socket.destroyed) return;
    if (text !== '') socket.write(text);
    if (this.broken) socket.destroySoon();
    this.countUnread();
    const tooMuchOfAll = this.unread > 0 && house.unread.bytes > house.limits.outputBytesOfAllMax;
    if (this.unread > unreadMax || tooMuchOfAll) socket.destroy();
  }

  private countUnread(): void {
    const { socket, house } = this.parts;
    const now = socket.destroyed ? 0 : socket.writableLength;
    house.unread.bytes += now - this.unread;
    this.unread = now;
  }

  close(): void {
    this.parts.socket.destroy();
  }
}
