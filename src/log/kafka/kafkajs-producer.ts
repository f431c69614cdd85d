import { type Cluster, Partitioners, type Producer, type Transaction } from 'kafkajs';
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
import { atMost, BOUNDS } from './client-bounds.ts';
import { type BareProducer, PlainProducer } from './client-plain-producer.ts';
import { Link } from './kafkajs-link.ts';
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
  readonly #producer: Link<Producer>;
  readonly #cluster: Link<Cluster>;
  readonly #connection: KafkaConnection;

  constructor(connection: KafkaConnection, transactionalId?: string) {
    const kafka = kafkaOf(connection, RETRIES);
    this.#connection = connection;
    this.#cluster = new Link(clusterOf(kafka, 'committed'));
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      transactionTimeout: BOUNDS.transactionMs,
      createPartitioner: Partitioners.DefaultPartitioner,
      ...(transactionalId === undefined ? {} : { transactionalId }),
    });
    this.#producer = new Link(producer);
  }

  async open(): Promise<void> {
    // Without tries of its own, so that it tells at once that we are not welcome.
    const first = kafkaOf(this.#connection, 0).admin();
    try {
      await reach(() => first.connect());
    } finally {
      await atMost(BOUNDS.stopMs, first.disconnect());
    }
    await this.#producer.use('connecting', (producer) => producer.connect());
    await this.#cluster.use('connecting', (cluster) => cluster.connect());
  }

  transaction(what: string): Promise<Transaction> {
    return this.#producer.use(what, (producer) => producer.transaction());
  }

  /** Something of a transaction of ours. */
  within<T>(what: string, call: () => Promise<T>): Promise<T> {
    return this.#producer.use(what, call);
  }

  async send(messages: readonly KafkaMessage[], transaction?: Transaction): Promise<TopicPlace[]> {
    const all = await this.#placed(messages);
    return this.#producer.use('sending', (producer) => sendPlaced(transaction ?? producer, all));
  }

  async close(): Promise<void> {
    await Promise.all([this.#producer.close(), this.#cluster.close()]);
  }

  #placed(messages: readonly KafkaMessage[]): Promise<PlacedMessage[]> {
    const topics = [...new Set(messages.map(({ topic }) => topic))];
    return this.#cluster.use('asking for metadata', async (cluster) => {
      await cluster.addMultipleTargetTopics(topics);
      const countOf = (topic: string) => cluster.findTopicPartitionMetadata(topic).length || 1;
      return placed(messages, countOf);
    });
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
    this.#ready = await library.transaction('taking over');
  }

  send(): Promise<TopicPlace[]> {
    return Promise.reject(new Error('a transactional producer writes in transactions only'));
  }

  async begin(): Promise<KafkaTransaction> {
    if (this.#inTransaction) throw new Error('one transaction at a time');
    if (this.#fenced) throw this.#fenced;
    const library = this.#library;
    if (!library) throw new Error('the producer is not open');
    const inner = this.#ready ?? (await library.transaction('beginning'));
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
        return firstPlaces(await library.send(messages, inner));
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
      if (failed === undefined) return this.#end(library, inner, commit);
      // Its sequence numbers may be taken: what would come next under them the broker would drop.
      this.#fence(failed);
      await atMost(
        BOUNDS.stopMs,
        library.within('aborting', () => inner.abort()),
      );
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

  async #end(library: Library, inner: Transaction, commit: boolean): Promise<void> {
    try {
      await library.within('ending', () => (commit ? inner.commit() : inner.abort()));
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
    const sent = await to.sendBatch({ topicMessages, acks: -1 });
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
