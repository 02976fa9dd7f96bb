/**
 * How two agents open a stream: an HTTP upgrade on which both name themselves in headers.
 *
 * Read here: the words of the handshake, and what counts as a valid hello. The server's half is in src/http, the
 * client's in dial.ts. Values are percent-encoded, because a header carries no arbitrary text and a node name may.
 */
import type { IncomingHttpHeaders } from 'node:http';

export const PEER_PATH = '/v1/peer';
/** Value of the `Upgrade` header; the number grows with the first incompatible change of the lines that follow. */
export const PEER_PROTOCOL = 'dictator-peer/1';
/** Longest service name, node name or instance id accepted from another agent, in characters. */
export const HELLO_FIELD_LENGTH_MAX = 256;

/** Who an agent says it is. Nothing proves it: a hello is trusted as far as the network between the agents is. */
export interface PeerHello {
  readonly service: string;
  readonly name: string;
  /** Random id of the agent process: tells a restarted agent from the one before it. */
  readonly instance: string;
}

/** Headers that introduce `self`, in a request for an upgrade and in the answer to one. */
export function helloHeaders(self: PeerHello): Record<string, string> {
  return {
    'Dictator-Service': encodeURIComponent(self.service),
    'Dictator-Name': encodeURIComponent(self.name),
    'Dictator-Instance': encodeURIComponent(self.instance),
  };
}

/** The hello in a request's or answer's headers, or undefined where a part is missing, too long or not decodable. */
export function readHello(headers: IncomingHttpHeaders): PeerHello | undefined {
  const service = readField(headers['dictator-service']);
  const name = readField(headers['dictator-name']);
  const instance = readField(headers['dictator-instance']);
  if (service === undefined || name === undefined || instance === undefined) return undefined;
  return { service, name, instance };
}

function readField(value: string | string[] | undefined): string | undefined {
  if (typeof value !== 'string' || value === '') return undefined;
  try {
    const decoded = decodeURIComponent(value);
    return decoded.length <= HELLO_FIELD_LENGTH_MAX ? decoded : undefined;
  } catch (error) {
    // Malformed percent-encoding is the sender's fault, hence a value; anything else is ours.
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
