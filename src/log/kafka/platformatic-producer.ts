import {
  type API,
  addPartitionsToTxnV3,
  type Callback,
  kGetApi,
  Producer,
} from '@platformatic/kafka';
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
import { guarded, isOneOf, optionsOf, RETRIES, reach } from './platformatic-options.ts';

type Sending = Pick<ClientProducer, 'send'>;
type LibraryTransaction = Awaited<ReturnType<ClientProducer['beginTransaction']>>;

/** With any of these the coordinator has given the transactional id, or its state, to another. */
const FENCED: ReadonlySet<string> = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
]);
const NO_TRANSACTION: ReadonlySet<string> = new Set(['INVALID_TXN_STATE']);

/**
 * From version 4 on AddPartitionsToTxn is for brokers among themselves and asks for a right that no
 * client has on a cluster with authorization; the library would take the newest.
 */
class ClientProducer extends Producer<Buffer, Buffer, Buffer, Buffer> {
  override [kGetApi]<A extends unknown[], R>(name: string, callback: Callback<API<A, R>>): void {
    if (name !== 'AddPartitionsToTxn') super[kGetApi](name, callback);
    else callback(null, addPartitionsToTxnV3.api as unknown as API<A, R>);
  }
}

/** The broker still writes the end of the transaction before: a matter of a millisecond or two. */
const ENDING: ReadonlySet<string> = new Set(['CONCURRENT_TRANSACTIONS']);
const ENDING_TRIES = 100;
const ENDING_RETRY_MS = 1;

function retryDelay(
  _client: unknown,
  _operation: string,
  attempt: number,
  _retries: number,
  error: Error,
): number {
  return attempt <= ENDING_TRIES && isOneOf(error, ENDING) ? ENDING_RETRY_MS : BOUNDS.retryMs;
}

function openLibrary(
  connection: KafkaConnection,
  { transactionalId }: ProducerOptions,
): ClientProducer {
  const id = transactionalId ? { transactionalId } : {};
  const tried = { retries: RETRIES, retryDelay };
  const options = { ...optionsOf(connection), idempotent: true, ...tried, ...id };
  return guarded(new ClientProducer(options));
}

export function createPlatformaticProducer(
  connection: KafkaConnection,
  options: ProducerOptions,
): KafkaProducer {
  const open = (): ClientProducer => openLibrary(connection, options);
  return options.transactionalId
    ? new TransactionalProducer(open)
    : new PlainProducer(() => bareOf(open()));
}

function bareOf(library: ClientProducer): BareProducer {
  return {
    open: () => reach(library),
    send: async (messages) => sendPlaced(library, await placedBy(library, messages)),
    close: () => library.close(),
  };
}

class TransactionalProducer implements KafkaProducer {
  readonly #openLibrary: () => ClientProducer;
  #library: ClientProducer | undefined;
  /** Begun and not used yet. */
  #ready: LibraryTransaction | undefined;
  /** Ended in a way that we do not know: to be aborted before another begins. */
  #broken: LibraryTransaction | undefined;
  #fenced: Fenced | undefined;
  #inTransaction = false;

  constructor(open: () => ClientProducer) {
    this.#openLibrary = open;
  }

  async open(): Promise<void> {
    await this.#discard();
    this.#fenced = undefined;
    this.#broken = undefined;
    this.#inTransaction = false;
    // -1 asks for a new epoch whoever had the id; with the library's default of 0 the successor is
    // refused and the former owner goes on.
    await this.#initialize({ producerId: -1n, producerEpoch: -1 });
  }

  send(): Promise<TopicPlace[]> {
    return Promise.reject(new Error('a transactional producer writes in transactions only'));
  }

