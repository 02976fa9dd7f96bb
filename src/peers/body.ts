/** Reads the body of an agent's answer, which may be of any length and never end: within a bound, or not. */
import type { IncomingMessage } from 'node:http';

/** Calls back with the whole body, or with undefined where it is cut off or longer than `bytesMax`. */
export function readBody(
  response: IncomingMessage,
  bytesMax: number,
  done: (body: string | undefined) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) done(undefined);
    else chunks.push(chunk);
  });
  response.on('end', () => done(Buffer.concat(chunks).toString('utf8')));
  response.on('error', () => done(undefined));
}
