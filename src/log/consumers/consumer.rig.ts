/**
 * A member of a group in a process of its own, which a test kills or stops. Its effects are rows of
 * a SQLite file that all members share. Arguments: broker, topic, file, adapter.
 */

import { sleep, systemClock } from '../../kernel/clock.ts';
import { openDatabase } from '../../kernel/sqlite.ts';
import { createKafkaClient } from '../kafka/create.ts';
import { KEYS } from './consumer.testing.ts';
import { createConsumer } from './consumer.ts';
import { decodeEvents } from './decode.ts';
import { createSqliteIdempotency } from './idempotency-sqlite.ts';

const [broker = '', topic = '', file = '', adapter = ''] = process.argv.slice(2);
const db = openDatabase(file, 'NORMAL');
db.exec('CREATE TABLE IF NOT EXISTS effects (id TEXT, key TEXT, pid INTEGER)');
const put = db.prepare('INSERT INTO effects VALUES (?, ?, ?)');
const group = `${topic}-rig`;
const idempotency = createSqliteIdempotency({ database: db, group, clock: systemClock });
const client = createKafkaClient(
  { brokers: [broker], clientId: 'rig' },
  adapter === 'kafkajs' ? 'kafkajs' : 'platformatic',
);
const consumer = createConsumer({
  ...{ client, group, idempotency, sessionTimeoutMs: 6_000 },
  topics: [topic],
  decode: decodeEvents(),
  deadLetters: { keys: KEYS },
  async handler({ id, key }) {
    await sleep(5);
    idempotency.once(id, () => void put.run(id, key, process.pid));
  },
  onTrouble: (error) => void process.stderr.write(`${process.pid} ${String(error)}\n`),
});
await consumer.start();
process.stdout.write('ready\n');
