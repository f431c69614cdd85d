import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe } from 'node:test';
import { sharedKafka } from '../../../test/support/parts.ts';
import { logSuite } from '../log-suite.ts';
import type { KafkaClient } from './client.ts';
import { createKafkaClient, type KafkaAdapter } from './create.ts';
import { newLog, specsOf } from './kafka-log.rig.ts';

for (const adapter of ['platformatic', 'kafkajs'] as const satisfies readonly KafkaAdapter[]) {
  describe(`the log on Kafka by ${adapter}`, () => {
    let client: KafkaClient;
    before(async () => {
      const { address } = await sharedKafka();
      client = createKafkaClient({ brokers: [address], clientId: 'log-suite' }, adapter);
    });
    after(() => client.close());
    let number = 0;
    logSuite(() => {
      number += 1;
      const prefix = `log-${adapter}-${process.pid}-${number}.`;
      const dataDir = mkdtempSync(join(tmpdir(), 'twin-kafka-log-'));
      const specs = specsOf(prefix);
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
          await rm(dataDir, { recursive: true });
        },
      };
    });
  });
}
