/** Prints which documents changed, once each: a consumer of `twins.resource-events`. See --help. */

import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
// Elsewhere: from 'digital-twin-mcp/events'.
import * as events from '../src/log/consumers/index.ts';

const HELP = `node examples/consumer.ts [--brokers HOST:PORT] [--prefix PREFIX] [--data-dir DIRECTORY]

Listens to the twins of a server that was started with KAFKA_BROKERS, and KAFKA_TOPIC_PREFIX where
a prefix is named. What it handled is remembered in consumer.db; what it cannot handle is sealed with
the key of that server's data directory: digital-twin dlq list
`;
const changes = events.decodeOnly([
  events.TwinResourceCreatedEventSchema,
  events.TwinResourceUpdatedEventSchema,
]);
const { values } = parseArgs({
  options: {
    brokers: { type: 'string', default: '127.0.0.1:9092' },
    prefix: { type: 'string', default: '' },
    'data-dir': { type: 'string', default: './data' },
    help: { type: 'boolean' },
  },
});
if (values.help === true) process.stdout.write(HELP);
else await listen();

async function listen(): Promise<void> {
  const keysFile = readFileSync(`${values['data-dir']}/keys.json`, 'utf8');
  const secret = Buffer.from(JSON.parse(keysFile).cursor, 'base64url');
  const group = `${values.prefix}example`;
  const idempotency = { database: 'consumer.db', group, clock: Date };
  const consumer = events.createConsumer({
    connection: { brokers: values.brokers.split(','), clientId: 'example' },
    group,
    topics: [`${values.prefix}twins.resource-events`],
    topicPrefix: values.prefix,
    decode: changes,
    handler: ({ type, value }) => console.log(type, value.uri, value.etag),
    idempotency: events.createSqliteIdempotency(idempotency),
    deadLetters: { keys: [events.sealingKeyFrom(secret)] },
    onTrouble: console.error,
  });
  await consumer.start();
  process.once('SIGINT', () => void consumer.stop());
}
