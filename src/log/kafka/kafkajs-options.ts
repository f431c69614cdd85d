import { type Cluster, Kafka, type KafkaConfig, type logCreator, logLevel } from 'kafkajs';
import { sleep } from '../../kernel/clock.ts';
import type { KafkaConnection } from './client.ts';
import { Backoff, BOUNDS, bounded, Unwelcome } from './client-bounds.ts';
import { quietTimers } from './kafkajs-timers.ts';

quietTimers();

/** Nothing of the library's own goes to a console: what matters comes as errors of its calls. */
const silent: logCreator = () => () => undefined;

/** @param retries of one call, within the library */
export function kafkaOf(connection: KafkaConnection, retries: number): Kafka {
  const { brokers, clientId, tls, sasl } = connection;
  const config: KafkaConfig = {
    brokers: [...brokers],
    clientId,
    connectionTimeout: BOUNDS.connectMs,
    authenticationTimeout: BOUNDS.connectMs,
    requestTimeout: BOUNDS.callMs,
    retry: { retries, initialRetryTime: BOUNDS.retryMs, maxRetryTime: BOUNDS.retryMs * 4 },
    logLevel: logLevel.NOTHING,
    logCreator: silent,
    ...(tls ? { ssl: tls } : {}),
    ...(sasl ? { sasl: saslOf(sasl) } : {}),
  };
  return new Kafka(config);
}

function saslOf({
  mechanism,
  ...user
}: NonNullable<KafkaConnection['sasl']>): NonNullable<KafkaConfig['sasl']> {
  switch (mechanism) {
    case 'PLAIN':
      return { mechanism: 'plain', ...user };
    case 'SCRAM-SHA-256':
      return { mechanism: 'scram-sha-256', ...user };
    case 'SCRAM-SHA-512':
      return { mechanism: 'scram-sha-512', ...user };
  }
}

/**
 * The library's view of the cluster, as it gives it to whoever assigns partitions: brokers to be
 * asked directly, where its consumer does too much at once.
 */
export function clusterOf(kafka: Kafka, isolation: 'committed' | 'uncommitted'): Cluster {
  let found: Cluster | undefined;
  kafka.consumer({
    groupId: 'not-joined',
    allowAutoTopicCreation: false,
    readUncommitted: isolation === 'uncommitted',
    metadataMaxAge: 30_000,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster;
        return { name: '', version: 0, assign: async () => [], protocol: noProtocol };
      },
    ],
  });
  if (!found) throw new Error('kafkajs has not shown its cluster');
  return found;
}

const noProtocol = () => ({ name: '', metadata: Buffer.alloc(0) });

/** How many tries fill the time of a call. */
export const RETRIES = Math.ceil(BOUNDS.callMs / (BOUNDS.retryMs * 4));

/** The `type` of an error of the protocol, wherever in its causes. */
export function typeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { type, cause, originalError } = error as {
    type?: unknown;
    cause?: unknown;
    originalError?: unknown;
  };
  if (typeof type === 'string') return type;
  return typeOf(cause) ?? typeOf(originalError);
}

/** As long as a call may take. @throws Unwelcome at once */
export async function reach(connect: () => Promise<void>): Promise<void> {
  const backoff = new Backoff();
  const until = performance.now() + BOUNDS.callMs;
  for (;;) {
    try {
      await bounded('connecting', connect());
      return;
    } catch (error) {
      if (isUnwelcome(error)) throw new Unwelcome(error);
      if (performance.now() > until) throw error;
      await sleep(backoff.next());
    }
  }
}

/** What Node's TLS says of a certificate; the library keeps its text alone. */
const CERTIFICATE = /certificate|tls|ssl/i;

function isUnwelcome(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error.name === 'KafkaJSSASLAuthenticationError') return true;
  if (error.name === 'KafkaJSConnectionError' && CERTIFICATE.test(error.message)) return true;
  const { cause, originalError } = error as { cause?: unknown; originalError?: unknown };
  return isUnwelcome(cause) || isUnwelcome(originalError);
}
