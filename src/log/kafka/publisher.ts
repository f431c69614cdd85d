import { parseUri } from '../../contract/uris.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import type { ChangeBus, Leadership, View, ViewChange, ViewShard } from '../../twin/ports.ts';
import { ownIds, type SchemaIds } from '../events/schema-ids.ts';
import type { KafkaClient, KafkaMessage, KafkaProducer } from './client.ts';
import { eventOf } from './publisher-events.ts';
import {
  type Progress,
  progressMessage,
  type Reached,
  reachedIn,
  readProgress,
} from './publisher-progress.ts';
import { type EtagNow, keyOf, readTold, type Telling, type Told } from './publisher-told.ts';
import type { TopicNames } from './topics.ts';

export interface PublisherOptions {
  readonly client: Pick<KafkaClient, 'admin' | 'producer' | 'follow'>;
  /** Only the leader publishes; who believes so wrongly is fenced. */
  readonly leadership: Leadership;
  readonly view: Pick<View, 'epoch' | 'partitions' | 'for'>;
  readonly bus: Pick<ChangeBus, 'subscribe'>;
  readonly topics: Pick<TopicNames, 'events' | 'publisher'>;
  /** One for the whole deployment. */
  readonly transactionalId: string;
  readonly clock: Clock;
  readonly onTrouble: (error: unknown) => void;
  readonly ids?: SchemaIds;
  /** Changes in one transaction, about. Default 500. */
  readonly changesMax?: number;
}

/** Changes in one transaction; a place is never divided. */
const CHANGES_MAX = 500;
/**
 * From one transaction to the next: each costs the broker a dozen writes however little is in it,
 * and no subscriber waits for these events.
 */
export const PAUSE_MS = 100;

/** What the view says next of some partitions, and how far that is. */
interface Step {
  readonly changes: readonly Telling[];
  readonly reached: Progress;
  /** By partition, up to where former leaders' words were compared with our view. */
  readonly settled: ReadonlyMap<number, number>;
}
const BACKOFF_FIRST_MS = 200;
const BACKOFF_MAX_MS = 5_000;

/**
 * Writes `twins.resource-events` from this instance's view, each change once: events and the places
 * reached are one transaction, so whoever takes over goes on exactly there, leaving out what its own
 * view says at another place than the former leader's. An instance whose view is behind that place
 * waits until it has come there.
 */
export function createPublisher(options: PublisherOptions): Service {
  return new Publisher(options);
}

class Publisher implements Service {
  readonly name = 'publisher';
  readonly #options: PublisherOptions;
  #forget: (() => void)[] = [];
  #stopped = true;
  #running: Promise<void> = Promise.resolve();
  /** Of a wait for changes, and of any wait. */
  #onChange: () => void = () => undefined;
  #onEnd: () => void = () => undefined;
  #grown = false;
  /** Where the next look at the partitions begins, so that a busy one keeps none waiting. */
  #first = 0;

  constructor(options: PublisherOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const { leadership, bus } = this.#options;
    this.#stopped = false;
    this.#forget = [
      bus.subscribe(() => this.#changed()),
      leadership.onLost(() => this.#end()),
      leadership.onGained(() => this.#begin()),
    ];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const forget of this.#forget) forget();
    await this.#end();
  }

  #begin(): void {
    this.#running = this.#running.then(() => this.#lead());
  }

  /** Resolves when nothing of ours is under way any more. */
  async #end(): Promise<void> {
    this.#onEnd();
    await this.#running;
  }

