import type { Clock } from '../../kernel/clock.ts';
import type { WorkerHandle } from '../../kernel/worker.ts';
import { Rejected } from '../consumers/event.ts';
import { createHousekeeping, type Housekeeping } from '../housekeeping.ts';
import type {
  KafkaClient,
  KafkaFollower,
  KafkaMessage,
  KafkaProducer,
  KafkaRecord,
  TopicPlace,
} from './client.ts';
import type { Chore, Decided, DeciderMethods, DeciderTopics } from './decider-methods.ts';
import { Inbox, type Unreadable } from './inbox.ts';
import { withBuffers } from './thread-bytes.ts';
import { writeAll } from './write-all.ts';

export interface ReignParts {
  readonly client: Pick<KafkaClient, 'admin' | 'follow' | 'producer'>;
  readonly topics: DeciderTopics;
  /** Of the intake and of the sources. */
  readonly partitions: { readonly intake: number; readonly sources: number };
  /** Shared by all who may lead: opening it fences whoever led before. */
  readonly transactionalId: string;
  readonly call: WorkerHandle<DeciderMethods>['call'];
  readonly clock: Clock;
  /** What becomes of records of the intake that cannot be read. */
  deadLetter(unreadable: Unreadable): KafkaMessage;
  /** Takes in all that former leaders have committed, and then no more. */
  inherit(): Promise<void>;
  readonly onError: (error: unknown) => void;
}

/**
 * From the beginning of one transaction of the intake to that of the next: a transaction costs the
 * broker, the views and whoever checks and tells the same whether it brings one fact or twenty.
 * Whoever comes after a rest waits for nothing.
 */
const PACE_MS = 15;

/** What else a transaction writes, by what was decided. */
type More = (decided: Decided) => readonly KafkaMessage[];

/**
 * One turn of leading, from the fencing of the former leader to the first thing that goes wrong:
 * whoever leads next, here or elsewhere, goes on from what Kafka has committed.
 */
export class Reign {
  readonly #parts: ReignParts;
  readonly #producer: KafkaProducer;
  readonly #inbox: Inbox;
  readonly #house: Housekeeping;
  readonly #next = new Map<number, number>();
  #intake: KafkaFollower | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #pumping: Promise<void> | undefined;
  #over = false;
  /** When the last transaction of the intake began. */
  #beganMs = Number.NEGATIVE_INFINITY;
  #end: (cause: unknown) => void = () => undefined;
  /** Resolves with what ended it, or with nothing where it was stopped. */
  readonly ended = new Promise<unknown>((resolve) => {
    this.#end = resolve;
  });

