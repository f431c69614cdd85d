import { existsSync } from 'node:fs';
import { randomId } from '../../kernel/ids.ts';
import { partitionOf } from '../../kernel/murmur2.ts';
import { partitionKey } from '../../twin/subjects.ts';
import type { Captured } from '../kafka/capture.ts';
import type { KafkaClient, KafkaMessage, KafkaProducer } from '../kafka/client.ts';
import { messagesOf } from '../kafka/decider-messages.ts';
import type { DeciderTopics } from '../kafka/decider-methods.ts';
import { ensureLogIdentity, readLogIdentity } from '../kafka/log-identity.ts';
import { rowKeysFrom } from '../kafka/row-keys.ts';
import { newEpoch } from '../schema.ts';
import { piecesOf } from './log-file.ts';

export interface TransferOptions {
  readonly client: KafkaClient;
  readonly topics: DeciderTopics & { readonly log: string };
  /** How many partitions the sources have. */
  readonly partitions: number;
  /** The decider's: whoever decides meanwhile is fenced. */
  readonly transactionalId: string;
  /** `log.db` of a server that does not run. */
  readonly path: string;
  /** The deployment's key of member ids, which keys of the decider's rows are made with. */
  readonly memberIdKey: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/**
 * The log of a data directory into topics that hold none: every latest record as it was accepted,
 * so that documents have the same etags, and what the decider knows. Which log it is, is said last:
 * a transfer that was interrupted is begun again.
 * @returns how many records
 * @throws Error naming what stands in the way
 */
export async function replayIntoKafka(options: TransferOptions): Promise<number> {
  const { client, topics, partitions, path, now } = options;
  if (!existsSync(path)) throw new Error('the data directory holds no embedded log');
  if ((await readLogIdentity(client, topics)) !== undefined) {
    throw new Error('the topics hold a log already: name another KAFKA_TOPIC_PREFIX');
  }
  const producer = client.producer({ transactionalId: options.transactionalId });
  await producer.open();
  try {
    let records = 0;
    const by = { at: new Date(now).toISOString(), rowKeys: rowKeysFrom(options.memberIdKey) };
    for (const piece of piecesOf(path, { epoch: newEpoch(), partitions })) {
      const placed = placedIn(piece, partitions);
      await write(producer, messagesOf(topics, placed, [], { id: randomId(), ...by }));
      records += piece.sources.length + piece.directory.length;
    }
    await ensureLogIdentity(client, topics, partitions);
    return records;
  } finally {
    await producer.close();
  }
}

/** Two logs may be spread over different numbers of partitions. */
function placedIn({ sources, ...piece }: Captured, partitions: number): Captured {
  return {
    ...piece,
    sources: sources.map((source) => {
      const key = partitionKey(source.record.subject);
      return { ...source, partition: partitionOf(key, partitions) };
    }),
  };
}

async function write(producer: KafkaProducer, messages: readonly KafkaMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const transaction = await producer.begin();
  try {
    await transaction.send(messages);
  } catch (error) {
    await transaction.abort().catch(() => undefined);
    throw error;
  }
  await transaction.commit();
}
