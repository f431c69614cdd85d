import type { KafkaRecord } from '../kafka/client.ts';
import type { Decoded, ReceivedEvent } from './event.ts';

/**
 * One try at one event. There is one for each record, so it holds what it is made of, and makes the
 * rest, the signal above all, when somebody asks for it.
 */
export class Delivery<T> implements ReceivedEvent<T> {
  readonly attempt: number;
  readonly #record: KafkaRecord;
  readonly #event: Decoded<T>;
  #aborter: AbortController | undefined;
  #aborted: Error | undefined;

  constructor(record: KafkaRecord, event: Decoded<T>, attempt: number) {
    this.attempt = attempt;
    this.#record = record;
    this.#event = event;
  }

  get id(): string {
    return this.#event.id;
  }

  get type(): string {
    return this.#event.type;
  }

  get value(): T {
    return this.#event.value;
  }

  get tenant(): string {
    return this.#event.tenant ?? '';
  }

  get topic(): string {
    return this.#record.topic;
  }

  get partition(): number {
    return this.#record.partition;
  }

  get offset(): number {
    return this.#record.offset;
  }

  get key(): string | null {
    return this.#record.key?.toString() ?? null;
  }

  get headers(): KafkaRecord['headers'] {
    return this.#record.headers;
  }

  get timestamp(): number {
    return this.#record.timestamp;
  }

  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.#aborted !== undefined) this.#aborter.abort(this.#aborted);
    return this.#aborter.signal;
  }

  abort(why: Error): void {
    this.#aborted ??= why;
    this.#aborter?.abort(this.#aborted);
  }
}
