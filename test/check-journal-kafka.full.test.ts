import { randomUUID } from 'node:crypto';
import { after, before, describe } from 'node:test';
import { checkJournalSuite } from '../src/eligibility/journal/journal-suite.rig.ts';
import { createKafkaCheckJournal } from '../src/log/kafka/check-journal.ts';
import type { KafkaClient } from '../src/log/kafka/client.ts';
import { createKafkaClient } from '../src/log/kafka/create.ts';
import { sharedKafka } from './support/parts.ts';

describe('the journal of checks on Kafka', () => {
  let client: KafkaClient;
  let topics: { requests: string; completion: string };
  before(async () => {
    const { address, prefix } = await sharedKafka();
    client = createKafkaClient({ brokers: [address], clientId: 'checks' }, 'platformatic');
    const id = `${prefix}${randomUUID().slice(0, 8)}`;
    topics = { requests: `${id}.rte.requests`, completion: `${id}.rte-completion` };
    const one = { partitions: 1, replication: 1, configs: {} };
    await client.admin.create([
      { topic: topics.requests, ...one },
      { topic: topics.completion, ...one },
    ]);
  });
  after(() => client.close());
  checkJournalSuite(async () => {
    const onTrouble = (error: unknown): void => console.error(error);
    const transactionalId = `${topics.requests}-broker`;
    const journal = createKafkaCheckJournal({ client, topics, transactionalId, onTrouble });
    return { journal, start: () => journal.start(), stop: () => journal.stop() };
  });
});
