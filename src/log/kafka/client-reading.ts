import { sleep } from '../../kernel/clock.ts';
import type { KafkaRecord, TopicPartition, TopicPlace } from './client.ts';
import { Backoff } from './client-bounds.ts';

/** Hands over one piece after the other. */
export class Lane {
  #tail: Promise<void> = Promise.resolve();

  add(task: () => Promise<void>): void {
    this.#tail = this.#tail.then(task);
  }

  idle(): Promise<void> {
    return this.#tail;
  }
}

export interface ReadingOptions {
  readonly place: TopicPlace;
  readonly lane: Lane;
  readonly onRecords: (records: readonly KafkaRecord[]) => Promise<void>;
  readonly onTrouble: (error: unknown) => void;
  /** Something is handed over, or can be fetched again. */
  readonly onProgress: () => void;
}

/** A partition that is being read: what was fetched, and what has been handed over. */
export class Reading implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** Where the next fetch begins. */
  next: number;
  /** Everything before has been handed over. */
  done: number;
  /** Fetched, and not handed over. */
  waitingBytes = 0;
  readonly #options: ReadingOptions;
  #ended = false;
  #paused: PromiseWithResolvers<void> | undefined;

  constructor(options: ReadingOptions) {
    const { topic, partition, offset } = options.place;
    this.topic = topic;
    this.partition = partition;
    this.next = offset;
    this.done = offset;
    this.#options = options;
  }

  get paused(): boolean {
    return this.#paused !== undefined;
  }

  pause(): void {
    this.#paused ??= Promise.withResolvers();
  }

  resume(): void {
    this.#paused?.resolve();
    this.#paused = undefined;
  }

  /** Nothing more is handed over; resolves once what is being handed over has been. */
  end(): Promise<void> {
    this.#ended = true;
    this.resume();
    return this.#options.lane.idle();
  }

  add(records: readonly KafkaRecord[], next: number, bytes: number): void {
    this.next = next;
    this.waitingBytes += bytes;
    this.#options.lane.add(async () => {
      await this.#handOver(records);
      this.waitingBytes -= bytes;
      if (this.#ended) return;
      this.done = next;
      this.#options.onProgress();
    });
  }

  /** What its receiver refuses comes again: nothing is left out. */
  async #handOver(records: readonly KafkaRecord[]): Promise<void> {
    const backoff = new Backoff();
    while (records.length > 0) {
      while (this.#paused) await this.#paused.promise;
      if (this.#ended) return;
      try {
        return await this.#options.onRecords(records);
      } catch (error) {
        this.#options.onTrouble(error);
        await sleep(backoff.next());
      }
    }
  }
}
