/** Kafka for a publisher: topics that are written in transactions, each of which may fail. */

import { Fenced, type KafkaClient, type KafkaMessage, type KafkaRecord } from './client.ts';

export const TOPICS = { events: 'events', publisher: 'places' };

type Client = Pick<KafkaClient, 'admin' | 'producer' | 'follow'>;

export function fakeKafka() {
  const committed: KafkaMessage[] = [];
  const transactions: KafkaMessage[][] = [];
  const asked: string[] = [];
  const failures: (() => boolean)[] = [];
  const recordsOf = (of: string): KafkaRecord[] =>
    committed
      .filter(({ topic }) => topic === of)
      .map(({ topic, key, value, headers = {} }, offset) => ({
        ...{ topic, partition: 0, offset, key, value, timestamp: 0 },
        headers: headers as Record<string, Buffer>,
      }));
  const client: Client = {
    admin: {
      starts: async () => [0],
      ends: async (topic: string) => [recordsOf(topic).length],
    } as Partial<Client['admin']> as Client['admin'],
    producer: () => ({
      open: async () => void asked.push('open'),
      send: () => Promise.reject(new Error('outside of a transaction')),
      close: async () => void asked.push('close'),
      async begin() {
        const sent: KafkaMessage[] = [];
        return {
          send: async (messages) => {
            sent.push(...messages);
            return [];
          },
          async commit() {
            const fail = failures.shift();
            // Whether it was committed is not known to whoever meets the error.
            if (fail === undefined || fail()) {
              committed.push(...sent);
              transactions.push(sent);
            }
            if (fail !== undefined) throw new Fenced();
          },
          abort: async () => undefined,
        };
      },
    }),
    follow: ({ from, onRecords }) => ({
      async start() {
        const [{ topic, offset } = { topic: '', offset: 0 }] = from;
        await onRecords(recordsOf(topic).slice(offset));
      },
      caughtUp: async () => undefined,
      stop: async () => undefined,
    }),
  };
  const events = () => recordsOf(TOPICS.events);
  return { client, asked, failures, events, transactions };
}
