import kafkajs, { type Admin, type Cluster, type Kafka } from 'kafkajs';
import { sleep } from '../../kernel/clock.ts';
import type {
  KafkaAdmin,
  KafkaConnection,
  TopicDescription,
  TopicPlace,
  TopicSpec,
} from './client.ts';
import { Backoff, BOUNDS, bounded, untilSo } from './client-bounds.ts';
import { Link } from './kafkajs-link.ts';
import { clusterOf, kafkaOf, RETRIES, reach } from './kafkajs-options.ts';

/** Where a topic's config was set: by somebody, for this topic. */
const DYNAMIC_TOPIC_CONFIG = 1;
const { TOPIC } = kafkajs.ConfigResourceTypes;

export class KafkajsAdmin implements KafkaAdmin {
  readonly #admin: Admin;
  readonly #committed: Link<Cluster>;
  readonly #uncommitted: Link<Cluster>;
  #contact: Promise<void> | undefined;

  constructor(connection: KafkaConnection) {
    const kafka: Kafka = kafkaOf(connection, RETRIES);
    this.#first = kafkaOf(connection, 0).admin();
    this.#admin = kafka.admin();
    this.#committed = new Link(clusterOf(kafka, 'committed'));
    this.#uncommitted = new Link(clusterOf(kafka, 'uncommitted'));
  }

  /** Without tries of its own, so that it tells at once that we are not welcome. */
  readonly #first: Admin;

  async brokers(): Promise<number> {
    const admin = await this.#reached();
    const { brokers } = await bounded('describing the cluster', admin.describeCluster());
    return brokers.length;
  }

  async describe(topics: readonly string[]): Promise<TopicDescription[]> {
    const admin = await this.#reached();
    const there = new Set(await bounded('listing topics', admin.listTopics()));
    const named = topics.filter((topic) => there.has(topic));
    if (named.length === 0) return [];
    const metadata = await bounded(
      'asking for metadata',
      admin.fetchTopicMetadata({ topics: named }),
    );
    const counts = new Map(
      metadata.topics.map(({ name, partitions }) => [name, partitions.length]),
    );
    const configs = await this.#configs(named);
    return named.map((topic) => ({
      topic,
      partitions: counts.get(topic) ?? 0,
      configs: Object.fromEntries(
        (configs.get(topic) ?? []).map(({ configName, configValue }) => [configName, configValue]),
      ),
    }));
  }

  async create(specs: readonly TopicSpec[]): Promise<void> {
    const admin = await this.#reached();
    const topics = specs.map(({ topic, partitions, replication, configs }) => ({
      topic,
      numPartitions: partitions,
      replicationFactor: replication,
      configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })),
    }));
    if (topics.length === 0) return;
    await bounded('creating topics', admin.createTopics({ topics, waitForLeaders: false }));
    const names = topics.map(({ topic }) => topic);
    // The library would wait for the leaders too, but fails where a broker has not heard of the
    // topic yet.
    await untilSo('creating topics', async () => {
      const known = await bounded('asking', admin.fetchTopicMetadata({ topics: names }));
      return known.topics.every(({ partitions }) => partitions.every(({ leader }) => leader >= 0));
    });
  }

  /** The library sets all configs of a topic at once: those that stay are sent along. */
  async alterConfigs(topic: string, configs: Readonly<Record<string, string>>): Promise<void> {
    const admin = await this.#reached();
    const present = (await this.#configs([topic])).get(topic) ?? [];
    const kept = present
      .filter(({ configSource }) => configSource === DYNAMIC_TOPIC_CONFIG)
      .map(({ configName, configValue }) => [configName, configValue]);
    const wanted: Record<string, string> = { ...Object.fromEntries(kept), ...configs };
    const configEntries = Object.entries(wanted).map(([name, value]) => ({ name, value }));
    const resources = [{ type: TOPIC, name: topic, configEntries }];
    await bounded('altering a topic', admin.alterConfigs({ validateOnly: false, resources }));
  }

  starts(topic: string): Promise<number[]> {
    return this.#offsets(this.#committed, topic, true);
  }

  ends(topic: string): Promise<number[]> {
    return this.#offsets(this.#committed, topic, false);
  }

  nexts(topic: string): Promise<number[]> {
    return this.#offsets(this.#uncommitted, topic, false);
  }

  async trim(places: readonly TopicPlace[]): Promise<void> {
    const admin = await this.#reached();
    for (const [topic, of] of Map.groupBy(places, (place) => place.topic)) {
      const partitions = of.map(({ partition, offset }) => ({ partition, offset: `${offset}` }));
      // Brings the topic's leaders, which the library does not look for by itself here.
      await bounded('listing offsets', admin.fetchTopicOffsets(topic));
      await bounded('trimming a topic', admin.deleteTopicRecords({ topic, partitions }));
    }
  }

  async remove(topics: readonly string[]): Promise<void> {
    const admin = await this.#reached();
    const there = (await this.describe(topics)).map(({ topic }) => topic);
    if (there.length > 0) await bounded('removing topics', admin.deleteTopics({ topics: there }));
  }

  async close(): Promise<void> {
    await Promise.all([
      this.#admin.disconnect(),
      this.#first.disconnect(),
      this.#committed.close(),
      this.#uncommitted.close(),
    ]);
  }

  async #configs(topics: readonly string[]) {
    const admin = await this.#reached();
    const resources = topics.map((name) => ({ type: TOPIC, name }));
    const describing = admin.describeConfigs({ resources, includeSynonyms: false });
    const described = await bounded('describing topics', describing);
    return new Map(
      described.resources.map(({ resourceName, configEntries }) => [resourceName, configEntries]),
    );
  }

  /** A topic that was just made, or has moved, has its leader a moment later. */
  async #offsets(link: Link<Cluster>, topic: string, fromBeginning: boolean): Promise<number[]> {
    const backoff = new Backoff();
    for (let waited = 0; ; ) {
      try {
        return await this.#offsetsNow(link, topic, fromBeginning);
      } catch (error) {
        const ms = backoff.next();
        waited += ms;
        if (!isRetriable(error) || waited > BOUNDS.callMs) throw error;
        await sleep(ms);
      }
    }
  }

  async #offsetsNow(link: Link<Cluster>, topic: string, fromBeginning: boolean): Promise<number[]> {
    await this.#reached();
    return link.use('listing offsets', async (cluster) => {
      await cluster.connect();
      await cluster.addMultipleTargetTopics([topic]);
      await cluster.refreshMetadata();
      const partitions = cluster
        .findTopicPartitionMetadata(topic)
        .map(({ partitionId }) => ({ partition: partitionId }));
      const [listed] = await cluster.fetchTopicsOffset([{ topic, partitions, fromBeginning }]);
      const offsets = new Array<number>(partitions.length).fill(0);
      for (const { partition, offset } of listed?.partitions ?? []) {
        offsets[partition] = Number(offset);
      }
      return offsets;
    });
  }

  async #reached(): Promise<Admin> {
    this.#contact ??= reach(() => this.#first.connect()).then(() => this.#admin.connect());
    try {
      await this.#contact;
      return this.#admin;
    } catch (error) {
      this.#contact = undefined;
      throw error;
    }
  }
}

function isRetriable(error: unknown): boolean {
  return error instanceof Error && 'retriable' in error && error.retriable === true;
}
