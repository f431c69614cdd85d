import { isIP } from 'node:net';
import { type BaseOptions, GenericError, MultipleErrors } from '@platformatic/kafka';
import type { KafkaConnection } from './client.ts';
import { BOUNDS } from './client-bounds.ts';

export function optionsOf({ brokers, clientId, tls, sasl }: KafkaConnection): BaseOptions {
  const named = brokers.every((broker) => isIP(hostOf(broker)) === 0);
  return {
    clientId,
    bootstrapBrokers: [...brokers],
    connectTimeout: BOUNDS.connectMs,
    requestTimeout: BOUNDS.callMs,
    timeout: BOUNDS.transactionMs,
    metadataMaxAge: 30_000,
    retryDelay: BOUNDS.retryMs,
    ...(tls ? { tls, ...(named ? { tlsServerName: true } : {}) } : {}),
    ...(sasl ? { sasl } : {}),
  };
}

function hostOf(broker: string): string {
  return broker.slice(0, broker.lastIndexOf(':')).replace(/^\[|\]$/g, '');
}

/** How many tries fill the time of a call. */
export const RETRIES = Math.ceil(BOUNDS.callMs / BOUNDS.retryMs);

/** Whether an error, or one of those it gathers, is one of these of the protocol. */
export function isOneOf(error: unknown, ids: ReadonlySet<string>): boolean {
  if (!(error instanceof GenericError || error instanceof MultipleErrors)) return false;
  const { apiId } = error as { apiId?: unknown };
  if (typeof apiId === 'string' && ids.has(apiId)) return true;
  const { errors = [], cause } = error as { errors?: unknown[]; cause?: unknown };
  return [...errors, cause].some((inner) => isOneOf(inner, ids));
}

interface Emits {
  connections: { on(event: 'connecting', listener: (payload: Connecting) => void): unknown };
}
interface Connecting {
  readonly connection: { on(event: 'error', listener: () => void): unknown };
}

/** The pool listens to a connection's first error only; a second one would end the process. */
export function guarded<T extends Emits>(client: T): T {
  client.connections.on('connecting', ({ connection }) => {
    connection.on('error', () => undefined);
  });
  return client;
}
