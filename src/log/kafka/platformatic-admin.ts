import {
  Admin,
  ConfigResourceTypes,
  FetchIsolationLevels,
  IncrementalAlterConfigOperationTypes,
  ListOffsetTimestamps,
} from '@platformatic/kafka';
import type {
  KafkaAdmin,
  KafkaConnection,
  TopicDescription,
  TopicPlace,
  TopicSpec,
} from './client.ts';
import { bounded, untilSo } from './client-bounds.ts';
import { guarded, isOneOf, optionsOf, RETRIES, reach } from './platformatic-options.ts';

const EXISTS: ReadonlySet<string> = new Set(['TOPIC_ALREADY_EXISTS']);
const { READ_COMMITTED, READ_UNCOMMITTED } = FetchIsolationLevels;

export class PlatformaticAdmin implements KafkaAdmin {
  readonly #admin: Admin;
  #contact: Promise<void> | undefined;

  constructor(connection: KafkaConnection) {
    this.#admin = guarded(new Admin({ ...optionsOf(connection), retries: RETRIES }));
  }

  async brokers(): Promise<number> {
    const asking = (await this.#reached()).metadata({ topics: [], forceUpdate: true });
    return (await bounded('asking for metadata', asking)).brokers.size;
  }

  async describe(topics: readonly string[]): Promise<TopicDescription[]> {
    const there = new Set(await bounded('listing topics', (await this.#reached()).listTopics()));
    const named = topics.filter((topic) => there.has(topic));
    if (named.length === 0) return [];
    const resources = named.map((resourceName) => ({
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName,
      configurationKeys: null,
    }));
    const described = await bounded(
      'describing topics',
      (await this.#reached()).describeConfigs({ resources }),
    );
    const counts = await this.#counts(named);
    return described.map(({ resourceName, configs }) => ({
      topic: resourceName,
      partitions: counts.get(resourceName) ?? 0,
      configs: Object.fromEntries(configs.map(({ name, value }) => [name, value ?? ''])),
    }));
  }

  async create(specs: readonly TopicSpec[]): Promise<void> {
    for (const { topic, partitions, replication, configs } of specs) {
      const creating = (await this.#reached()).createTopics({
        topics: [{ topic, partitions, replicas: replication }],
        configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
      });
      try {
        await bounded('creating a topic', creating);
      } catch (error) {
        if (!isOneOf(error, EXISTS)) throw error;
      }
    }
    const topics = specs.map(({ topic }) => topic);
    if (topics.length === 0) return;
    await untilSo('creating topics', async () => {
      const asking = this.#admin.metadata({ topics: [...topics], forceUpdate: true, retries: 0 });
      const known = [...(await bounded('asking for metadata', asking)).topics.values()];
      return known.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0));
    });
  }

  async alterConfigs(topic: string, configs: Readonly<Record<string, string>>): Promise<void> {
    const altering = (await this.#reached()).incrementalAlterConfigs({
      resources: [
        {
          resourceType: ConfigResourceTypes.TOPIC,
          resourceName: topic,
          configs: Object.entries(configs).map(([name, value]) => ({
            name,
            value,
            configOperation: IncrementalAlterConfigOperationTypes.SET,
          })),
        },
      ],
    });
    await bounded('altering a topic', altering);
  }

  starts(topic: string): Promise<number[]> {
    return this.#offsets(topic, ListOffsetTimestamps.EARLIEST, READ_UNCOMMITTED);
  }

  ends(topic: string): Promise<number[]> {
    return this.#offsets(topic, ListOffsetTimestamps.LATEST, READ_COMMITTED);
  }

  nexts(topic: string): Promise<number[]> {
    return this.#offsets(topic, ListOffsetTimestamps.LATEST, READ_UNCOMMITTED);
  }

  async trim(places: readonly TopicPlace[]): Promise<void> {
    const topics = Map.groupBy(places, ({ topic }) => topic);
    const trimming = (await this.#reached()).deleteRecords({
      topics: [...topics].map(([name, at]) => ({
        name,
        partitions: at.map(({ partition, offset }) => ({ partition, offset: BigInt(offset) })),
      })),
    });
    await bounded('trimming a topic', trimming);
  }

  async remove(topics: readonly string[]): Promise<void> {
    const there = await this.describe(topics);
    if (there.length === 0) return;
    const removing = (await this.#reached()).deleteTopics({
      topics: there.map(({ topic }) => topic),
    });
    await bounded('removing topics', removing);
  }

  /** After the first contact, which tells at once that we are not welcome. */
  async #reached(): Promise<Admin> {
    this.#contact ??= reach(this.#admin);
    try {
      await this.#contact;
      return this.#admin;
    } catch (error) {
      this.#contact = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#admin.close();
  }

  async #counts(topics: readonly string[]): Promise<Map<string, number>> {
    const asking = (await this.#reached()).metadata({ topics: [...topics], forceUpdate: true });
    const { topics: known } = await bounded('asking for metadata', asking);
    return new Map([...known].map(([topic, { partitionsCount }]) => [topic, partitionsCount]));
  }

  async #offsets(topic: string, timestamp: bigint, isolationLevel: 0 | 1): Promise<number[]> {
    const count = (await this.#counts([topic])).get(topic) ?? 0;
    const partitions = Array.from({ length: count }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp,
    }));
    const listing = (await this.#reached()).listOffsets({
      topics: [{ name: topic, partitions }],
      isolationLevel,
    });
    const [listed] = await bounded('listing offsets', listing);
    const offsets = new Array<number>(count).fill(0);
    for (const { partitionIndex, offset } of listed?.partitions ?? []) {
      offsets[partitionIndex] = Number(offset);
    }
    return offsets;
  }
}
