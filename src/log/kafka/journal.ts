import type { Clock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { randomId } from '../../kernel/ids.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { RelationJournal } from '../../twin/ports.ts';
import { encodeRelation } from '../events/index.ts';
import type { KafkaClient } from './client.ts';
import { bounded } from './client-bounds.ts';
import { JournalReader } from './journal-reader.ts';

export interface KafkaJournalOptions {
  readonly client: Pick<KafkaClient, 'follow' | 'producer'>;
  /** Whole name of `access.relationships`: one partition. */
  readonly topic: string;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
}

/** `access.relationships`: whoever writes relations appends, and the one who applies them reads. */
export function createKafkaJournal(options: KafkaJournalOptions): RelationJournal & Service {
  const { client, topic, clock, onTrouble } = options;
  const producer = client.producer();
  const listeners = new Set<() => void>();
  const onArrival = (): void => {
    for (const listener of listeners) {
      try {
        listener();
      } catch (error) {
        onTrouble(error);
      }
    }
  };
  const reader = new JournalReader({ ...options, onArrival });
  return {
    name: 'relations-journal',
    start: () => producer.open(),
    async stop() {
      await reader.stop();
      await producer.close();
    },
    async append(changes, actor) {
      const id = randomId();
      const at = new Date(clock.now()).toISOString();
      const messages = changes.map((change, index) => ({
        ...{ topic, partition: 0 },
        ...encodeRelation({ change, actor, at, eventId: `${id}-${index}` }),
      }));
      const sending = producer.send(messages);
      const waited = bounded('appending relations', sending, LIMITS.relationsCommitTimeoutMs);
      const [first] = await waited.catch((cause: unknown) => {
        throw new Fault('LOG_UNAVAILABLE', { cause });
      });
      return (first?.offset ?? -changes.length) + changes.length - 1;
    },
    read: (offset, limit) => reader.read(offset, limit),
    onAppend(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
