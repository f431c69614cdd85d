import { existsSync, rmSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../../kernel/sqlite.ts';
import { decodeRelation } from '../events/index.ts';
import { captureWrites } from '../kafka/capture.ts';
import type { KafkaRecord, TopicPlace } from '../kafka/client.ts';
import { createPlaces, openDeciderDatabase } from '../kafka/decider-db.ts';
import { restoreRecord } from '../kafka/decider-messages.ts';
import { readLogIdentity } from '../kafka/log-identity.ts';
import { createRestore } from '../kafka/restore.ts';
import { type RowKeys, rowKeysFrom } from '../kafka/row-keys.ts';
import { createRowNames } from '../kafka/row-names.ts';
import { appendRelation } from '../relations.ts';
import { newEpoch } from '../schema.ts';
import { createSqliteState } from '../sqlite-state.ts';
import type { TransferOptions } from './to-kafka.ts';

/** What stands on Kafka, and not in the tables of an embedded log. */
const OF_KAFKA = `DROP TABLE restored; DROP TABLE intake; DROP TABLE row_keys;
  DELETE FROM meta WHERE name NOT IN ('epoch', 'partitions');`;

/**
 * The log of the topics into a data directory that holds none: a new log with the same records, so
 * that documents have the same etags.
 * @returns how many records
 * @throws Error naming what stands in the way
 */
export async function replayFromKafka(
  options: Omit<TransferOptions, 'transactionalId'>,
): Promise<number> {
  const { client, topics, path, now } = options;
  if (existsSync(path)) throw new Error('the data directory holds a log already');
  const identity = await readLogIdentity(client, topics);
  if (identity === undefined) throw new Error('the topics hold no log');
  const { partitions } = identity;
  const rowKeys = rowKeysFrom(options.memberIdKey);
  const file = { path, identity: { epoch: newEpoch(), partitions }, rowKeys: rowKeys.id };
  const db = openDeciderDatabase(file, now);
  try {
    const { records, relations } = await restored(options, { db, partitions, rowKeys });
    inTransaction(db, () => {
      for (const { change, actor, at } of relations.map((record) => decodeRelation(record))) {
        appendRelation(db, change, { at: Date.parse(at), actor });
      }
      db.exec(OF_KAFKA);
    });
    db.close();
    return records;
  } catch (error) {
    db.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    throw error;
  }
}

interface Into {
  readonly db: DatabaseSync;
  readonly partitions: number;
  readonly rowKeys: RowKeys;
}

/** Relations come last: the decider's file keeps none. */
async function restored(
  { client, topics }: Omit<TransferOptions, 'transactionalId'>,
  { db, partitions, rowKeys }: Into,
): Promise<{ records: number; relations: KafkaRecord[] }> {
  const capture = captureWrites(db);
  const state = createSqliteState(db, partitions);
  const names = createRowNames(db, rowKeys, capture.keys);
  const { keys } = capture;
  const restore = createRestore({ db, state, places: createPlaces(db), names, keys });
  const relations: KafkaRecord[] = [];
  let records = 0;
  const { promise: failed, reject } = Promise.withResolvers<never>();
  failed.catch(() => undefined);
  const follower = client.follow({
    from: [
      ...places(topics.decider, 1),
      ...places(topics.directory, topics.directoryPartitions),
      ...places(topics.sources, partitions),
      ...places(topics.relations, 1),
    ],
    async onRecords(batch) {
      try {
        if (batch[0]?.topic === topics.relations) relations.push(...batch);
        else take(batch);
      } catch (error) {
        reject(error);
      }
    },
    onTrouble: () => undefined,
  });
  const take = (batch: readonly KafkaRecord[]): void =>
    inTransaction(db, () => {
      for (const record of batch) restoreRecord(topics, restore, record);
      capture.clear();
      if (batch[0]?.topic !== topics.decider) records += batch.length;
    });
  try {
    await Promise.race([follower.start(), failed]);
    await Promise.race([follower.caughtUp(), failed]);
    return { records, relations };
  } finally {
    await follower.stop();
  }
}

function places(topic: string, partitions: number): TopicPlace[] {
  return Array.from({ length: partitions }, (_, partition) => ({ topic, partition, offset: 0 }));
}
