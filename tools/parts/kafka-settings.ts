/** What stands in the `server.properties` of a broker that tests can turn. */

import type { Certificates } from './certificates.ts';

export interface KafkaOptions {
  /** Lines of `server.properties`; they win over ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Adds a SASL listener (and with `tls` one over TLS): PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
  readonly users?: readonly KafkaUser[];
  /** Adds a TLS listener; the CA is made for this broker. A client certificate may be shown. */
  readonly tls?: boolean;
  /** Only what an ACL allows, but on the plain listener, where everybody may do everything. */
  readonly acls?: boolean;
  /** Adds a plain listener for each, whose clients are sent to that port: a proxy's. */
  readonly advertised?: readonly number[];
}

export interface KafkaUser {
  readonly name: string;
  readonly password: string;
}

export const LISTENER_NAMES = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'] as const;
export type ListenerName = (typeof LISTENER_NAMES)[number];

export interface Listener {
  readonly name: string;
  readonly protocol: ListenerName;
  readonly port: number;
  /** Where clients are sent. */
  readonly advertised: number;
}

/** Which listeners the options ask for; ports come from `port`. */
export function listenersOf(options: KafkaOptions, port: () => number): Listener[] {
  const wanted: Record<ListenerName, boolean> = {
    PLAINTEXT: true,
    SSL: options.tls === true,
    SASL_PLAINTEXT: options.users !== undefined,
    SASL_SSL: options.tls === true && options.users !== undefined,
  };
  const usual = LISTENER_NAMES.filter((name) => wanted[name]).map((name) => {
    const own = port();
    return { name, protocol: name, port: own, advertised: own };
  });
  const through = (options.advertised ?? []).map(
    (advertised, index): Listener => ({
      name: `THROUGH${index}`,
      protocol: 'PLAINTEXT',
      port: port(),
      advertised,
    }),
  );
  return [...usual, ...through];
}

/** Everything happens soon, so that a test can wait for it. */
const SOON = {
  'broker.heartbeat.interval.ms': '500',
  'broker.session.timeout.ms': '3000',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '500',
  'log.cleaner.backoff.ms': '100',
  'log.initial.task.delay.ms': '100',
  'log.retention.check.interval.ms': '500',
  'log.segment.delete.delay.ms': '0',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
};

/** One broker is all there is, and it is small. */
const SMALL = {
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '3',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'log.cleaner.dedupe.buffer.size': '16777216',
};

const LOOPBACK = '127.0.0.1';

export function settingsOf(
  options: KafkaOptions,
  listeners: readonly Listener[],
  controllerPort: number,
  directory: string,
  certificates: Certificates | undefined,
): Record<string, string> {
  const join = (text: (listener: Listener) => string): string => listeners.map(text).join(',');
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    listeners: `${join(({ name, port }) => `${name}://${LOOPBACK}:${port}`)},CONTROLLER://${LOOPBACK}:${controllerPort}`,
    'advertised.listeners': join(({ name, advertised }) => `${name}://${LOOPBACK}:${advertised}`),
    'listener.security.protocol.map': `${join(({ name, protocol }) => `${name}:${protocol}`)},CONTROLLER:PLAINTEXT`,
    'controller.listener.names': 'CONTROLLER',
    'controller.quorum.bootstrap.servers': `${LOOPBACK}:${controllerPort}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': `${directory}/data`,
    'auto.create.topics.enable': 'false',
    ...SMALL,
    ...SOON,
    ...(certificates && tlsSettings(certificates)),
    ...(options.users && saslSettings(options.users, listeners)),
    ...(options.acls && {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
    }),
    ...options.settings,
  };
}

function tlsSettings({ ca, server }: Certificates): Record<string, string> {
  return {
    'ssl.keystore.type': 'PEM',
    'ssl.keystore.location': server.both,
    'ssl.truststore.type': 'PEM',
    'ssl.truststore.location': ca,
    'ssl.client.auth': 'requested',
  };
}

function saslSettings(
  users: readonly KafkaUser[],
  listeners: readonly Listener[],
): Record<string, string> {
  const plain = users.map(({ name, password }) => `user_${name}="${password}"`).join(' ');
  const settings: Record<string, string> = {
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
  };
  const modules = 'org.apache.kafka.common.security';
  for (const { name } of listeners.filter(({ protocol }) => protocol.startsWith('SASL'))) {
    const prefix = `listener.name.${name.toLowerCase()}`;
    settings[`${prefix}.plain.sasl.jaas.config`] =
      `${modules}.plain.PlainLoginModule required ${plain};`;
    for (const mechanism of ['scram-sha-256', 'scram-sha-512']) {
      settings[`${prefix}.${mechanism}.sasl.jaas.config`] =
        `${modules}.scram.ScramLoginModule required;`;
    }
  }
  return settings;
}

export function asProperties(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
