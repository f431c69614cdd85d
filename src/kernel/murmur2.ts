/**
 * Kafka's murmur2 of a key's bytes (a string's are UTF-8) (`org.apache.kafka.common.utils.Utils#murmur2`), made
 * positive the way Kafka's default partitioner does. Outside producers keyed by member therefore
 * land on the partition that we compute.
 */
export function murmur2(key: string | Buffer): number {
  const data = typeof key === 'string' ? Buffer.from(key, 'utf8') : key;
  const m = 0x5bd1e995;
  let h = (0x9747b28c ^ data.length) | 0;
  let i = 0;
  for (; i + 4 <= data.length; i += 4) {
    let k = Math.imul(data.readInt32LE(i), m);
    k = Math.imul(k ^ (k >>> 24), m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = data.length - i;
  if (rest === 3) h ^= (data[i + 2] ?? 0) << 16;
  if (rest >= 2) h ^= (data[i + 1] ?? 0) << 8;
  if (rest >= 1) h = Math.imul(h ^ (data[i] ?? 0), m);
  h = Math.imul(h ^ (h >>> 13), m);
  return (h ^ (h >>> 15)) & 0x7fffffff;
}

export function partitionOf(key: string, partitions: number): number {
  return murmur2(key) % partitions;
}
