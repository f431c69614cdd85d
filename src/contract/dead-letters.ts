/** A record that a consumer could not handle, as an operator sees it: nothing of its content. */
export interface DeadLetterEntry {
  /** Names it in `dlq show|retry|discard`. */
  readonly id: string;
  /** Of the record, without the installation's prefix; the letter is in `<topic>.dlq`. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Code of a closed list, such as `MALFORMED`, `UNKNOWN_VERSION` or `FAILED`. */
  readonly reason: string;
  readonly attempts: number;
  /** The consumer group, or `decider`. */
  readonly consumer: string;
  /** Id of the event, where it could be read. */
  readonly eventId?: string;
  /** ISO 8601. */
  readonly firstFailed: string;
  readonly lastFailed: string;
}

export interface DeadLetterCount {
  readonly topic: string;
  readonly count: number;
  readonly reasons: Readonly<Record<string, number>>;
}

export interface DeadLetterList {
  /** Of every topic that has some. */
  readonly topics: readonly DeadLetterCount[];
  /** The newest first, a page of them. */
  readonly letters: readonly DeadLetterEntry[];
  /** Letters were left unread: settle some, or name a topic. */
  readonly more: boolean;
}

/** A letter opened: what may be health information. */
export interface DeadLetterShown extends DeadLetterEntry {
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** base64; `null` for a tombstone, absent where the record was too large to be kept. */
  readonly value?: string | null;
  /** The event as JSON, where this version can read it. */
  readonly event?: unknown;
}

/** What an operator makes of a letter. */
export type DeadLetterOutcome = 'retried' | 'discarded';
