import type { Clock } from '../../kernel/clock.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { AuditBatch, AuditTopic } from '../../twin/ports.ts';
import {
  decodeAudit,
  encodeAuditCheckpoint,
  encodeAuditRow,
  Undecodable,
} from '../events/index.ts';
import type { KafkaClient, KafkaRecord } from './client.ts';
import { bounded } from './client-bounds.ts';

export interface KafkaAuditOptions {
  readonly client: Pick<KafkaClient, 'admin' | 'follow' | 'producer'>;
  /** Whole name of `audit.records`. */
  readonly topic: string;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
}

/** `audit.records`: written by every instance, read by every instance. */
export function createKafkaAudits(options: KafkaAuditOptions): AuditTopic & Service {
  const { client, topic, onTrouble } = options;
  const producer = client.producer();
  let opening: Promise<void> | undefined;
  return {
    name: 'audit-topic',
    start: () => Promise.resolve(),
    async stop() {
      await opening?.catch(() => undefined);
      await producer.close().catch(onTrouble);
    },
    async ship(rows, checkpoints) {
      opening ??= producer.open().catch((error: unknown) => {
        opening = undefined;
        throw error;
      });
      await bounded('opening the audit topic', opening, LIMITS.sayTimeoutMs);
      const messages = [
        ...rows.map((row) => encodeAuditRow(row)),
        ...checkpoints.map((checkpoint) => encodeAuditCheckpoint(checkpoint)),
      ];
      const sending = producer.send(messages.map((message) => ({ topic, ...message })));
      await bounded('shipping audit records', sending, LIMITS.sayTimeoutMs);
    },
    async follow(from, take) {
      const starts = await client.admin.starts(topic);
      const follower = client.follow({
        from: starts.map((start, partition) => ({
          ...{ topic, partition },
          offset: from.get(partition) ?? start,
        })),
        onRecords: (records) => take(batchOf(records, onTrouble)),
        onTrouble,
      });
      await follower.start();
      return { stop: () => follower.stop() };
    },
  };
}

/** A record that cannot be read is told of and passed: its row then shows as a gap. */
function batchOf(records: readonly KafkaRecord[], onTrouble: (error: unknown) => void): AuditBatch {
  const rows: AuditBatch['rows'][number][] = [];
  const checkpoints: AuditBatch['checkpoints'][number][] = [];
  for (const record of records) {
    try {
      const read = decodeAudit(record);
      if ('row' in read) rows.push(read.row);
      else checkpoints.push(read.checkpoint);
    } catch (error) {
      if (!(error instanceof Undecodable)) throw error;
      onTrouble(error);
    }
  }
  const last = records.at(-1);
  return {
    partition: last?.partition ?? 0,
    next: (last?.offset ?? -1) + 1,
    ...{ rows, checkpoints },
  };
}
