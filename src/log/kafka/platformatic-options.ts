import { isIP } from 'node:net';
import {
  AuthenticationError,
  type Base,
  type BaseOptions,
  GenericError,
  MultipleErrors,
} from '@platformatic/kafka';
import { sleep } from '../../kernel/clock.ts';
import type { KafkaConnection } from './client.ts';
import { Backoff, BOUNDS, bounded, Unwelcome } from './client-bounds.ts';

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

/**
 * First contact. The library takes a wrong password or certificate for a broken network, and would
 * try until the call's time is over.
 * @throws Unwelcome at once; after the time of a call, why no broker was reached
 */
export async function reach(client: Base): Promise<void> {
  const backoff = new Backoff();
  const until = performance.now() + BOUNDS.callMs;
  for (;;) {
    try {
      const asking = client.metadata({ topics: [], retries: 0, forceUpdate: true });
      await bounded('connecting', asking);
      return;
    } catch (error) {
      if (isUnwelcome(error)) throw new Unwelcome(error);
      if (client.closed || performance.now() > until) throw error;
      await sleep(backoff.next());
    }
  }
}

/** Codes of Node's TLS. */
const CERTIFICATE = /^ERR_(TLS|SSL)|CERT|LEAF_SIGNATURE/;

function isUnwelcome(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AuthenticationError) return true;
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  const inner = error instanceof AggregateError ? error.errors : [];
  return CERTIFICATE.test(String(code)) || [...inner, cause].some(isUnwelcome);
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
