import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KafkaMessage, TopicPlace } from './client.ts';
import { writeAll } from './write-all.ts';

/** A broker's answers: the next offset of each partition. */
function broker(next: Record<string, number>) {
  const sent: number[] = [];
  return {
    sent,
    async send(messages: readonly KafkaMessage[]): Promise<TopicPlace[]> {
      sent.push(messages.length);
      const first = new Map<string, TopicPlace>();
      for (const { topic, partition = 0 } of messages) {
        const key = `${topic}:${partition}`;
        const offset = next[key] ?? 0;
        next[key] = offset + 1;
        if (!first.has(key)) first.set(key, { topic, partition, offset });
      }
      return [...first.values()];
    },
  };
}

const message = (partition: number, bytes = 10): KafkaMessage => ({
  ...{ topic: 'sources', partition, key: Buffer.from('k'), value: Buffer.alloc(bytes) },
});

test('what is too much for one send goes in several, and the offsets after the last are answered', async () => {
  const to = broker({ 'sources:1': 7 });
  const messages = [message(1, 300_000), message(2), message(1, 300_000), message(1)];
  const places = await writeAll(to, messages, (_, partition) => (partition === 1 ? 7 : 0));
  assert.deepEqual(to.sent, [2, 2]);
  assert.deepEqual(places, [
    { topic: 'sources', partition: 1, offset: 10 },
    { topic: 'sources', partition: 2, offset: 1 },
  ]);
});

test('P4: an offset that somebody else took ends the transaction', async () => {
  await assert.rejects(
    writeAll(broker({ 'sources:1': 8 }), [message(1)], () => 7),
    /went on at 8, not at 7/,
  );
});
