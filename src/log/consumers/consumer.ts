import type { Registry } from 'prom-client';
import { type Clock, systemClock } from '../../kernel/clock.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import type {
  KafkaClient,
  KafkaConnection,
  KafkaGroup,
  KafkaProducer,
  KafkaRecord,
  TopicPartition,
} from '../kafka/client.ts';
import { createKafkaClient, type KafkaAdapter } from '../kafka/create.ts';
import { Committer } from './committer.ts';
import { type Failure, letterOf } from './dead-letter.ts';
import type { Decode, Handler } from './event.ts';
import { createMemoryIdempotency, type Idempotency } from './idempotency.ts';
import { Lanes } from './lanes.ts';
import { type ConsumerMetrics, createConsumerMetrics } from './metrics.ts';
import { type Outcome, Processing, type Work } from './processing.ts';
import { RETRIES, type Retries } from './retries.ts';
import type { SealingKeys } from './sealing.ts';
import { Share } from './share.ts';

/** A client that is there already, or what one is made of: then it ends with the consumer. */
export type ConsumerOptions<T> = OfClient<T> | OfConnection<T>;

interface OfClient<T> extends ConsumerSettings<T> {
  readonly client: Pick<KafkaClient, 'group' | 'producer'>;
}

interface OfConnection<T> extends ConsumerSettings<T> {
  readonly connection: KafkaConnection;
  /** Which library; default `platformatic`. */
  readonly adapter?: KafkaAdapter;
}

export interface ConsumerSettings<T> {
  /** Whole, as the topics are: prefixes stand in them. */
  readonly group: string;
  readonly topics: readonly string[];
  readonly decode: Decode<T>;
  readonly handler: Handler<T>;
  /** Events handled side by side, of different keys; those of one key come in order. */
  readonly concurrency?: number;
  /** Records of a partition that have not ended: with as many, no further batch is asked for. */
  readonly inFlightMax?: number;
  readonly retries?: Partial<Retries>;
  readonly handlerTimeoutMs?: number;
  /** Share it between the members of a group. Default: in memory, of this process alone. */
  readonly idempotency?: Idempotency;
  readonly deadLetters: { readonly keys: SealingKeys };
  readonly topicPrefix?: string;
  readonly metrics?: Registry;
  /** Where a partition has no committed offset. Default `earliest`. */
  readonly start?: 'earliest' | 'latest';
  readonly sessionTimeoutMs?: number;
  readonly commitEveryMs?: number;
  /** How long a stop, or partitions that go, wait for what is under way. */
  readonly drainMs?: number;
  /** Told of what fails and is tried again: brokers away, a store that cannot write. */
  readonly onTrouble?: (error: unknown) => void;
  readonly clock?: Clock;
}

const DEFAULTS = {
  concurrency: 16,
  inFlightMax: 1_000,
  handlerTimeoutMs: 30_000,
  sessionTimeoutMs: 10_000,
  commitEveryMs: 100,
  drainMs: 10_000,
  clock: systemClock,
};
type Defaults = Readonly<typeof DEFAULTS>;

/** Of the session, how long partitions that go wait: another half is the limit of the client. */
const REVOKE_SHARE = 0.4;

/** Records past the first that has not ended, as a multiple of those that have not. */
const SPAN_FACTOR = 10;

/**
 * A member of a consumer group: at least once, in order by key, with every record either handled,
 * known to have been handled, or in `<topic>.dlq` before its offset is committed.
 */
export function createConsumer<T>(options: ConsumerOptions<T>): Service {
  if ('client' in options) return new Consumer(options);
  const client = createKafkaClient(options.connection, options.adapter ?? 'platformatic');
  const consumer = new Consumer({ ...options, client });
  return {
    name: consumer.name,
    start: () => consumer.start(),
    async stop() {
      await consumer.stop();
      await client.close();
    },
  };
}

class Consumer<T> implements Service {
  readonly name: string;
  readonly #options: OfClient<T> & Defaults;
  readonly #group: KafkaGroup;
  readonly #producer: KafkaProducer;
  readonly #processing: Processing<T>;
  readonly #lanes: Lanes<Work>;
  readonly #committer: Committer;
  readonly #metrics: ConsumerMetrics | undefined;
  readonly #onTrouble: (error: unknown) => void;
  readonly #shares = new Map<string, Share>();
  #inFlight = 0;
  #stopping = false;

