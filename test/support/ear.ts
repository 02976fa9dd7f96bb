/** A subscriber to everything that one Sentinel port tells. */
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';

import { waitFor } from './wait-for.ts';

export class Ear {
  private readonly socket: Socket;
  private text = '';

  private constructor(at: number) {
    this.socket = createConnection(at, '127.0.0.1');
    this.socket.setEncoding('utf8').on('data', (chunk: string) => (this.text += chunk));
    this.socket.on('error', () => this.socket.destroy());
  }

  static async at(at: number): Promise<Ear> {
    const ear = new Ear(at);
    ear.socket.write('PSUBSCRIBE *\r\n');
    await waitFor(() => ear.text.includes('psubscribe'), 'to be subscribed');
    return ear;
  }

  /** Payloads of a channel that begin so, in their order. */
  payloads(channel: string, begin: string): string[] {
    const lines = this.text.split('\r\n');
    return lines.flatMap((line, index) => {
      const payload = lines[index + 2] ?? '';
      return line === channel && payload.startsWith(begin) ? [payload] : [];
    });
  }

  async hears(channel: string, begin: string): Promise<void> {
    await waitFor(() => this.payloads(channel, begin).length > 0, `to hear ${channel} ${begin}`);
  }

  close(): void {
    this.socket.destroy();
  }
}
