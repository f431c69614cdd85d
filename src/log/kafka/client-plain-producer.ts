import type { KafkaMessage, KafkaProducer, KafkaTransaction, TopicPlace } from './client.ts';
import { firstPlaces, isTooLarge } from './client-batches.ts';
import { atMost, BOUNDS, bounded } from './client-bounds.ts';

/** A library's idempotent producer, as bare as can be. */
export interface BareProducer {
  open(): Promise<void>;
  /** Answers the place of each message. */
  send(messages: readonly KafkaMessage[]): Promise<TopicPlace[]>;
  close(): Promise<void>;
}

interface Waiting {
  readonly messages: readonly KafkaMessage[];
  resolve(places: TopicPlace[]): void;
  reject(error: unknown): void;
}

/** What comes while a request is on its way goes with the next one: no linger, yet batches. */
export class PlainProducer implements KafkaProducer {
  readonly #make: () => BareProducer;
  #bare: BareProducer;
  #opened = false;
  #waiting: Waiting[] = [];
  #sending = false;

  constructor(make: () => BareProducer) {
    this.#make = make;
    this.#bare = make();
  }

  async open(): Promise<void> {
    if (!this.#opened) await this.#bare.open();
    this.#opened = true;
  }

  send(messages: readonly KafkaMessage[]): Promise<TopicPlace[]> {
    if (messages.some(isTooLarge)) return Promise.reject(new Error('a record is too large'));
    const { promise, resolve, reject } = Promise.withResolvers<TopicPlace[]>();
    this.#waiting.push({ messages, resolve, reject });
    if (!this.#sending) void this.#drain();
    return promise;
  }

  begin(): Promise<KafkaTransaction> {
    return Promise.reject(new Error('a producer without a transactional id has no transactions'));
  }

  async close(): Promise<void> {
    await bounded('closing', this.#bare.close(), BOUNDS.stopMs);
  }

  async #drain(): Promise<void> {
    this.#sending = true;
    while (this.#waiting.length > 0) await this.#sendAll(this.#waiting.splice(0));
    this.#sending = false;
  }

  async #sendAll(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.open();
      const sent = await this.#bare.send(batch.flatMap(({ messages }) => messages));
      let from = 0;
      for (const { messages, resolve } of batch) {
        const to = from + messages.length;
        resolve(firstPlaces(sent.slice(from, to)));
        from = to;
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
      await this.#replace();
    }
  }

  /** The library may still be trying: what it held must not come after what is sent next. */
  async #replace(): Promise<void> {
    const former = this.#bare;
    this.#bare = this.#make();
    this.#opened = false;
    await atMost(BOUNDS.stopMs, former.close());
  }
}
