import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { sharedKafka } from '../../../test/support/parts.ts';
import { sleep } from '../../kernel/clock.ts';
import type {
  FollowOptions,
  KafkaClient,
  KafkaConnection,
  KafkaFollower,
  KafkaMessage,
  KafkaRecord,
  TopicSpec,
} from './client.ts';
import { createKafkaClient, type KafkaAdapter } from './create.ts';

/** A topic of one test, and a client to use it with. */
export interface Ground {
  readonly client: KafkaClient;
  readonly address: string;
  /** Nobody else has it: of a topic, a group, a transactional id. */
  readonly name: string;
  message(key: string, value: string | null, partition?: number): KafkaMessage;
  /** Follows every partition from its start; what came is in `seen`. */
  follow(options?: Partial<FollowOptions>): Promise<Following>;
}

export interface Following extends KafkaFollower {
  readonly seen: KafkaRecord[];
  readonly troubles: unknown[];
  /**
   * Resolves when all that transactions ended with has come too: an end is answered once it is sure,
   * and its markers come to the partitions a moment later.
   */
  settled(): Promise<void>;
  /** Values of `seen`, in the order of coming. */
  values(): (string | null)[];
}

/** Runs a test on a topic of its own, and removes it. */
export async function onTopic(
  which: KafkaAdapter,
  spec: Partial<TopicSpec>,
  test: (ground: Ground) => Promise<void>,
): Promise<void> {
  const { address, prefix } = await sharedKafka();
  const name = `${prefix}${randomUUID().slice(0, 8)}`;
  const client = clientOf(which, { brokers: [address] });
  const shape = { partitions: 1, replication: 1, configs: {}, ...spec };
  try {
    await client.admin.create([{ ...shape, topic: name }]);
    await test(groundOf(client, address, name, shape.partitions));
  } finally {
    await client.admin.remove([name]);
    await client.close();
  }
}

export function clientOf(which: KafkaAdapter, connection: Partial<KafkaConnection>): KafkaClient {
  return createKafkaClient({ brokers: [], clientId: 'client-suite', ...connection }, which);
}

export function groundOf(
  client: KafkaClient,
  address: string,
  name: string,
  partitions: number,
): Ground {
  return {
    client,
    address,
    name,
    message: (key, value, partition) => ({
      topic: name,
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      ...(partition === undefined ? {} : { partition }),
    }),
    async follow(options = {}) {
      const seen: KafkaRecord[] = [];
      const troubles: unknown[] = [];
      const everywhere = Array.from({ length: partitions }, (_, partition) => ({
        ...{ topic: name, partition, offset: 0 },
      }));
      const follower = client.follow({
        from: everywhere,
        onRecords: async (records) => void seen.push(...records),
        onTrouble: (error) => void troubles.push(error),
        ...options,
      });
      await follower.start();
      const values = (): (string | null)[] => seen.map(({ value }) => value && String(value));
      const ended = async (): Promise<boolean> =>
        isDeepStrictEqual(await client.admin.ends(name), await client.admin.nexts(name));
      const settled = (): Promise<void> => until(ended).then(() => follower.caughtUp());
      return Object.assign(follower, { seen, troubles, settled, values });
    },
  };
}

/** Asks again until it is so; the runner's own limit ends it otherwise. */
export async function until(so: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await so())) await sleep(20);
}
