import { isObject } from '../../kernel/json.ts';
import type { Place } from '../../twin/ports.ts';
import type { KafkaClient, KafkaMessage, KafkaRecord } from './client.ts';

/** The last place that was published, by partition of the sources. */
export type Progress = Map<number, number>;

/** Written in the transaction of the events that it counts. */
export function progressMessage(topic: string, epoch: string, place: Place): KafkaMessage {
  const { partition, offset } = place;
  const value = Buffer.from(JSON.stringify({ epoch, offset }));
  return { topic, partition: 0, key: Buffer.from(`${partition}`), value };
}

/**
 * What has been committed by now: to be called once the former owner is fenced, so that nothing is
 * added after it. Places of another log mean nothing in this one.
 */
export async function readProgress(
  client: Pick<KafkaClient, 'follow'>,
  topic: string,
  epoch: string,
): Promise<Progress> {
  const progress: Progress = new Map();
  const { promise: trouble, reject } = Promise.withResolvers<never>();
  trouble.catch(() => undefined);
  const follower = client.follow({
    from: [{ topic, partition: 0, offset: 0 }],
    onRecords: async (records) => {
      for (const record of records) take(progress, epoch, record);
    },
    onTrouble: reject,
  });
  try {
    await Promise.race([follower.start(), trouble]);
    await Promise.race([follower.caughtUp(), trouble]);
    return progress;
  } finally {
    await follower.stop();
  }
}

function take(progress: Progress, epoch: string, { key, value }: KafkaRecord): void {
  const partition = Number(key?.toString());
  const said: unknown = value === null ? undefined : JSON.parse(value.toString());
  if (!Number.isSafeInteger(partition) || !isObject(said)) {
    throw new Error('the publisher cannot read up to where it has published');
  }
  if (said.epoch === epoch) progress.set(partition, Number(said.offset));
  else progress.delete(partition);
}