  constructor(parts: ReignParts) {
    const { client, transactionalId, clock, onError } = parts;
    this.#parts = parts;
    this.#producer = client.producer({ transactionalId });
    this.#inbox = new Inbox(() => clock.monotonic());
    this.#house = createHousekeeping({
      compact: async () => void (await this.#chore('compact')),
      wake: async () => (await this.#chore('wake')) > 0,
      sweep: () => this.#chore('sweep'),
      passTime: async () => (await this.#chore('passTime')) > 0,
      clock,
      onError,
    });
  }

  async start(): Promise<void> {
    const { client, topics, partitions, call, inherit, onError } = this.#parts;
    await this.#producer.open();
    await inherit();
    for (const [partition, next] of (await client.admin.nexts(topics.sources)).entries()) {
      this.#next.set(partition, next);
    }
    await this.#rename();
    const known = new Map((await call('intakePlaces', null)).map((one) => [one.partition, one]));
    this.#intake = client.follow({
      from: Array.from({ length: partitions.intake }, (_, partition) => {
        return { topic: topics.intake, partition, offset: known.get(partition)?.next ?? 0 };
      }),
      onRecords: (records) => this.#take(records),
      onTrouble: onError,
    });
    await this.#intake.start();
    await this.#house.start();
  }

  /** Ends what is under way; nothing more is written after it. */
  async stop(cause?: unknown): Promise<void> {
    this.#over = true;
    this.#house.stop();
    await this.#intake?.stop().catch(this.#parts.onError);
    await this.#pumping;
    await this.#turn.catch(() => undefined);
    await this.#producer.close().catch(this.#parts.onError);
    this.#end(cause);
  }

  /** Before anything is decided, so that no row ever stands under two keys that are written to. */
  async #rename(): Promise<void> {
    const { call, clock } = this.#parts;
    const some = () => call('rename', { nexts: this.#nexts(), at: clock.now() });
    while ((await this.#transact(some)) > 0);
  }

  async #take(records: readonly KafkaRecord[]): Promise<void> {
    this.#inbox.add(records);
    this.#wake();
    if (this.#inbox.isFull) await this.#pumping;
  }

  #wake(): void {
    this.#pumping ??= this.#pump().finally(() => {
      this.#pumping = undefined;
      // What came after the last look.
      if (!this.#inbox.isEmpty && !this.#over) this.#wake();
    });
  }

  async #pump(): Promise<void> {
    const { call, clock, deadLetter } = this.#parts;
    while (!this.#inbox.isEmpty && !this.#over) {
      await this.#paced();
      if (this.#over) return;
      const { items, unheard, intake, unreadable } = this.#inbox.take();
      const at = clock.now();
      const decide = () => {
        const whose = { items, unheard: [...unheard.keys()] };
        return call('decide', { ...whose, intake, nexts: this.#nexts(), at });
      };
      // Whoever waits for an outcome hears that it was refused; of others an operator must.
      const dead = ({ refused }: Decided): KafkaMessage[] => {
        const records = refused.flatMap((index) => unheard.get(index) ?? []);
        const rejected = records.map((record) => ({ record, error: new Rejected() }));
        return [...unreadable, ...rejected].map(deadLetter);
      };
      try {
        const resumed = await this.#transact(decide, dead);
        if (resumed > 0) this.#house.drain().catch(this.#parts.onError);
      } catch (error) {
        this.#fail(error);
        return;
      }
    }
  }

  async #paced(): Promise<void> {
    const { clock } = this.#parts;
    const leftMs = this.#beganMs + PACE_MS - clock.monotonic();
    if (leftMs > 0) await new Promise<void>((resolve) => void clock.after(leftMs, resolve));
    this.#beganMs = clock.monotonic();
  }

  async #chore(task: Chore): Promise<number> {
    if (this.#over) return 0;
    const { call, clock } = this.#parts;
    try {
      return await this.#transact(() =>
        call('chore', { task, nexts: this.#nexts(), at: clock.now() }),
      );
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** One after the other: the worker's transaction stays open until Kafka's has ended. */
  #transact(decide: () => Promise<Decided>, more: More = () => []): Promise<number> {
    const done = this.#turn.then(() => this.#transactNow(decide, more));
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #transactNow(decide: () => Promise<Decided>, more: More): Promise<number> {
    const { call } = this.#parts;
    if (this.#over) throw new Error('this reign is over');
    const decided = await decide();
    try {
      const restored = await this.#write([...decided.messages.map(withBuffers), ...more(decided)]);
      await call('settle', { commit: true, restored });
    } catch (error) {
      await call('settle', { commit: false, restored: [] });
      throw error;
    }
    return decided.more;
  }

  /** Answers up to where the state holds what it has written itself. */
  async #write(messages: readonly KafkaMessage[]): Promise<TopicPlace[]> {
    if (messages.length === 0) return [];
    const { topics } = this.#parts;
    const transaction = await this.#producer.begin();
    try {
      const places = await writeAll(transaction, messages, (topic, partition) =>
        topic === topics.sources ? this.#next.get(partition) : undefined,
      );
      await transaction.commit();
      for (const { topic, partition, offset } of places) {
        // The control record that ends the transaction takes the offset after the last.
        if (topic === topics.sources) this.#next.set(partition, offset + 1);
      }
      const kept: readonly string[] = [topics.sources, topics.directory, topics.decider];
      return places.filter(({ topic }) => kept.includes(topic));
    } catch (error) {
      await transaction.abort().catch(() => undefined);
      throw error;
    }
  }

  #nexts() {
    return [...this.#next].map(([partition, next]) => ({ partition, next }));
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#end(error);
  }
}
