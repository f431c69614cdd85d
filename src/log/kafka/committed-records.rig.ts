import { isDeepStrictEqual } from 'node:util';
import { sleep } from '../../kernel/clock.ts';
import type { KafkaClient, KafkaRecord } from './client.ts';

/** A transaction that a test leaves open is not waited for any longer. */
const SETTLED_WITHIN_MS = 10_000;

/**
 * Everything of a topic that is committed when it is called, in the order of each partition.
 *
 * The end of a transaction is answered once it is sure, and its markers come to the partitions a
 * moment later: until then a reader of committed records does not see it.
 */
export async function committedRecords(client: KafkaClient, topic: string): Promise<KafkaRecord[]> {
  await settled(client, topic);
  const found: KafkaRecord[] = [];
  const starts = await client.admin.starts(topic);
  const follower = client.follow({
    from: starts.map((offset, partition) => ({ topic, partition, offset })),
    onRecords: async (records) => void found.push(...records),
    // Tried again until it works: a cleaner may just be replacing what is read.
    onTrouble: () => undefined,
  });
  await follower.start();
  await follower.caughtUp();
  await follower.stop();
  return found;
}

async function settled({ admin }: KafkaClient, topic: string): Promise<void> {
  const deadline = Date.now() + SETTLED_WITHIN_MS;
  while (!isDeepStrictEqual(await admin.ends(topic), await admin.nexts(topic))) {
    if (Date.now() > deadline) return;
    await sleep(20);
  }
}
