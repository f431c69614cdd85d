import type { KafkaRecord } from '../kafka/client.ts';
import type { Decoded, ReceivedEvent } from './event.ts';

/** One try at one event. Its signal costs something, so it is made when somebody asks for it. */
export class Delivery<T> implements ReceivedEvent<T> {
  readonly id: string;
  readonly type: string;
  readonly value: T;
  readonly tenant?: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly headers: Readonly<Record<string, Buffer>>;
  readonly timestamp: number;
  readonly attempt: number;
  readonly #key: Buffer | null;
  #aborter: AbortController | undefined;
  #aborted: Error | undefined;

  constructor(record: KafkaRecord, event: Decoded<T>, attempt: number) {
    const { id, type, value, tenant } = event;
    if (tenant !== undefined) this.tenant = tenant;
    this.id = id;
    this.type = type;
    this.value = value;
    this.topic = record.topic;
    this.partition = record.partition;
    this.offset = record.offset;
    this.headers = record.headers;
    this.timestamp = record.timestamp;
    this.attempt = attempt;
    this.#key = record.key;
  }

  get key(): string | null {
    return this.#key?.toString() ?? null;
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
