import type { Service } from '../../kernel/lifecycle.ts';
import type { LogRoom, LogRoomOptions } from '../room.ts';
import { applyTopics, checkTopics } from './apply-topics.ts';
import type { KafkaClient, KafkaConnection } from './client.ts';
import { createKafkaClient, type KafkaAdapter } from './create.ts';
import { createKafkaJournal } from './journal.ts';
import { createKafkaLog } from './kafka-log.ts';
import { createLeadership } from './leadership.ts';
import { ensureLogIdentity, readLogIdentity } from './log-identity.ts';
import { createPublisher } from './publisher.ts';
import { PARTITIONS, topicNames, topicSpecs } from './topics.ts';

export interface KafkaSettings {
  readonly connection: Omit<KafkaConnection, 'clientId'>;
  readonly adapter: KafkaAdapter;
  readonly topicPrefix: string;
  readonly groupPrefix: string;
  /** `apply`: what is missing is made at start; `check`: the start is refused, naming the command. */
  readonly topics: 'apply' | 'check';
}

type Options = Omit<LogRoomOptions, 'kafka'> & { readonly kafka: KafkaSettings };

export async function openKafkaRoom(options: Options): Promise<LogRoom> {
  const { kafka, dataDir, clock, onError, memberIds, memberIdKey } = options;
  const client = connect(kafka, 'digital-twin');
  const names = topicNames(kafka.topicPrefix);
  const identity = await identityOf(client, kafka);
  const leadershipOf = (role: string) =>
    createLeadership({
      client,
      topic: names.log,
      groupId: `${kafka.groupPrefix}${role}`,
      onTrouble: onError,
    });
  const idOf = (role: string): string => `${kafka.topicPrefix}${role}`;
  const decided = createKafkaLog({
    ...{ client, identity, dataDir, clock, onError, memberIds, memberIdKey },
    topics: { ...names, directoryPartitions: identity.partitions },
    intakePartitions: identity.partitions,
    transactionalId: idOf('decider'),
    leadership: leadershipOf('decider'),
  });
  const journal = createKafkaJournal({ client, topic: names.relations, clock, onTrouble: onError });
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
    services: [closing, decided, journal],
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

function connect({ connection, adapter }: KafkaSettings, clientId: string): KafkaClient {
  return createKafkaClient({ ...connection, clientId }, adapter);
}

/** Which log this is; topics that are missing, or not as they should be, are told all at once. */
async function identityOf(client: KafkaClient, { topicPrefix, topics }: KafkaSettings) {
  const wanted = { prefix: topicPrefix, partitions: PARTITIONS, replication: 1 };
  const names = topicNames(topicPrefix);
  if (topics === 'apply') {
    await applyTopics(client.admin, topicSpecs(wanted));
    return await ensureLogIdentity(client, names, PARTITIONS);
  }
  const faults = await checkTopics(client.admin, topicSpecs(wanted));
  const identity = faults.length > 0 ? undefined : await readLogIdentity(client, names);
  if (identity !== undefined) return identity;
  const lines = faults.map(({ topic, what, mend }) => `  ${topic} ${what}: ${mend}`);
  throw new Error(['The topics of Kafka are not ready.', ...lines].join('\n'));
}
