/** Apache Kafka: one KRaft broker on loopback, its jars from Maven Central. */

import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Admin } from '@platformatic/kafka';
import { cached, type Say } from './cache.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import {
  asProperties,
  type KafkaOptions,
  type KafkaUser,
  type ListenerName,
  listenersOf,
  settingsOf,
} from './kafka-settings.ts';
import { freePorts } from './ports.ts';
import { inOwnDirectory, launch, type PartProcess } from './process.ts';
import { execute, need } from './programs.ts';

/** As in `kafka/pom.xml`. */
export const KAFKA_VERSION = '4.1.1';

export interface KafkaPart extends PartProcess {
  /** `host:port` of the plain listener. */
  readonly address: string;
  /** `host:port` of the listeners that the options asked for. */
  readonly addresses: Readonly<Partial<Record<ListenerName, string>>>;
  /** Ports behind the `advertised` ones, in their order: where a proxy forwards to. */
  readonly behind: readonly number[];
  /** With `tls`. */
  readonly certificates: Certificates | undefined;
  /** Settings of the server for the plain listener. */
  readonly env: Readonly<Record<string, string>>;
  /** Those for another one; `login` as `SCRAM-SHA-512:user:password`. */
  envFor(listener: ListenerName, login?: string): Readonly<Record<string, string>>;
}

const JAVA_MIN = 17;
const JAVA = {
  program: 'java',
  debian: 'openjdk-17-jre-headless',
  otherwise: `Kafka needs Java ${JAVA_MIN} or newer (Debian: openjdk-17-jre-headless)`,
};
const MAVEN = { program: 'mvn', debian: 'maven', otherwise: 'Maven brings the jars of Kafka' };
const JVM = ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const LOG4J = join(import.meta.dirname, 'kafka', 'log4j2.properties');
const POM = join(import.meta.dirname, 'kafka', 'pom.xml');

/** Answers the class path. */
export async function bringKafka(say: Say): Promise<string> {
  await need([JAVA], say);
  const directory = await cached(`kafka-${KAFKA_VERSION}`, say, async (target) => {
    await need([MAVEN], say);
    await checkJava();
    say(`bringing Kafka ${KAFKA_VERSION} from Maven Central`);
    const copy = ['dependency:copy-dependencies', `-DoutputDirectory=${target}`];
    await execute('mvn', ['-q', '-B', '-f', POM, ...copy]);
  });
  return join(directory, '*');
}

async function checkJava(): Promise<void> {
  const said = await execute('java', ['-version']);
  const version = Number(/version "(\d+)/.exec(said)?.[1] ?? 0);
  if (version < JAVA_MIN) throw new Error(JAVA.otherwise);
}

export async function startKafka(options: KafkaOptions, say: Say): Promise<KafkaPart> {
  const classPath = await bringKafka(say);
  return await inOwnDirectory('kafka', (directory) => startIn(directory, classPath, options, say));
}

async function startIn(
  directory: string,
  classPath: string,
  options: KafkaOptions,
  say: Say,
): Promise<KafkaPart> {
  const certificates = options.tls ? await makeCertificates(directory, say) : undefined;
  const ports = await freePorts(6 + (options.advertised?.length ?? 0));
  const next = (): number => ports.pop() ?? 0;
  const controller = next();
  const listeners = listenersOf(options, next);
  const settings = settingsOf(options, listeners, controller, directory, certificates);
  await writeFile(join(directory, 'server.properties'), asProperties(settings), { mode: 0o600 });
  await format(directory, classPath, options.users ?? []);
  const host = (port: number): string => `127.0.0.1:${port}`;
  const addresses = Object.fromEntries(
    listeners.filter(isUsual).map(({ name, port }) => [name, host(port)]),
  );
  const address = addresses.PLAINTEXT ?? '';
  const args = [...JVM, ...java(classPath), 'kafka.Kafka', 'server.properties'];
  const process = await launch({
    command: 'java',
    args,
    directory,
    answers: () => answers(address),
  });
  return Object.assign(process, {
    address,
    addresses,
    behind: listeners.filter((listener) => !isUsual(listener)).map(({ port }) => port),
    certificates,
    env: { KAFKA_BROKERS: address },
    envFor: (listener: ListenerName, login?: string) => ({
      KAFKA_BROKERS: addresses[listener] ?? '',
      ...(listener.endsWith('SSL') && certificates && { KAFKA_TLS: `ca=${certificates.ca}` }),
      ...(login !== undefined && { KAFKA_SASL: login }),
    }),
  });
}

function isUsual({ name, protocol }: { name: string; protocol: string }): boolean {
  return name === protocol;
}

function java(classPath: string): string[] {
  return [`-Dlog4j2.configurationFile=file:${LOG4J}`, '-cp', classPath];
}

async function format(
  directory: string,
  classPath: string,
  users: readonly KafkaUser[],
): Promise<void> {
  await mkdir(join(directory, 'data'));
  const scram = users.flatMap(({ name, password }) =>
    ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
  const tool = [
    'kafka.tools.StorageTool',
    'format',
    '--standalone',
    '-t',
    clusterId(),
    '-c',
    'server.properties',
  ];
  await execute('java', [...JVM, ...java(classPath), ...tool, ...scram], { cwd: directory });
}

/** Sixteen bytes in base64url; the first letter is none that looks like an option. */
function clusterId(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('base64url');
}

const ANSWER_DEADLINE_MS = 3_000;

/** The broker says that it is one, and every partition has found its leader. */
async function answers(address: string): Promise<void> {
  const admin = new Admin({
    clientId: 'parts',
    bootstrapBrokers: [address],
    retries: 0,
    connectTimeout: ANSWER_DEADLINE_MS,
    requestTimeout: ANSWER_DEADLINE_MS,
  });
  try {
    const { brokers, topics } = await admin.metadata({ topics: await admin.listTopics() });
    if (brokers.size === 0) throw new Error('no broker is registered yet');
    for (const [topic, { partitions }] of topics) {
      if (partitions.some(({ leader }) => leader < 0))
        throw new Error(`${topic} has no leader yet`);
    }
  } finally {
    await admin.close();
  }
}
