import { Partitioners, type Producer, type Transaction } from 'kafkajs';
import {
  Fenced,
  type KafkaConnection,
  type KafkaMessage,
  type KafkaProducer,
  type KafkaTransaction,
  type ProducerOptions,
  type TopicPlace,
} from './client.ts';
import { chunksOf, firstPlaces, keyOf, type PlacedMessage, placed } from './client-batches.ts';
import { atMost, BOUNDS, bounded } from './client-bounds.ts';
import { type BareProducer, PlainProducer } from './client-plain-producer.ts';
import { clusterOf, kafkaOf, RETRIES, reach, typeOf } from './kafkajs-options.ts';

/** With any of these the coordinator has given the transactional id, or its state, to another. */
const FENCED: ReadonlySet<string | undefined> = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
]);

export function createKafkajsProducer(
  connection: KafkaConnection,
  { transactionalId }: ProducerOptions,
): KafkaProducer {
  if (transactionalId === undefined) return new PlainProducer(() => new Library(connection));
  return new TransactionalProducer(() => new Library(connection, transactionalId));
}

type Sending = Pick<Producer, 'sendBatch'>;

/** The library's producer, and the numbers of partitions that it does not tell. */
class Library implements BareProducer {
  readonly producer: Producer;
  readonly #cluster: ReturnType<typeof clusterOf>;
  readonly #connection: KafkaConnection;

  constructor(connection: KafkaConnection, transactionalId?: string) {
    const kafka = kafkaOf(connection, RETRIES);
    this.#connection = connection;
    this.#cluster = clusterOf(kafka, 'committed');
    this.producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      transactionTimeout: BOUNDS.transactionMs,
      createPartitioner: Partitioners.DefaultPartitioner,
      ...(transactionalId === undefined ? {} : { transactionalId }),
    });
  }

  async open(): Promise<void> {
    // Without tries of its own, so that it tells at once that we are not welcome.
    const first = kafkaOf(this.#connection, 0).admin();
    try {
      await reach(() => first.connect());
    } finally {
      await atMost(BOUNDS.stopMs, first.disconnect());
    }
    await bounded('connecting', this.producer.connect());
    await bounded('connecting', this.#cluster.connect());
  }

  async placed(messages: readonly KafkaMessage[]): Promise<PlacedMessage[]> {
    const topics = [...new Set(messages.map(({ topic }) => topic))];
    await bounded('asking for metadata', this.#cluster.addMultipleTargetTopics(topics));
    return placed(messages, (topic) => this.#cluster.findTopicPartitionMetadata(topic).length || 1);
  }

  async send(messages: readonly KafkaMessage[]): Promise<TopicPlace[]> {
    return sendPlaced(this.producer, await this.placed(messages));
  }

  async close(): Promise<void> {
    await Promise.all([this.producer.disconnect(), this.#cluster.disconnect()]);
  }
}

/**
 * The library asks for an epoch without saying who it is: whoever does that takes over. So after
 * anything whose end is not known it must not ask again by itself, and counts as fenced until it is
 * opened anew.
 */
class TransactionalProducer implements KafkaProducer {
  readonly #make: () => Library;
  #library: Library | undefined;
  #ready: Transaction | undefined;
  #fenced: Fenced | undefined;
  #inTransaction = false;

  constructor(make: () => Library) {
    this.#make = make;
  }

  async open(): Promise<void> {
    await this.#discard();
    this.#fenced = undefined;
    this.#inTransaction = false;
    const library = this.#make();
    this.#library = library;
    await library.open();
    this.#ready = await bounded('taking over', library.producer.transaction());
  }

  send(): Promise<TopicPlace[]> {
    return Promise.reject(new Error('a transactional producer writes in transactions only'));
  }

  async begin(): Promise<KafkaTransaction> {
    if (this.#inTransaction) throw new Error('one transaction at a time');
    if (this.#fenced) throw this.#fenced;
    const library = this.#library;
    if (!library) throw new Error('the producer is not open');
    const inner = this.#ready ?? (await bounded('beginning', library.producer.transaction()));
    this.#ready = undefined;
    this.#inTransaction = true;
    return this.#transaction(library, inner);
  }

  async close(): Promise<void> {
    await this.#discard();
  }

  #transaction(library: Library, inner: Transaction): KafkaTransaction {
    let used = false;
    let failed: unknown;
    let tail: Promise<unknown> = Promise.resolve();
    const send = async (messages: readonly KafkaMessage[]): Promise<TopicPlace[]> => {
      if (failed !== undefined) throw failed;
      used = true;
      try {
        return firstPlaces(await sendPlaced(inner, await library.placed(messages)));
      } catch (error) {
        failed = FENCED.has(typeOf(error)) ? this.#fence(error) : error;
        throw failed;
      }
    };
    const end = async (commit: boolean): Promise<void> => {
      await tail;
      this.#inTransaction = false;
      if (!used) {
        this.#ready = inner;
        return;
      }
      if (failed === undefined) return this.#end(inner, commit);
      // Its sequence numbers may be taken: what would come next under them the broker would drop.
      this.#fence(failed);
      await atMost(BOUNDS.stopMs, inner.abort());
      if (commit) throw failed;
    };
    return {
      send: (messages) => {
        const sending = tail.then(() => send(messages));
        tail = sending.catch(() => undefined);
        return sending;
      },
      commit: () => end(true),
      abort: () => end(false),
    };
  }

  async #end(inner: Transaction, commit: boolean): Promise<void> {
    try {
      await bounded('ending', commit ? inner.commit() : inner.abort());
    } catch (error) {
      const fence = this.#fence(error);
      const type = typeOf(error);
      const taken = FENCED.has(type) || (commit && type === 'INVALID_TXN_STATE');
      throw taken ? fence : error;
    }
  }

  #fence(cause: unknown): Fenced {
    this.#fenced ??= new Fenced(cause);
    return this.#fenced;
  }

  async #discard(): Promise<void> {
    const former = this.#library;
    this.#library = undefined;
    this.#ready = undefined;
    if (former) await atMost(BOUNDS.stopMs, former.close());
  }
}

/** Answers the place of each message. */
async function sendPlaced(to: Sending, messages: readonly PlacedMessage[]): Promise<TopicPlace[]> {
  const places: TopicPlace[] = [];
  for (const chunk of chunksOf(messages)) {
    const topicMessages = [...Map.groupBy(chunk, ({ topic }) => topic)].map(([topic, of]) => ({
      topic,
      messages: of.map(({ partition, key, value, headers = {} }) => ({
        ...{ partition, key, value, headers: { ...headers } },
      })),
    }));
    const sent = await bounded('sending', to.sendBatch({ topicMessages, acks: -1 }));
    const next = new Map(
      sent.map(({ topicName: topic, partition, baseOffset }) => {
        return [keyOf({ topic, partition }), Number(baseOffset)];
      }),
    );
    for (const { topic, partition } of chunk) {
      const offset = next.get(keyOf({ topic, partition })) ?? 0;
      next.set(keyOf({ topic, partition }), offset + 1);
      places.push({ topic, partition, offset });
    }
  }
  return places;
}
