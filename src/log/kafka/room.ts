import type { Service } from '../../kernel/lifecycle.ts';
import { createDeadLetterDesk } from '../consumers/dead-letter-desk.ts';
import { createReplays } from '../consumers/replays.ts';
import { type SealingKeys, sealingKeyFrom } from '../consumers/sealing.ts';
import { createRegistry, isRegistryFault } from '../events/index.ts';
import type { KafkaSettings, LogRoom, LogRoomOptions } from '../room-parts.ts';
import { applyTopics, checkTopics } from './apply-topics.ts';
import { createKafkaAudits } from './audit-topic.ts';
import { createKafkaCheckJournal } from './check-journal.ts';
import type { KafkaClient } from './client.ts';
import { createKafkaClient } from './create.ts';
import { createEventTopics } from './event-topics.ts';
import { createKafkaJournal } from './journal.ts';
import { createKafkaLog } from './kafka-log.ts';
import { createLeadership } from './leadership.ts';
import { ensureLogIdentity, readLogIdentity } from './log-identity.ts';
import { createKafkaNotifications } from './notifications.ts';
import { createPublisher } from './publisher.ts';
import { PARTITIONS, replicationOn, topicNames, topicSpecs } from './topics.ts';
import { createTroubles } from './trouble.ts';
import { withRegistry } from './with-registry.ts';

type Options = Omit<LogRoomOptions, 'kafka'> & { readonly kafka: KafkaSettings };

export async function openKafkaRoom(options: Options): Promise<LogRoom> {
  const { kafka, dataDir, clock, memberIds, memberIdKey, etagKey } = options;
  const onError = createTroubles(options);
  const { topicPrefix } = kafka;
  const client = await clientOf(kafka);
  const names = topicNames(topicPrefix);
  const [newest, ...replaced] = options.letterSecrets;
  const keys: SealingKeys = [sealingKeyFrom(newest), ...replaced.map(sealingKeyFrom)];
  const identity = await identityOf(client, options).catch(async (error: unknown) => {
    await client.close();
    throw error;
  });
  const leadershipOf = (role: string, topic = names.log) =>
    createLeadership({
      client,
      topic,
      groupId: `${kafka.groupPrefix}${role}`,
      onTrouble: onError,
    });
  const idOf = (role: string): string => `${kafka.groupPrefix}${role}`;
  const decided = createKafkaLog({
    ...{ client, identity, dataDir, clock, onError, memberIds, memberIdKey, etagKey },
    topics: { ...names, directoryPartitions: identity.partitions },
    intakePartitions: identity.partitions,
    transactionalId: idOf('decider'),
    leadership: leadershipOf('decider'),
    letters: { keys, topicPrefix },
  });
  const journal = createKafkaJournal({ client, topic: names.relations, clock, onTrouble: onError });
  const audits = createKafkaAudits({ client, topic: names.audit, clock, onTrouble: onError });
  const asked = { client, topic: names.notifications, onTrouble: onError };
  const notifications = createKafkaNotifications(asked);
  const events = createEventTopics({
    ...{ client, keys, topicPrefix, clock, onTrouble: onError },
    groupPrefix: kafka.groupPrefix,
  });
  const checkJournal = createKafkaCheckJournal({
    ...{ client, onTrouble: onError, transactionalId: idOf('eligibility') },
    topics: { requests: names.checks, completion: names.checksEnded },
  });
  const closing: Service = {
    name: 'kafka',
    start: () => Promise.resolve(),
    stop: () => client.close(),
  };
  return {
    log: decided.log,
    intake: decided.intake,
    relations: journal,
    relationsLeadership: leadershipOf('relations-writer'),
    services: [closing, decided, journal, audits, notifications, events],
    ...{ audits, notifications, events },
    checks: { journal: checkJournal, leadership: leadershipOf('eligibility', names.checks) },
    purge: decided.purge,
    desks: {
      deadLetters: createDeadLetterDesk({
        ...{ client, topicPrefix, transactionalId: idOf('dead-letters') },
        keys,
      }),
      replays: createReplays({ client, topicPrefix }),
    },
    publisher(view, bus) {
      const leadership = leadershipOf('publisher');
      const publisher = createPublisher({
        ...{ client, leadership, view, bus, clock, topics: names, onTrouble: onError },
        transactionalId: idOf('publisher'),
      });
      return [publisher, leadership];
    },
  };
}

/** Where a registry is named, it has our schemas before the first record is written. */
async function clientOf(kafka: KafkaSettings): Promise<KafkaClient> {
  const { schemaRegistry: url, topicPrefix } = kafka;
  const registry = url === undefined ? undefined : createRegistry({ url, topicPrefix });
  await registry?.start().catch((error: unknown) => {
    if (!isRegistryFault(error)) throw error;
    throw new Error(`SCHEMA_REGISTRY_URL: ${error.message}; ${error.mend}`, { cause: error });
  });
  const client = createKafkaClient({ ...kafka, clientId: 'digital-twin' }, kafka.client);
  return registry === undefined ? client : withRegistry(client, registry);
}

/** Which log this is; topics that are missing, or not as they should be, are told all at once. */
async function identityOf(client: KafkaClient, { kafka, makeTopics }: Options) {
  const { topicPrefix } = kafka;
  const replication = replicationOn(await client.admin.brokers());
  const wanted = { prefix: topicPrefix, partitions: PARTITIONS, replication };
  const names = topicNames(topicPrefix);
  if (makeTopics) {
    await applyTopics(client.admin, topicSpecs(wanted));
    return await ensureLogIdentity(client, names, PARTITIONS);
  }
  const faults = await checkTopics(client.admin, topicSpecs(wanted));
  const identity = faults.length > 0 ? undefined : await readLogIdentity(client, names);
  if (identity !== undefined) return identity;
  const lines = faults.map(({ topic, what, mend }) => `  ${topic} ${what}: ${mend}`);
  throw new Error(['The topics of Kafka are not ready.', ...lines].join('\n'));
}