  async begin(): Promise<KafkaTransaction> {
    if (this.#inTransaction) throw new Error('one transaction at a time');
    if (this.#fenced) throw this.#fenced;
    const library = this.#library;
    if (!library) throw new Error('the producer is not open');
    if (this.#broken) await this.#recover(this.#broken);
    const inner = this.#ready ?? (await this.#ended('beginning', library.beginTransaction({})));
    this.#ready = undefined;
    this.#inTransaction = true;
    return this.#transaction(inner);
  }

  async close(): Promise<void> {
    await this.#discard();
  }

  #transaction(inner: LibraryTransaction): KafkaTransaction {
    const library = this.#library;
    let used = false;
    let failed: unknown;
    let tail: Promise<unknown> = Promise.resolve();
    const send = async (messages: readonly KafkaMessage[]): Promise<TopicPlace[]> => {
      if (failed !== undefined || !library) throw failed;
      used = true;
      try {
        const all = await placedBy(library, messages);
        return firstPlaces(await this.#ended('sending', sendPlaced(inner, all)));
      } catch (error) {
        failed = error;
        throw error;
      }
    };
    const end = async (commit: boolean): Promise<void> => {
      await tail;
      this.#inTransaction = false;
      if (!used) this.#ready = inner;
      else if (failed === undefined) await this.#end(inner, commit);
      else await this.#endFailed(inner, commit, failed);
    };
    return {
      // One after the other: the library takes a second addition of partitions for the first one's
      // and never sends it.
      send: (messages) => {
        const sending = tail.then(() => send(messages));
        tail = sending.catch(() => undefined);
        return sending;
      },
      commit: () => end(true),
      abort: () => end(false),
    };
  }

  async #end(inner: LibraryTransaction, commit: boolean): Promise<void> {
    this.#broken = inner;
    await this.#ended('ending', commit ? inner.commit() : inner.abort(), commit);
    this.#broken = undefined;
  }

  /** The sequence numbers of what was not sent are missing, so the epoch must be a new one. */
  async #endFailed(inner: LibraryTransaction, commit: boolean, failed: unknown): Promise<void> {
    this.#broken = inner;
    if (commit) throw failed;
    await this.#recover(inner);
  }

  /**
   * Ends what may still be open, then asks for a new epoch as the one who has the present one: who
   * was fenced meanwhile is refused here too, and takes nothing back.
   */
  async #recover(broken: LibraryTransaction): Promise<void> {
    if (this.#fenced) throw this.#fenced;
    const { producerId, producerEpoch } = this.#library ?? {};
    if (producerId === undefined || producerEpoch === undefined) throw this.#fence(undefined);
    try {
      if (!broken.completed) await this.#ended('aborting', broken.abort());
    } catch (error) {
      if (!isOneOf(error, NO_TRANSACTION)) throw error;
    }
    await this.#discard();
    await this.#initialize({ producerId, producerEpoch });
    this.#broken = undefined;
  }

  async #initialize(owner: { producerId: bigint; producerEpoch: number }): Promise<void> {
    const library = this.#openLibrary();
    this.#library = library;
    await reach(library);
    this.#ready = await this.#ended('taking over', library.beginTransaction(owner));
  }

  async #discard(): Promise<void> {
    const former = this.#library;
    this.#library = undefined;
    this.#ready = undefined;
    if (former) await atMost(BOUNDS.stopMs, former.close());
  }

  /** @param committing a transaction that is not there any more was taken from us */
  async #ended<T>(what: string, call: Promise<T>, committing = false): Promise<T> {
    try {
      return await bounded(what, call);
    } catch (error) {
      if (isOneOf(error, FENCED)) throw this.#fence(error);
      if (committing && isOneOf(error, NO_TRANSACTION)) throw this.#fence(error);
      throw error;
    }
  }

  #fence(cause: unknown): Fenced {
    this.#fenced ??= new Fenced(cause);
    return this.#fenced;
  }
}

async function placedBy(
  library: ClientProducer,
  messages: readonly KafkaMessage[],
): Promise<PlacedMessage[]> {
  const topics = [...new Set(messages.map(({ topic }) => topic))];
  const { topics: known } = await bounded('asking for metadata', library.metadata({ topics }));
  return placed(messages, (topic) => known.get(topic)?.partitionsCount ?? 1);
}

/** Answers the place of each message. */
async function sendPlaced(to: Sending, messages: readonly PlacedMessage[]): Promise<TopicPlace[]> {
  const places: TopicPlace[] = [];
  for (const chunk of chunksOf(messages)) {
    const sending = to.send({ messages: chunk.map(toLibrary) });
    const { offsets = [] } = await bounded('sending', sending);
    const next = new Map(offsets.map((at) => [keyOf(at), Number(at.offset)]));
    for (const { topic, partition } of chunk) {
      const offset = next.get(keyOf({ topic, partition })) ?? 0;
      next.set(keyOf({ topic, partition }), offset + 1);
      places.push({ topic, partition, offset });
    }
  }
  return places;
}

type LibraryMessage = Parameters<ClientProducer['send']>[0]['messages'][number];

function toLibrary({ key, value, headers = {}, ...place }: PlacedMessage): LibraryMessage {
  const bytes = Object.entries(headers).map(
    ([name, content]) => [Buffer.from(name), Buffer.from(content as string)] as const,
  );
  // The library writes what is absent as null: a tombstone.
  return {
    ...place,
    ...(key === null ? {} : { key }),
    ...(value === null ? {} : { value }),
    headers: new Map(bytes),
  };
}