  constructor(given: OfClient<T>) {
    const { client, group, metrics, onTrouble = () => undefined } = given;
    this.name = `consumer-${group}`;
    this.#options = { ...DEFAULTS, ...given };
    const { clock, decode, handler, handlerTimeoutMs, sessionTimeoutMs } = this.#options;
    const idempotency = given.idempotency ?? createMemoryIdempotency({ clock });
    this.#onTrouble = onTrouble;
    this.#metrics = metrics && createConsumerMetrics(metrics, group);
    this.#producer = client.producer();
    this.#group = client.group({
      groupId: group,
      topics: given.topics,
      ...{ start: given.start ?? 'earliest', sessionTimeoutMs },
      onAssigned: async (partitions) => this.#assigned(partitions),
      onRevoked: (partitions) => this.#revoked(partitions),
      onRecords: (records) => this.#records(records),
      onTrouble,
    });
    this.#processing = new Processing({
      ...{ decode, handler, handlerTimeoutMs, idempotency, clock, onTrouble },
      retries: { ...RETRIES, ...given.retries },
      bury: (record, failure) => this.#bury(record, failure),
      onEnd: (work, outcome) => this.#ended(work, outcome),
      onRetry: (topic) => this.#metrics?.retried(topic),
    });
    this.#lanes = new Lanes(this.#options.concurrency, laneOf, (work, slot) =>
      this.#processing.run(work, slot),
    );
    this.#committer = new Committer({
      ...{ idempotency, clock, onTrouble, everyMs: this.#options.commitEveryMs },
      group: () => this.#group,
      shares: () => this.#shares.values(),
      onRemembered: (ids) => this.#processing.remembered(ids),
    });
  }

  async start(): Promise<void> {
    await this.#producer.open();
    await this.#group.start();
  }

  /** What was read is brought to its end, bounded in time, and committed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const shares = [...this.#shares.values()];
    await Promise.all(shares.map((share) => this.#ends(share, this.#options.drainMs)));
    this.#committer.stop();
    await this.#committer.flush();
    this.#committer.stop();
    for (const share of shares) share.release();
    for (const share of shares) share.abandon();
    await this.#group.stop();
    await this.#producer.close();
  }

  #assigned(partitions: readonly TopicPartition[]): void {
    for (const place of partitions) {
      const key = keyOf(place);
      // Kept through a rebalance that took nothing away: what is under way goes on.
      if (!this.#shares.has(key)) this.#shares.set(key, new Share(place));
    }
  }

  /**
   * Tries under way may end, nothing begins; after this last commit there is none. The next owner
   * begins there, and knows by their ids what was handled behind a hole.
   */
  async #revoked(partitions: readonly TopicPartition[]): Promise<void> {
    const gone = partitions.flatMap((place) => this.#shares.get(keyOf(place)) ?? []);
    for (const share of gone) {
      this.#shares.delete(keyOf(share));
      share.release();
    }
    if (gone.length > 0) this.#metrics?.rebalanced();
    const { drainMs, sessionTimeoutMs } = this.#options;
    const waitMs = Math.min(drainMs, sessionTimeoutMs * REVOKE_SHARE);
    await Promise.all(gone.map((share) => this.#ends(share, waitMs)));
    for (const share of gone) share.abandon();
    await this.#committer.last(gone);
  }

  /** Resolves when nothing of it is under way, or the time for that is over. */
  async #ends(share: Share, waitMs: number): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<'late'>();
    const timer = this.#options.clock.after(waitMs, () => resolve('late'));
    while (share.busy > 0) {
      if ((await Promise.race([share.changed(), late])) === 'late') break;
    }
    timer.cancel();
  }

  /** Never waits for a handler: a rebalance would wait for it too. */
  async #records(records: readonly KafkaRecord[]): Promise<void> {
    const [first] = records;
    const share = first === undefined ? undefined : this.#shares.get(keyOf(first));
    if (share === undefined || this.#stopping) return;
    for (const record of records) {
      this.#inFlight += 1;
      share.begin();
      this.#lanes.add({ record, share, entry: share.lowWater.add(record.offset) });
    }
    this.#metrics?.inFlight(this.#inFlight);
    if (isFull(share, this.#options.inFlightMax)) void this.#holdBack(share);
  }

  /** Until the handler has caught up by half. */
  async #holdBack(share: Share): Promise<void> {
    this.#group.pause([share]);
    while (share.live && isFull(share, this.#options.inFlightMax / 2)) await share.changed();
    if (share.live && !this.#stopping) this.#group.resume([share]);
  }

  #ended({ record, share }: Work, outcome: Outcome): void {
    this.#inFlight -= 1;
    this.#metrics?.ended(record.topic, outcome, this.#options.clock.now() - record.timestamp);
    if (share.live) this.#committer.soon();
    else if (outcome === 'handled') this.#committer.remember(share).catch(this.#onTrouble);
  }

  async #bury(record: KafkaRecord, failure: Omit<Failure, 'consumer'>): Promise<void> {
    const { deadLetters, topicPrefix = '', group } = this.#options;
    const letters = { keys: deadLetters.keys, topicPrefix };
    await this.#producer.send([letterOf(letters, record, { ...failure, consumer: group })]);
    this.#metrics?.deadLetter(record.topic, failure.reason);
  }
}

/** Records without a key are in the order of their partition. */
function laneOf({ record, share }: Work): string {
  return `${share.topic}/${share.partition}/${record.key?.toString('latin1') ?? ''}`;
}

/** Also where one record that cannot end keeps many behind it from being committed. */
function isFull({ busy, lowWater }: Share, most: number): boolean {
  return busy >= most || lowWater.open >= most * SPAN_FACTOR;
}

function keyOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
