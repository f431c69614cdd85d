import type { Clock } from '../../../kernel/clock.ts';
import type { Access, Principal } from '../../../twin/ports.ts';
import type { PositionCodec } from '../../../twin/position.ts';
import type { Reader } from '../../../twin/reader/index.ts';
import type { GatewayMetrics } from '../../metrics.ts';
import type { Admission, Hub, Presence, Registry, Rights } from '../../ports.ts';

/** What our own protocol stands on. */
export interface OwnParts {
  readonly hub: Hub;
  readonly rights: Rights;
  readonly presence: Presence;
  readonly registry: Registry;
  readonly admission: Admission;
  readonly access: Pick<Access, 'onChange'>;
  readonly reader: Pick<Reader, 'read' | 'ownMembers' | 'feedAfter'>;
  readonly positions: PositionCodec;
  /** @throws Fault UNAUTHENTICATED and others: the token is none that counts */
  readonly authenticate: (token: string) => Promise<Principal>;
  readonly clock: Clock;
  readonly metrics: GatewayMetrics;
  readonly report: (error: unknown, correlationId?: string) => void;
}

export const OWN_LIMITS = {
  /** P7. */
  queueBytesMax: 64 * 1024,
  heartbeatMs: 25_000,
  /** How long a client without a token in its address may take to say `hello`. */
  helloMs: 5_000,
  /** How long a connection waits for its turn; a stock client gives an open socket as much. */
  parkedMs: 8_000,
  /** How long before its end a client is told to bring another token. */
  expiringMs: 60_000,
  /** Messages of one connection: steady, and at once. */
  messagesPerSecond: 50,
  messagesAtOnce: 200,
  /** Messages that come before the connection is let in. */
  earlyMessages: 32,
  /** Connections of one principal on one instance. */
  connectionsPerPrincipal: 64,
  /** A document that is larger is left out: it would be most of what may wait. */
  documentBytesMax: 32 * 1024,
  presentMax: 100,
} as const;
