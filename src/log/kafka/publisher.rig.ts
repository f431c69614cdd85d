/**
 * An instance with a publisher, in a process of its own that a test kills or stops: its view grows
 * by itself, the same on every instance. Arguments: broker, prefix, changes, changes a second.
 */

import { systemClock } from '../../kernel/clock.ts';
import type { ViewChange } from '../../twin/ports.ts';
import { createKafkaClient } from './create.ts';
import { createLeadership } from './leadership.ts';
import { changeAt, EPOCH, PARTITIONS, shardOf } from './publisher.testing.ts';
import { createPublisher } from './publisher.ts';
import { topicNames } from './topics.ts';

const [broker = '', prefix = '', count = '0', rate = '1000'] = process.argv.slice(2);
const client = createKafkaClient({ brokers: [broker], clientId: 'rig' }, 'platformatic');
const topics = topicNames(prefix);
const onTrouble = (error: unknown): void => void process.stderr.write(`${String(error)}\n`);
const leadership = createLeadership({
  ...{ client, onTrouble, sessionTimeoutMs: 6_000 },
  topic: topics.publisher,
  groupId: `${prefix}publisher`,
});
const changes: ViewChange[] = [];
const listeners = new Set<(grown: readonly ViewChange[]) => void>();
const publisher = createPublisher({
  ...{ client, leadership, topics, onTrouble, clock: systemClock },
  transactionalId: `${prefix}publisher`,
  bus: {
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  },
  view: {
    epoch: EPOCH,
    partitions: PARTITIONS,
    for: () => shardOf(changes),
  },
});

leadership.onGained(() => process.stdout.write('leads\n'));
await publisher.start();
await leadership.start();
const startedAt = Number(process.env.RIG_STARTED_AT ?? Date.now());
let grown = 0;
setInterval(() => {
  const due = Math.min(Number(count), ((Date.now() - startedAt) / 1_000) * Number(rate));
  const more: ViewChange[] = [];
  for (; grown < due; grown++) {
    const change = changeAt(grown);
    changes.push(change);
    more.push(change);
  }
  if (more.length > 0) for (const listener of listeners) listener(more);
}, 10);
