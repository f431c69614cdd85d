/** A member of the gateway's group in a process of its own, which a test lets die at one event. */

import { logFeed } from '../../src/gateway/events/log-feed.ts';
import { RedisLog } from '../../src/gateway/streams/redis-log.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { sealingKeyFrom } from '../../src/log/consumers/sealing.ts';
import { createKafkaClient } from '../../src/log/kafka/create.ts';
import { createEventTopics } from '../../src/log/kafka/event-topics.ts';
import { redisLink } from './redis-link.ts';

const [kafka = '', redis = '', prefix = '', dieAfter = ''] = process.argv.slice(2);
const report = (error: unknown): void => void process.stderr.write(`${error}\n`);
const client = createKafkaClient({ brokers: [kafka], clientId: 'taker' }, 'platformatic');
const { link } = await redisLink(prefix, redis);
const log = new RedisLog({ redis: link, report });
const feed = logFeed(log, systemClock, report);
const topics = createEventTopics({
  ...{ client, topicPrefix: prefix, groupPrefix: prefix, clock: systemClock, onTrouble: report },
  keys: [sealingKeyFrom(new Uint8Array(32))],
});
await topics
  .take({
    group: 'gateway',
    topics: ['call-notifications'],
    onLag: () => undefined,
    async take(event) {
      await feed(event);
      // The fault point: the channel log has it, and the offset is not committed.
      if (event.id === dieAfter) process.kill(process.pid, 'SIGKILL');
    },
  })
  .start();
process.stdout.write('taking\n');
