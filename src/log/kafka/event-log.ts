import type { EventLog, LogRecord } from '../../twin/ports.ts';
import type { LogIdentity } from '../schema.ts';
import type { KafkaClient, KafkaRecord } from './client.ts';
import { ReadAhead } from './read-ahead.ts';

export interface KafkaEventLogOptions {
  readonly client: Pick<KafkaClient, 'admin' | 'follow'>;
  /** Whole name of `twins.sources`. */
  readonly topic: string;
  readonly identity: LogIdentity;
  decode(record: KafkaRecord): LogRecord;
  readonly onError: (error: unknown) => void;
}

export interface KafkaEventLog extends EventLog {
  stop(): Promise<void>;
}

/** `twins.sources` as one instance reads it. */
export function createKafkaEventLog(options: KafkaEventLogOptions): KafkaEventLog {
  const { client, topic, identity, decode, onError } = options;
  const { epoch, partitions } = identity;
  const ahead = new ReadAhead<LogRecord>({ client, topic, partitions, decode, onError });
  return {
    epoch,
    partitions,
    startAt: (offsets) => ahead.startAt(offsets),
    read: (partition, offset, limit) => ahead.read(partition, offset, limit),
    readTold: (partition, offset, limit) => ahead.readHeld(partition, offset, limit),
    ends: async () => [...((await ahead.ends()) ?? (await client.admin.ends(topic)))],
    onAppend: (listener) => ahead.onAppend(listener),
    stop: () => ahead.stop(),
  };
}
