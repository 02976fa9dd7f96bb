// What may go wrong with a server or a name, as a closed list of codes, for the user's log. None of these ends the
// client: it goes on trying.

/**
 * - `dns`: the name could not be resolved, or not in time.
 * - `refused`, `unreachable`: nobody listens there, or there is no way there.
 * - `tls`: no agreement on encryption, or a certificate was refused.
 * - `silent`: reached, but no answer in time (also: an open connection that fell silent).
 * - `not_serving`: the server closed the connection during the handshake. It is starting, has no quorum, or has seen
 *   less than this client (see `zxid_ahead`).
 * - `zxid_ahead`: the ensemble has forgotten what this client has seen (its data was wiped or restored).
 * - `auth_failed`: the server refused a credential.
 * - `protocol`: bytes that are not the protocol's; the connection was dropped.
 * - `lost`: an open connection was closed by the server or the network.
 */
export type FaultCode =
  | 'dns'
  | 'refused'
  | 'unreachable'
  | 'tls'
  | 'silent'
  | 'not_serving'
  | 'zxid_ahead'
  | 'auth_failed'
  | 'protocol'
  | 'lost';

export interface Fault {
  readonly code: FaultCode;
  /** host:port as configured. */
  readonly host: string;
  /** For people; never contains a credential. */
  readonly detail: string;
}
