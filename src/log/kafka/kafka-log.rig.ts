/** A log on Kafka as the application opens one, for tests that bring their own topics. */

import { systemClock } from '../../kernel/clock.ts';
import type { LogUnderTest } from '../log-suite.rig.ts';
import type { KafkaClient, TopicSpec } from './client.ts';
import { createKafkaJournal } from './journal.ts';
import { createKafkaLog, type KafkaLog } from './kafka-log.ts';
import { createLeadership } from './leadership.ts';
import { ensureLogIdentity } from './log-identity.ts';
import { topicNames, topicSpecs } from './topics.ts';

export const PARTITIONS = 16;

export async function newLog(
  client: KafkaClient,
  prefix: string,
  dataDir: string,
): Promise<LogUnderTest & Pick<KafkaLog, 'purge'>> {
  const names = topicNames(prefix);
  const identity = await ensureLogIdentity(client, names, PARTITIONS);
  const onError = (error: unknown): void => console.error(error);
  const log = createKafkaLog({
    client,
    topics: { ...names, directoryPartitions: PARTITIONS },
    identity,
    intakePartitions: PARTITIONS,
    transactionalId: `${prefix}decider`,
    dataDir,
    memberIds: 'patient-id',
    memberIdKey: new Uint8Array(32),
    etagKey: new Uint8Array(32),
    leadership: createLeadership({
      client,
      topic: names.log,
      groupId: `${prefix}decider`,
      onTrouble: onError,
    }),
    letters: { topicPrefix: prefix },
    clock: systemClock,
    onError,
  });
  const relations = createKafkaJournal({
    client,
    topic: names.relations,
    clock: systemClock,
    onTrouble: onError,
  });
  return {
    name: 'log',
    log: log.log,
    intake: log.intake,
    purge: log.purge,
    relations,
    async start() {
      await log.start();
      await relations.start();
    },
    async stop() {
      await relations.stop();
      await log.stop();
    },
  };
}

/** The topics that a log needs, and their dead letters. */
export function specsOf(prefix: string): TopicSpec[] {
  const names = Object.values(topicNames(prefix));
  return topicSpecs({ prefix, partitions: PARTITIONS, replication: 1 }).filter(({ topic }) =>
    names.some((name) => topic === name || topic === `${name}.dlq`),
  );
}

/** The same on a Kafka that compacts as soon as it can, and forgets tombstones soon after. */
export function compactingSpecsOf(prefix: string, tombstonesMs = 60_000): TopicSpec[] {
  const eager = { ...EAGER, 'delete.retention.ms': String(tombstonesMs) };
  return specsOf(prefix).map((spec) =>
    spec.configs['cleanup.policy'] === 'compact'
      ? { ...spec, configs: { ...spec.configs, ...eager } }
      : spec,
  );
}

const EAGER = {
  'segment.ms': '100',
  'max.compaction.lag.ms': '100',
  'min.cleanable.dirty.ratio': '0.01',
};
