import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { sharedKafka } from '../../../test/support/parts.ts';
import { systemClock } from '../../kernel/clock.ts';
import { type LogUnderTest, logSuite } from '../log-suite.ts';
import type { KafkaClient } from './client.ts';
import { createKafkaClient, type KafkaAdapter } from './create.ts';
import { createKafkaJournal } from './journal.ts';
import { createKafkaLog } from './kafka-log.ts';
import { createLeadership } from './leadership.ts';
import { ensureLogIdentity } from './log-identity.ts';
import { topicNames, topicSpecs } from './topics.ts';

const PARTITIONS = 16;
let client: KafkaClient;

async function newLog(prefix: string, dataDir: string): Promise<LogUnderTest> {
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

for (const adapter of ['platformatic'] as const satisfies readonly KafkaAdapter[]) {
  describe(`the log on Kafka by ${adapter}`, () => {
    before(async () => {
      const { address } = await sharedKafka();
      client = createKafkaClient({ brokers: [address], clientId: 'log-suite' }, adapter);
    });
    after(() => client.close());
    let number = 0;
    logSuite(() => {
      number += 1;
      const prefix = `log-suite-${process.pid}-${number}.`;
      const dataDir = mkdtempSync(join(tmpdir(), 'twin-kafka-log-'));
      const specs = topicSpecs({ prefix, partitions: PARTITIONS, replication: 1 }).filter(
        ({ topic }) => Object.values(topicNames(prefix)).some((name) => topic.startsWith(name)),
      );
      let made = false;
      return {
        async open() {
          if (!made) await client.admin.create(specs);
          made = true;
          const log = await newLog(prefix, dataDir);
          await log.start();
          return log;
        },
        async remove() {
          await client.admin.remove(specs.map(({ topic }) => topic));
          await rm(dataDir, { recursive: true });
        },
      };
    });
  });
}
