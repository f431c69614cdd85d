import { isObject } from '../../kernel/json.ts';
import type { KafkaClient, KafkaMessage, KafkaRecord } from './client.ts';

/** How far one partition of the sources is published. */
export interface Reached {
  /** The last place of which everything that our view says is told. */
  readonly offset: number;
  /**
   * The last place that all views agree on: whatever records up to it change is told. Within a batch
   * of ours, another view may say at an earlier place what ours says at a later one, which is not
   * told yet: so whoever takes over begins here.
   */
  readonly safe: number;
  /** How many events were told since. */
  readonly open: number;
}

/** By partition of the sources. */
export type Progress = Map<number, Reached>;

const NOWHERE: Reached = { offset: -1, safe: -1, open: 0 };

export function reachedIn(progress: Progress, partition: number): Reached {
  return progress.get(partition) ?? NOWHERE;
}

/** Written in the transaction of the events that it counts. */
export function progressMessage(
  topic: string,
  epoch: string,
  partition: number,
  { offset, safe, open }: Reached,
): KafkaMessage {
  const value = Buffer.from(JSON.stringify({ epoch, offset, safe, open }));
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
  if (said.epoch !== epoch) {
    progress.delete(partition);
    return;
  }
  const offset = Number(said.offset);
  // An earlier version told no more than how far it had come.
  const { safe = offset, open = 0 } = said;
  progress.set(partition, { offset, safe: Number(safe), open: Number(open) });
}
