import { partitionOf } from '../../../kernel/murmur2.ts';
import type {
  GroupOptions,
  KafkaClient,
  KafkaGroup,
  KafkaMessage,
  KafkaProducer,
  KafkaRecord,
  TopicPartition,
  TopicPlace,
} from '../../kafka/client.ts';

/** Records that are handed over at once. */
const BATCH_MAX = 10;

/** Topics in memory, read by one member of a group: as much of Kafka as a consumer needs. */
export class MemoryKafka implements Pick<KafkaClient, 'group' | 'producer'> {
  readonly #now: () => number;
  readonly #partitions: number;
  readonly #records = new Map<string, KafkaRecord[]>();
  readonly #committed = new Map<string, number>();
  readonly #members = new Set<MemoryGroup>();
  /** While set, nothing can be written. */
  away: Error | undefined;

  constructor(now: () => number, partitions: number) {
    this.#now = now;
    this.#partitions = partitions;
  }

  append(message: KafkaMessage): TopicPlace {
    const { topic, key, value, headers = {} } = message;
    const partition =
      message.partition ?? (key === null ? 0 : partitionOf(key.toString(), this.#partitions));
    const records = this.of({ topic, partition });
    const offset = records.length;
    const held = Object.entries(headers).map(([name, one]) => [name, Buffer.from(one)]);
    const timestamp = this.#now();
    const place = { topic, partition, offset };
    records.push({ ...place, key, value, headers: Object.fromEntries(held), timestamp });
    for (const member of this.#members) member.feed();
    return place;
  }

  of(place: TopicPartition): KafkaRecord[] {
    const name = nameOf(place);
    const records = this.#records.get(name) ?? [];
    this.#records.set(name, records);
    return records;
  }

  /** Every record of a topic, by partition. */
  all(topic: string): KafkaRecord[] {
    return this.partitionsOf(topic).flatMap((place) => this.of(place));
  }

  partitionsOf(topic: string): TopicPartition[] {
    return Array.from({ length: this.#partitions }, (_, partition) => ({ topic, partition }));
  }

  committed(place: TopicPartition): number {
    return this.#committed.get(nameOf(place)) ?? 0;
  }

  /** The partitions of every member go, and come back. */
  async rebalance(): Promise<void> {
    for (const member of this.#members) await member.rebalance();
  }

  producer(): KafkaProducer {
    const send = async (messages: readonly KafkaMessage[]): Promise<TopicPlace[]> => {
      if (this.away !== undefined) throw this.away;
      return messages.map((message) => this.append(message));
    };
    const begin = () => Promise.reject(new Error('there are no transactions here'));
    return { open: async () => undefined, send, begin, close: async () => undefined };
  }

  group(options: GroupOptions): KafkaGroup {
    const member = new MemoryGroup(this, options);
    return {
      start: async () => {
        this.#members.add(member);
        await member.assign();
      },
      commit: async (places) => {
        for (const place of places) this.#committed.set(nameOf(place), place.offset);
      },
      pause: (partitions) => member.hold(partitions, true),
      resume: (partitions) => member.hold(partitions, false),
      stop: async () => {
        this.#members.delete(member);
        await member.revoke();
      },
    };
  }
}

class MemoryGroup {
  readonly #kafka: MemoryKafka;
  readonly #options: GroupOptions;
  readonly #next = new Map<string, number>();
  readonly #held = new Set<string>();
  readonly #feeding = new Set<string>();

  constructor(kafka: MemoryKafka, options: GroupOptions) {
    this.#kafka = kafka;
    this.#options = options;
  }

  get #all(): TopicPartition[] {
    return this.#options.topics.flatMap((topic) => this.#kafka.partitionsOf(topic));
  }

  async assign(): Promise<void> {
    for (const place of this.#all) this.#next.set(nameOf(place), this.#kafka.committed(place));
    await this.#options.onAssigned?.(this.#all);
    this.feed();
  }

  async revoke(): Promise<void> {
    this.#next.clear();
    this.#held.clear();
    await this.#options.onRevoked?.(this.#all);
  }

  async rebalance(): Promise<void> {
    await this.revoke();
    await this.assign();
  }

  hold(partitions: readonly TopicPartition[], held: boolean): void {
    for (const place of partitions) {
      if (held) this.#held.add(nameOf(place));
      else this.#held.delete(nameOf(place));
    }
    if (!held) this.feed();
  }

  feed(): void {
    for (const place of this.#all) {
      const name = nameOf(place);
      if (this.#feeding.has(name)) continue;
      this.#feeding.add(name);
      this.#feed(place).then(() => this.#feeding.delete(name), this.#options.onTrouble);
    }
  }

  /** One batch after the other, as long as there is one and it may come. */
  async #feed(place: TopicPartition): Promise<void> {
    const name = nameOf(place);
    for (;;) {
      const next = this.#next.get(name);
      const records = next === undefined ? [] : this.#kafka.of(place).slice(next, next + BATCH_MAX);
      if (next === undefined || records.length === 0 || this.#held.has(name)) return;
      this.#next.set(name, next + records.length);
      await this.#options.onRecords(records);
    }
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
