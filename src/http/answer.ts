/**
 * An answer as a value, and the one place that writes it to a connection.
 */
import type { ServerResponse } from 'node:http';

import { HTTP_ERRORS } from './errors.ts';
import type { HttpErrorCode } from './errors.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export function textAnswer(body: string): Answer {
  return { status: 200, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body };
}

export function jsonAnswer(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { 'Content-Type': 'application/json', ...headers }, body: `${JSON.stringify(value)}\n` };
}

export function errorAnswer(code: HttpErrorCode, headers: Readonly<Record<string, string>> = {}): Answer {
  const { status, message, next } = HTTP_ERRORS[code];
  return jsonAnswer(status, { error: code, message, next }, headers);
}

/** Writes the answer with its length; Node leaves the body out where the method is HEAD. */
export function sendAnswer(response: ServerResponse, { status, headers, body }: Answer): void {
  const length = status === 204 ? {} : { 'Content-Length': Buffer.byteLength(body) };
  response.writeHead(status, { ...headers, ...length });
  response.end(body);
}
