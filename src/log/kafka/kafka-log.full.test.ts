import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, describe } from 'node:test';
import { sharedKafka } from '../../../test/support/parts.ts';
import { logSuite } from '../log-suite-all.rig.ts';
import type { KafkaConnection } from './client.ts';
import { createKafkaClient, type KafkaAdapter } from './create.ts';
import { newLog, specsOf } from './kafka-log.rig.ts';

for (const adapter of ['platformatic', 'kafkajs'] as const satisfies readonly KafkaAdapter[]) {
  describe(`the log on Kafka by ${adapter}`, () => {
    let connection: KafkaConnection;
    before(async () => {
      const { address } = await sharedKafka();
      connection = { brokers: [address], clientId: 'log-suite' };
    });
    let number = 0;
    logSuite(() => {
      number += 1;
      const prefix = `log-${adapter}-${process.pid}-${number}.`;
      const dataDir = mkdtempSync(join(tmpdir(), 'twin-kafka-log-'));
      const specs = specsOf(prefix);
      // One each: a client goes on asking for the topics that it knew, removed ones included.
      const client = createKafkaClient(connection, adapter);
      let made = false;
      return {
        async open() {
          if (!made) await client.admin.create(specs);
          made = true;
          const log = await newLog(client, prefix, dataDir);
          await log.start();
          return log;
        },
        async remove() {
          await client.admin.remove(specs.map(({ topic }) => topic));
          await client.close();
          await rm(dataDir, { recursive: true });
        },
      };
    });
  });
}