  #changed(): void {
    this.#grown = true;
    this.#onChange();
  }

  get #leads(): boolean {
    return !this.#stopped && this.#options.leadership.leads;
  }

  /** Whatever fails, what was committed is read anew before anything more is written. */
  async #lead(): Promise<void> {
    const { client, transactionalId, onTrouble } = this.#options;
    for (let backoffMs = BACKOFF_FIRST_MS; this.#leads; ) {
      const producer = client.producer({ transactionalId });
      try {
        await producer.open();
        await this.#reign(producer, () => {
          backoffMs = BACKOFF_FIRST_MS;
        });
      } catch (error) {
        onTrouble(error);
        await this.#pause(backoffMs);
        backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS);
      } finally {
        await producer.close().catch(onTrouble);
      }
    }
  }

  async #reign(producer: KafkaProducer, onWritten: () => void): Promise<void> {
    const { client, topics, view } = this.#options;
    const progress = await readProgress(client, topics.publisher, view.epoch);
    const told = await this.#told(progress);
    for (const [partition, { safe, open }] of progress) {
      progress.set(partition, { offset: safe, safe, open });
    }
    while (this.#leads) {
      this.#grown = false;
      const step = this.#next(progress, told);
      if (step.reached.size > 0) await this.#write(producer, step);
      for (const change of step.changes) told.forget(change);
      for (const [partition, applied] of step.settled) told.settle(partition, applied);
      if (step.reached.size === 0) {
        await this.#changes();
        continue;
      }
      for (const [partition, reached] of step.reached) progress.set(partition, reached);
      onWritten();
      await this.#pause(PAUSE_MS);
    }
  }

  #told(progress: Progress): Promise<Told> {
    const { client, topics, view, ids = ownIds } = this.#options;
    const open = [...progress.values()].reduce((sum, reached) => sum + reached.open, 0);
    return readTold(client, topics.events, { epoch: view.epoch, open, ids });
  }

  #next(progress: Progress, told: Told): Step {
    const { view, clock, changesMax = CHANGES_MAX } = this.#options;
    const changes: Telling[] = [];
    const reached: Progress = new Map();
    const settled = new Map<number, number>();
    // Of a document whose change is told here, an earlier leader's word counts no longer.
    const own = new Set<string>();
    let seen = 0;
    this.#first += 1;
    for (let step = 0; step < view.partitions; step++) {
      const room = changesMax - seen;
      if (room <= 0) break;
      const partition = (this.#first + step) % view.partitions;
      const before = reachedIn(progress, partition);
      const shard = view.for(partition);
      const [version, applied] = [shard.version(), shard.applied(partition)];
      const found = shard.changesAfter(partition, before.offset, room);
      const unheard: Telling[] = found.filter((change) => {
        const document = keyOf(change);
        if (!own.has(document) && told.knows(change)) return false;
        own.add(document);
        return true;
      });
      const isWhole = found.length < room;
      if (isWhole) {
        const missed = told.missed(partition, applied, clock.now(), etagsOf(shard));
        // Something was written between our looks: the next look settles it.
        if (shard.version() === version) {
          unheard.push(...missed.filter((change) => !own.has(keyOf(change))));
          settled.set(partition, applied);
        }
      }
      if (found.length === 0 && unheard.length === 0) continue;
      seen += found.length;
      changes.push(...unheard);
      reached.set(partition, reachedBy(before, found, unheard.length, !isWhole));
    }
    return { changes, reached, settled };
  }

  async #write(
    producer: KafkaProducer,
    { changes, reached }: Omit<Step, 'settled'>,
  ): Promise<void> {
    const { topics, view, ids = ownIds } = this.#options;
    const messages: KafkaMessage[] = changes.flatMap((change) => {
      const message = eventOf(view.epoch, change, ids);
      return message === undefined ? [] : [{ topic: topics.events, ...message }];
    });
    for (const [partition, to] of reached) {
      messages.push(progressMessage(topics.publisher, view.epoch, partition, to));
    }
    const transaction = await producer.begin();
    try {
      await transaction.send(messages);
    } catch (error) {
      await transaction.abort().catch(this.#options.onTrouble);
      throw error;
    }
    await transaction.commit();
  }

  /** Until the view has told of more, or we lead no longer. */
  async #changes(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onChange = resolve;
    this.#onEnd = resolve;
    if (!this.#grown && this.#leads) await promise;
  }

  async #pause(delayMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.after(delayMs, resolve);
    this.#onEnd = resolve;
    if (this.#leads) await promise;
    timer.cancel();
  }
}

function etagsOf(shard: ViewShard): EtagNow {
  return (text, variant) => {
    const uri = parseUri(text);
    if (uri?.kind === 'source') return shard.etagOf(uri, variant);
    return shard.stampOf(text, variant)?.etag;
  };
}

/** @param cut whether the view may say more: then this may be in the middle of one of its batches */
function reachedBy(
  { offset: before, safe, open }: Reached,
  found: readonly ViewChange[],
  told: number,
  cut: boolean,
): Reached {
  const offset = found.at(-1)?.place.offset ?? before;
  return cut ? { offset, safe, open: open + told } : { offset, safe: offset, open: 0 };
}
