import type { Message } from '@bufbuild/protobuf';
import type { Service } from '../../kernel/lifecycle.ts';

/** One event of a topic, on its way to what this product does with it. */
export interface TakenEvent {
  /** Of its header: a second one has no second effect. */
  readonly id: string;
  /** Word of the event, such as `call.join`. */
  readonly type: string;
  readonly value: Message;
  /** Without the prefix of the installation. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When the record was written, milliseconds since the epoch. */
  readonly timestamp: number;
  /** From when on an effect would be another's to have. */
  readonly signal: AbortSignal;
}

export interface TakeOptions {
  /** Of the consumer group, without the prefix of the installation. */
  readonly group: string;
  /** Without the prefix. */
  readonly topics: readonly string[];
  /** Resolves once the effect is there: the offset is committed afterwards. Tried until it does. */
  readonly take: (event: TakenEvent) => Promise<void>;
  /** How many records of the topics this member has not handled yet, from time to time. */
  readonly onLag: (records: number) => void;
}

/** The topics of events, for what reads and writes them besides the log itself. */
export interface EventTopics {
  take(options: TakeOptions): Service;
  /** Resolves once the topic has it. @param key by which it is ordered: the member, the session */
  publish(type: string, key: string, message: Message): Promise<void>;
}
