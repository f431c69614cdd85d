import type { KafkaRecord, TopicPlace } from './client.ts';
import type { FetchedPartition } from './client-wire.ts';
import type { WireMessage, WirePartition } from './kafkajs-types.ts';

/** The key of the control record that ends a transaction by aborting it: version 0, type 0. */
const ABORT = Buffer.alloc(4);
const RECORD_BYTES = 64;

/**
 * The committed records from an offset on. The library's own consumer takes up one aborted
 * transaction a record, so that where two producers' overlap the first record of the second comes
 * through; here all that have begun are taken up, as the Java client does.
 */
export function committedOf(place: TopicPlace, partition: WirePartition): FetchedPartition {
  const coming = partition.abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, first: Number(firstOffset) }))
    .toSorted((a, b) => a.first - b.first);
  const aborting = new Set<string>();
  const records: KafkaRecord[] = [];
  let next = place.offset;
  let bytes = 0;
  for (const message of partition.messages) {
    const offset = Number(message.offset);
    while (coming[0] && coming[0].first <= offset) {
      aborting.add(coming[0].producerId);
      coming.shift();
    }
    next = Math.max(next, offset + 1);
    bytes += RECORD_BYTES + (message.key?.length ?? 0) + (message.value?.length ?? 0);
    const { producerId = '', inTransaction = false } = message.batchContext ?? {};
    if (message.isControlRecord) {
      if (message.key?.equals(ABORT)) aborting.delete(producerId);
    } else if (offset >= place.offset && !(inTransaction && aborting.has(producerId))) {
      records.push(recordOf(place, offset, message));
    }
  }
  return { ...place, records, next, bytes, stable: Number(partition.lastStableOffset) };
}

function recordOf(
  { topic, partition }: TopicPlace,
  offset: number,
  { key, value, headers, timestamp }: WireMessage,
): KafkaRecord {
  const last = (content: Buffer | Buffer[] | string | undefined): Buffer => {
    const one = Array.isArray(content) ? content.at(-1) : content;
    return typeof one === 'string' ? Buffer.from(one) : (one ?? Buffer.alloc(0));
  };
  return {
    ...{ topic, partition, offset, key, value },
    headers: Object.fromEntries(
      Object.entries(headers ?? {}).map(([name, content]) => [name, last(content)]),
    ),
    timestamp: Number(timestamp),
  };
}
