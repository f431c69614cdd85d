import type { Clock } from '../../kernel/clock.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import type { AuditBatch, AuditTopic } from '../../twin/ports.ts';
import {
  decodeAudit,
  encodeAuditCheckpoint,
  encodeAuditRow,
  Undecodable,
} from '../events/index.ts';
import type { KafkaClient, KafkaRecord } from './client.ts';
import { createLateProducer } from './late-producer.ts';

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
  const producer = createLateProducer(client, onTrouble);
  return {
    name: 'audit-topic',
    start: () => Promise.resolve(),
    stop: () => producer.stop(),
    async ship(rows, checkpoints) {
      const messages = [
        ...rows.map((row) => encodeAuditRow(row)),
        ...checkpoints.map((checkpoint) => encodeAuditCheckpoint(checkpoint)),
      ];
      await producer.send(
        'shipping audit records',
        messages.map((message) => ({ topic, ...message })),
      );
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
