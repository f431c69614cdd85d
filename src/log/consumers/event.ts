import type { KafkaRecord, TopicPlace } from '../kafka/client.ts';

/** What a decoder makes of a record. */
export interface Decoded<T> {
  /** The header's id: a second event of it within 30 days has no second effect. */
  readonly id: string;
  /** The header's type, a word of ours such as `twins.resource-updated`. */
  readonly type: string;
  readonly value: T;
  /** Whose it is; a dead letter of it is shown to nobody else. */
  readonly tenant?: string;
}

/** @throws Undecodable for what no later try can read; after anything else it is tried again */
export type Decode<T> = (record: KafkaRecord) => Decoded<T> | Promise<Decoded<T>>;

/** One event on its way to a handler. */
export interface ReceivedEvent<T> extends Decoded<T>, TopicPlace {
  /** As its producer wrote it; `null` where it has none. */
  readonly key: string | null;
  /** Kafka's own headers; those of ours are in the event. */
  readonly headers: Readonly<Record<string, Buffer>>;
  /** When it was written, in milliseconds since the epoch. */
  readonly timestamp: number;
  /** From 1. */
  readonly attempt: number;
  /**
   * Aborted when the try takes too long, or its partition goes to another member of the group:
   * from then on an effect would be a second one.
   */
  readonly signal: AbortSignal;
}

/** Returns once the effect is there; whatever it throws is tried again, but for `Rejected`. */
export type Handler<T> = (event: ReceivedEvent<T>) => void | Promise<void>;

/** Why a record is a dead letter. Codes stand in headers and metrics, so they say nothing of it. */
export const REASONS = [
  'MALFORMED',
  'UNKNOWN_VERSION',
  'UNKNOWN_TYPE',
  'TOO_LARGE',
  'REJECTED',
  'TIMED_OUT',
  'FAILED',
] as const;
export type Reason = (typeof REASONS)[number];

/** Thrown by a handler for what another try cannot mend: a dead letter at once. */
export class Rejected extends Error {
  constructor(message = 'the handler rejected an event', cause?: unknown) {
    super(message, { cause });
    this.name = 'Rejected';
  }
}
