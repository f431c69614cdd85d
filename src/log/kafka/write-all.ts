import type { KafkaMessage, KafkaTransaction, TopicPlace } from './client.ts';

/** Well under `max.message.bytes`, which bounds what one partition is sent at once. */
const SEND_BYTES_MAX = 512 * 1024;
const SEND_MESSAGES_MAX = 2_000;

/**
 * Sends messages in order, as many at once as a broker takes, and answers the offset after the last
 * one of each partition.
 * @param expected the offset that the next message of a partition must get; undefined: any
 * @throws where it got another one: somebody else has written there
 */
export async function writeAll(
  transaction: Pick<KafkaTransaction, 'send'>,
  messages: readonly KafkaMessage[],
  expected: (topic: string, partition: number) => number | undefined,
): Promise<TopicPlace[]> {
  const next = new Map<string, TopicPlace>();
  for (const group of groups(messages)) {
    for (const { topic, partition, offset } of await transaction.send(group)) {
      const key = `${topic}:${partition}`;
      const due = next.get(key)?.offset ?? expected(topic, partition);
      if (expected(topic, partition) !== undefined && due !== offset) {
        throw new Error(`partition ${partition} went on at ${offset}, not at ${due}`);
      }
      const count = group.filter((one) => one.topic === topic && one.partition === partition);
      next.set(key, { topic, partition, offset: offset + count.length });
    }
  }
  return [...next.values()];
}

function groups(messages: readonly KafkaMessage[]): KafkaMessage[][] {
  const all: KafkaMessage[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const size = sizeOf(message);
    const group = all.at(-1);
    const fits = bytes + size <= SEND_BYTES_MAX && (group?.length ?? 0) < SEND_MESSAGES_MAX;
    if (group !== undefined && fits) group.push(message);
    else all.push([message]);
    bytes = group !== undefined && fits ? bytes + size : size;
  }
  return all;
}

function sizeOf({ key, value, headers = {} }: KafkaMessage): number {
  const parts = [key, value, ...Object.values(headers)];
  return parts.reduce((sum, part) => sum + (part === null ? 0 : Buffer.byteLength(part)), 64);
}
