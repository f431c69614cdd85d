import type { fetchV17, RecordsBatch } from '@platformatic/kafka';
import type { KafkaRecord, TopicPartition } from './client.ts';

/** Bits of a batch's attributes (Kafka's message format, version 2). */
/** The broker's clock, not the producer's: one time for the whole batch. */
const IS_APPEND_TIME = 1 << 3;
const IS_TRANSACTIONAL = 1 << 4;
const IS_CONTROL = 1 << 5;
/** The type in a control record's key. */
const ABORT = 0;

export interface Fetched {
  readonly records: KafkaRecord[];
  /** Where the next fetch begins. */
  readonly next: number;
  readonly bytes: number;
}

/**
 * The committed records from `from` on. The library drops aborted records too, but only between
 * the beginning and the end of the last transaction that a producer aborted in one answer: where
 * it aborted two, or the end is in the next answer, aborted records come through. So the broker's
 * list of aborted transactions is followed here, as the Java client does.
 */
export function committedOf(
  place: TopicPartition,
  from: number,
  { records: batches, abortedTransactions }: fetchV17.FetchResponsePartition,
): Fetched {
  const coming = [...(abortedTransactions ?? [])].sort((a, b) =>
    Number(a.firstOffset - b.firstOffset),
  );
  const aborting = new Set<bigint>();
  const records: KafkaRecord[] = [];
  let next = from;
  let bytes = 0;
  for (const batch of batches ?? []) {
    const last = batch.firstOffset + BigInt(batch.lastOffsetDelta);
    while (coming[0] && coming[0].firstOffset <= last) {
      aborting.add(coming[0].producerId);
      coming.shift();
    }
    next = Math.max(next, Number(last) + 1);
    bytes += batch.length;
    if (batch.attributes & IS_CONTROL) {
      if (isAbort(batch)) aborting.delete(batch.producerId);
    } else if (!(batch.attributes & IS_TRANSACTIONAL && aborting.has(batch.producerId))) {
      for (const record of recordsOf(place, batch)) if (record.offset >= from) records.push(record);
    }
  }
  return { records, next, bytes };
}

function isAbort({ records }: RecordsBatch): boolean {
  return records[0]?.key?.readInt16BE(2) === ABORT;
}

function recordsOf({ topic, partition }: TopicPartition, batch: RecordsBatch): KafkaRecord[] {
  const first = Number(batch.firstOffset);
  const appended = batch.attributes & IS_APPEND_TIME ? Number(batch.maxTimestamp) : undefined;
  return batch.records.map(({ key, value, headers, offsetDelta, timestampDelta }) => ({
    topic,
    partition,
    offset: first + offsetDelta,
    key,
    value,
    headers: Object.fromEntries(
      headers.map(([name, content]) => [String(name ?? ''), content ?? Buffer.alloc(0)]),
    ),
    timestamp: appended ?? Number(batch.firstTimestamp + timestampDelta),
  }));
}
