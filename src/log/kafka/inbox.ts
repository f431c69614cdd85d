import { LIMITS } from '../../kernel/limits.ts';
import {
  decodeSubmission,
  isPlain,
  type Submission,
  type SubmittedBundle,
} from '../events/index.ts';
import type { KafkaRecord } from './client.ts';
import type { Next } from './decider-db.ts';
import { OpenParts } from './open-parts.ts';

/** What cannot be handed to the decider, with where it stood. */
export interface Unreadable {
  /** Of several parts, the first. */
  readonly record: KafkaRecord;
  readonly error: unknown;
}

export interface Batch {
  readonly items: readonly Submission[];
  /** Records of those items, by index, whose producer hears no outcome (plain FHIR). */
  readonly unheard: ReadonlyMap<number, KafkaRecord>;
  readonly unreadable: readonly Unreadable[];
  /** Everything before these offsets is in this batch or an earlier one. */
  readonly intake: readonly Next[];
}

interface Queued {
  readonly partition: number;
  /** Offset of its first part. */
  readonly first: number;
  readonly bytes: number;
  readonly item?: Submission;
  /** Of a producer that hears no outcome. */
  readonly record?: KafkaRecord;
  readonly unreadable?: Unreadable;
}

const BATCH_ITEMS_MAX = 200;
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
const QUEUE_BYTES_MAX = 32 * 1024 * 1024;

/** Submissions as they come in, put together from their parts, until they are decided. */
export class Inbox {
  readonly #parts: OpenParts;
  readonly #read = new Map<number, number>();
  #queue: Queued[] = [];
  #bytes = 0;

  /** @param now milliseconds, monotonic */
  constructor(now: () => number) {
    this.#parts = new OpenParts(now);
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** Read no further until some of it is decided. */
  get isFull(): boolean {
    return this.#bytes > QUEUE_BYTES_MAX;
  }

  add(records: readonly KafkaRecord[]): void {
    for (const record of records) {
      this.#read.set(record.partition, record.offset + 1);
      try {
        this.#take(record, decodeSubmission(record));
      } catch (error) {
        this.#refuse(record, record.value?.length ?? 0, error);
      }
    }
    for (const first of this.#parts.giveUp()) {
      this.#refuse(first, 0, new Error('the rest of it never came'));
    }
  }

  take(): Batch {
    const taken: Queued[] = [];
    let bytes = 0;
    for (const one of this.#queue) {
      const isOver = taken.length >= BATCH_ITEMS_MAX || bytes + one.bytes > BATCH_BYTES_MAX;
      if (taken.length > 0 && isOver) break;
      taken.push(one);
      bytes += one.bytes;
    }
    this.#queue = this.#queue.slice(taken.length);
    this.#bytes -= bytes;
    const touched = [...new Set(taken.map(({ partition }) => partition))];
    const items = taken.filter(({ item }) => item !== undefined);
    const records = items.flatMap(({ record }, index) =>
      record ? [[index, record] as const] : [],
    );
    return {
      items: items.flatMap(({ item }) => item ?? []),
      unheard: new Map(records),
      unreadable: taken.flatMap(({ unreadable }) => unreadable ?? []),
      intake: touched.map((partition) => ({ partition, next: this.#next(partition) })),
    };
  }

  #take(record: KafkaRecord, submission: Submission): void {
    if (submission.kind === 'record') this.#push(record, record.value?.length ?? 0, submission);
    else if (submission.part.count === 1) this.#whole([submission], record);
    else {
      const whole = this.#parts.add(record, submission);
      if (whole !== undefined) this.#whole(whole.parts, whole.first);
    }
  }

  #whole(parts: readonly SubmittedBundle[], first: KafkaRecord): void {
    const body = Buffer.concat(parts.map((part) => part.body));
    const [part] = parts;
    if (part === undefined) return;
    if (body.length > LIMITS.bundleBytesMax) this.#refuse(first, 0, new Error('too large'));
    else this.#push(first, body.length, { ...part, body });
  }

  #refuse(record: KafkaRecord, bytes: number, error: unknown): void {
    const { partition, offset } = record;
    this.#queue.push({ partition, first: offset, bytes, unreadable: { record, error } });
    this.#bytes += bytes;
  }

  #push(record: KafkaRecord, bytes: number, item: Submission): void {
    const { partition, offset } = record;
    const unheard = isPlain(record) && { record };
    this.#queue.push({ partition, first: offset, bytes, item, ...unheard });
    this.#bytes += bytes;
  }

  /** Nothing before it is still to be decided. */
  #next(partition: number): number {
    const queued = this.#queue.filter((one) => one.partition === partition);
    const left = [...queued.map(({ first }) => first), ...this.#parts.begun(partition)];
    return Math.min(this.#read.get(partition) ?? 0, ...left);
  }
}
