import { Fault } from '../../kernel/errors.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { createListeners } from '../../kernel/listeners.ts';
import type { CheckEvent, CheckJournal, CheckReign, CheckStep } from '../../twin/ports.ts';
import { decodeCheckStep, encodeCheckEvent, encodeCheckStep } from '../events/index.ts';
import type { KafkaClient, KafkaMessage, KafkaProducer, KafkaRecord } from './client.ts';
import { createLateProducer } from './late-producer.ts';
import { writeAll } from './write-all.ts';

export interface KafkaCheckJournalOptions {
  readonly client: Pick<KafkaClient, 'follow' | 'producer'>;
  /** Whole names of `rte.requests`, which has one partition, and of `rte-completion`. */
  readonly topics: { readonly requests: string; readonly completion: string };
  /** Shared by all who may reign: opening it fences whoever reigned before. */
  readonly transactionalId: string;
  readonly onTrouble: (error: unknown) => void;
}

/**
 * `rte.requests`: whoever accepts a check appends it, the one broker that reigns says in transactions
 * what becomes of it, with the events for `rte-completion`, and every instance follows.
 */
export function createKafkaCheckJournal(options: KafkaCheckJournalOptions): CheckJournal & Service {
  const { client, topics, transactionalId, onTrouble } = options;
  const steps = createListeners<CheckStep>(onTrouble);
  const events = createListeners<CheckEvent>(onTrouble);
  const accepting = createLateProducer(client, onTrouble);
  const follower = client.follow({
    from: [{ topic: topics.requests, partition: 0, offset: 0 }],
    onRecords: async (records) => steps.tell(records.flatMap((one) => readable(one, onTrouble))),
    onTrouble,
  });
  return {
    name: 'check-journal',
    start: () => follower.start(),
    async stop() {
      await accepting.stop();
      await follower.stop();
    },
    onSteps: steps.add,
    onEvents: events.add,
    async accept(accepted) {
      const messages = accepted.map((step) => stepMessage(topics.requests, step));
      await accepting.send('accepting checks', messages).catch((cause: unknown) => {
        throw new Fault('LOG_UNAVAILABLE', { cause });
      });
    },
    async reign() {
      const producer = client.producer({ transactionalId });
      try {
        await producer.open();
        await follower.caughtUp();
      } catch (error) {
        await producer.close().catch(onTrouble);
        throw error;
      }
      return reignOf(producer, options, events.tell);
    },
  };
}

function reignOf(
  producer: KafkaProducer,
  { topics, onTrouble }: KafkaCheckJournalOptions,
  told: (events: readonly CheckEvent[]) => void,
): CheckReign {
  return {
    async commit(steps, events) {
      const transaction = await producer.begin();
      try {
        const messages = [
          ...steps.map((step) => stepMessage(topics.requests, step)),
          ...events.map((event) => ({ topic: topics.completion, ...encodeCheckEvent(event) })),
        ];
        await writeAll(transaction, messages, () => undefined);
      } catch (error) {
        await transaction.abort().catch(onTrouble);
        throw error;
      }
      await transaction.commit();
      told(events);
    },
    end: () => producer.close(),
  };
}

function stepMessage(topic: string, step: CheckStep): KafkaMessage {
  return { topic, partition: 0, ...encodeCheckStep(step) };
}

/** One that nobody can read is told of and left out: it must not keep every other check waiting. */
function readable(record: KafkaRecord, onTrouble: (error: unknown) => void): CheckStep[] {
  try {
    return [decodeCheckStep(record)];
  } catch (cause) {
    onTrouble(
      new Error(`offset ${record.offset} of the journal of checks is unreadable`, { cause }),
    );
    return [];
  }
}
