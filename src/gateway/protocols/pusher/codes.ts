/**
 * Codes with which a Pusher connection ends, or an error is told (realtime.md §2.6). What the shipped
 * SDKs do on each is why so few are used: 4000–4099 end a client for ever, 4200 makes it come back at
 * once, the rest within a second or so; 4300 and above end pusher-js for ever and never close.
 */
export const CLOSE = {
  appUnknown: { code: 4001, says: 'Application does not exist' },
  pathUnknown: { code: 4005, says: 'Path not found' },
  versionInvalid: { code: 4006, says: 'Invalid version string format' },
  protocolUnsupported: { code: 4007, says: 'Unsupported protocol version' },
  protocolMissing: { code: 4008, says: 'No protocol version supplied' },
  revoked: { code: 4009, says: 'Connection is unauthorized' },
  overCapacity: { code: 4100, says: 'Over capacity' },
  reconnect: { code: 4200, says: 'Generic reconnect immediately' },
  pongMissing: { code: 4201, says: 'Pong reply not received in time' },
} as const satisfies Record<string, Close>;

/** How a connection ends: `says` is all that its client is told. */
export interface Close {
  readonly code: number;
  readonly says: string;
}

/** Of `pusher:error` for a client event that was refused; never a close code. */
export const CLIENT_EVENT_REFUSED = 4301;

/** Protocol versions that shipped SDKs speak: Java 5, everybody else 7. */
export const PROTOCOLS: readonly number[] = [5, 6, 7];
