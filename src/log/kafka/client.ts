/**
 * What the product asks of a Kafka client. Two adapters (`@platformatic/kafka`, `kafkajs`) pass one
 * suite; nothing else in the product knows either library. Topic names here are whole: whoever
 * calls has added `KAFKA_TOPIC_PREFIX`.
 */
export interface KafkaClient {
  readonly admin: KafkaAdmin;
  producer(options?: ProducerOptions): KafkaProducer;
  /** Reads partitions from given offsets, outside any group, committed records only. */
  follow(options: FollowOptions): KafkaFollower;
  /** Shares a topic's partitions with the other members of a group; offsets are committed by us. */
  group(options: GroupOptions): KafkaGroup;
  close(): Promise<void>;
}

export interface KafkaMessage {
  readonly topic: string;
  /** Absent: murmur2(key) mod n, as the Java client does. */
  readonly partition?: number;
  readonly key: Buffer | null;
  /** `null`: a tombstone. */
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string | Buffer>>;
}

export interface KafkaRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer>>;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface TopicPlace extends TopicPartition {
  readonly offset: number;
}

export interface ProducerOptions {
  /** With it, opening fences whoever had the same id before, and ends their open transaction. */
  readonly transactionalId?: string;
}

/** Another producer has opened with the same transactional id: nothing more is ours to write. */
export class Fenced extends Error {
  constructor(cause?: unknown) {
    super('another producer has taken over this transactional id', { cause });
    this.name = 'Fenced';
  }
}

/** A connection or a broker failed; whoever tells it tries again until it works or is stopped. */
export class TriedAgain extends Error {
  /** @param what `reading`, as the beginning of a sentence */
  constructor(what: string, cause: unknown) {
    super(`${what} failed, and is tried again`, { cause });
    this.name = 'TriedAgain';
  }
}

/** Idempotent, `acks=all`. */
export interface KafkaProducer {
  /** Connects; with a transactional id, fences its former owner. */
  open(): Promise<void>;
  /** Answers the offset of the first message by partition; those of one partition follow it. */
  send(messages: readonly KafkaMessage[]): Promise<TopicPlace[]>;
  /** One at a time. @throws Fenced */
  begin(): Promise<KafkaTransaction>;
  close(): Promise<void>;
}

export interface KafkaTransaction {
  /** As the producer's. @throws Fenced */
  send(messages: readonly KafkaMessage[]): Promise<TopicPlace[]>;
  /** @throws Fenced; after any other error it is not known whether it was committed */
  commit(): Promise<void>;
  abort(): Promise<void>;
}

export interface FollowOptions {
  /** First offset wanted, by partition; where it is gone, the first there is. */
  readonly from: readonly TopicPlace[];
  /** Records of one partition, in order; the next ones of any partition come after it resolves. */
  onRecords(records: readonly KafkaRecord[]): Promise<void>;
  /** `TriedAgain` where a connection is lost or a broker away; also what `onRecords` threw. */
  onTrouble(error: unknown): void;
}

export interface KafkaFollower {
  /** Resolves once it is reading. */
  start(): Promise<void>;
  /**
   * Resolves when everything committed before the call has been handed over (`onRecords` resolved),
   * whatever control records stand at the end.
   */
  caughtUp(): Promise<void>;
  stop(): Promise<void>;
}

export interface GroupOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Where a partition has no committed offset. Default `earliest`. */
  readonly start?: 'earliest' | 'latest';
  /** Partitions that are ours from now on, told before any record of them. */
  onAssigned?(partitions: readonly TopicPartition[]): Promise<void>;
  /**
   * Partitions that are going to others: nothing of them is being handed over any more. Once this
   * has resolved (within half a session) they are given up, and commits of them are refused; a
   * commit made here still counts, unless the session was lost.
   */
  onRevoked?(partitions: readonly TopicPartition[]): Promise<void>;
  /** Records of one partition, in order. Partitions come side by side. */
  onRecords(records: readonly KafkaRecord[]): Promise<void>;
  onTrouble(error: unknown): void;
  readonly sessionTimeoutMs?: number;
}

/** A commit of a partition that is no longer ours. */
export class Revoked extends Error {
  constructor() {
    super('the partition is no longer ours to commit');
    this.name = 'Revoked';
  }
}

export interface KafkaGroup {
  start(): Promise<void>;
  /** Offsets of the next records to be read. @throws Revoked */
  commit(places: readonly TopicPlace[]): Promise<void>;
  /** Stops the coming of records of a partition, until `resume`. */
  pause(partitions: readonly TopicPartition[]): void;
  resume(partitions: readonly TopicPartition[]): void;
  /** Leaves the group at once, so that the others need not wait for the session's end. */
  stop(): Promise<void>;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly replication: number;
  readonly configs: Readonly<Record<string, string>>;
}

export interface TopicDescription {
  readonly topic: string;
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
}

export interface KafkaAdmin {
  /** How many brokers the cluster has. */
  brokers(): Promise<number>;
  /** Those that exist, of the names given. */
  describe(topics: readonly string[]): Promise<TopicDescription[]>;
  /** Those that exist already stay as they are: another may have made them at the same time. */
  create(specs: readonly TopicSpec[]): Promise<void>;
  alterConfigs(topic: string, configs: Readonly<Record<string, string>>): Promise<void>;
  /** First offset kept, by partition. */
  starts(topic: string): Promise<number[]>;
  /** Next offset to be read by read-committed consumers (the last stable offset), by partition. */
  ends(topic: string): Promise<number[]>;
  /** Next offset to be written, open transactions included (high watermark), by partition. */
  nexts(topic: string): Promise<number[]>;
  /** Deletes everything before these offsets. */
  trim(places: readonly TopicPlace[]): Promise<void>;
  /** For tests. */
  remove(topics: readonly string[]): Promise<void>;
}

export interface KafkaConnection {
  /** `host:port`, several. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: {
    readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
    readonly username: string;
    readonly password: string;
  };
}
