import { murmur2 } from '../../kernel/murmur2.ts';
import type { KafkaMessage, TopicPlace } from './client.ts';
import { BOUNDS } from './client-bounds.ts';

export interface PlacedMessage extends KafkaMessage {
  readonly partition: number;
}

/** What a record costs beside its key, value and headers, generously. */
const RECORD_BYTES = 64;

export function keyOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}

/** @param countOf how many partitions a topic has */
export function placed(
  messages: readonly KafkaMessage[],
  countOf: (topic: string) => number,
): PlacedMessage[] {
  return messages.map((message) => {
    const { partition = message.key ? murmur2(message.key) % countOf(message.topic) : 0 } = message;
    return { ...message, partition };
  });
}

/**
 * In order, so that no chunk brings a partition more than one batch may have: the broker measures
 * the batch, and a client makes one batch of all that a request has for a partition.
 */
export function chunksOf(messages: readonly PlacedMessage[]): PlacedMessage[][] {
  const chunks: PlacedMessage[][] = [];
  let chunk: PlacedMessage[] = [];
  let sizes = new Map<string, number>();
  for (const message of messages) {
    const key = keyOf(message);
    const size = (sizes.get(key) ?? 0) + bytesOf(message);
    if (chunk.length > 0 && size > BOUNDS.batchBytesMax) {
      chunks.push(chunk);
      chunk = [];
      sizes = new Map();
    }
    sizes.set(key, chunk.length === 0 ? bytesOf(message) : size);
    chunk.push(message);
  }
  if (chunk.length > 0) chunks.push(chunk);
  return chunks;
}

/** Refused by itself, so that it does not take with it what goes in the same request. */
export function isTooLarge(message: KafkaMessage): boolean {
  return bytesOf(message) > BOUNDS.recordBytesMax;
}

function bytesOf({ key, value, headers = {} }: KafkaMessage): number {
  let bytes = RECORD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, content] of Object.entries(headers)) bytes += name.length + content.length + 8;
  return bytes;
}

/** The first place of each partition: that of the earliest chunk. */
export function firstPlaces(places: Iterable<TopicPlace>): TopicPlace[] {
  const first = new Map<string, TopicPlace>();
  for (const place of places) {
    const known = first.get(keyOf(place));
    if (!known || place.offset < known.offset) first.set(keyOf(place), place);
  }
  return [...first.values()];
}
