/** A process for tests to kill: it has sent in a transaction and never commits. */

import { clientOf } from './client-suite.rig.ts';
import type { KafkaAdapter } from './create.ts';

const [which = 'platformatic', address = '', name = ''] = process.argv.slice(2);
const client = clientOf(which as KafkaAdapter, { brokers: [address] });
const producer = client.producer({ transactionalId: name });
await producer.open();
const transaction = await producer.begin();
await transaction.send([{ topic: name, key: Buffer.from('k'), value: Buffer.from('lost') }]);
process.stdout.write('sent\n');
setInterval(() => undefined, 1_000);
