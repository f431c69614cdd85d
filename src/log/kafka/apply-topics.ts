import { sleep } from '../../kernel/clock.ts';
import type { KafkaAdmin, TopicDescription, TopicSpec } from './client.ts';

export interface ConfigDrift {
  readonly topic: string;
  readonly config: string;
  readonly is: string;
  readonly should: string;
}

export interface TopicRefusal {
  readonly topic: string;
  /** What is wrong, and how to mend it. */
  readonly why: string;
}

export interface TopicComparison {
  readonly missing: readonly string[];
  readonly drift: readonly ConfigDrift[];
  readonly refused: readonly TopicRefusal[];
}

export interface TopicsApplied {
  readonly created: readonly string[];
  readonly changed: readonly string[];
  /** As it was found; mended where the topic is among `changed`. */
  readonly drift: readonly ConfigDrift[];
  readonly refused: readonly TopicRefusal[];
}

/** One fault found at start, with what mends it. */
export interface TopicFault {
  readonly topic: string;
  readonly what: string;
  readonly mend: string;
}

const APPLY = 'digital-twin topics apply';

/** Drift of these loses records or refuses them; the rest is the operator's to choose. */
const SAFETY: ReadonlySet<string> = new Set([
  'cleanup.policy',
  'delete.retention.ms',
  'max.message.bytes',
]);

/** How the cluster's topics differ from what they should be. Changes nothing. */
export async function compareTopics(
  admin: KafkaAdmin,
  specs: readonly TopicSpec[],
): Promise<TopicComparison> {
  const described = await admin.describe(specs.map(({ topic }) => topic));
  const found = new Map(described.map((description) => [description.topic, description]));
  const pairs = specs.flatMap((spec): [TopicSpec, TopicDescription][] => {
    const description = found.get(spec.topic);
    return description ? [[spec, description]] : [];
  });
  return {
    missing: specs.map(({ topic }) => topic).filter((topic) => !found.has(topic)),
    drift: pairs.flatMap(([spec, description]) => driftOf(spec, description)),
    refused: pairs.flatMap(([spec, description]) => refusalOf(spec, description)),
  };
}

/**
 * Makes what is missing and mends what drifted; a second time it does nothing. Where the number of
 * partitions differs the topic is left alone: members would change partition and lose their order.
 */
export async function applyTopics(
  admin: KafkaAdmin,
  specs: readonly TopicSpec[],
): Promise<TopicsApplied> {
  const { missing, drift, refused } = await compareTopics(admin, specs);
  await make(admin, specs, missing);
  const left = new Set(refused.map(({ topic }) => topic));
  const mended = Map.groupBy(
    drift.filter(({ topic }) => !left.has(topic)),
    ({ topic }) => topic,
  );
  for (const [topic, faults] of mended) {
    const configs = Object.fromEntries(faults.map(({ config, should }) => [config, should]));
    await admin.alterConfigs(topic, configs);
  }
  return { created: missing, changed: [...mended.keys()], drift, refused };
}

const MAKE_TRIES = 20;
const MAKE_PAUSE_MS = 250;

/** Until all are there and known, whoever makes them: two instances may start at the same time. */
async function make(
  admin: KafkaAdmin,
  specs: readonly TopicSpec[],
  missing: readonly string[],
): Promise<void> {
  let left = missing;
  for (let tries = 1; left.length > 0; tries += 1) {
    try {
      await admin.create(specs.filter(({ topic }) => left.includes(topic)));
    } catch (error) {
      if (tries === MAKE_TRIES) throw error;
    }
    left = (await compareTopics(admin, specs)).missing;
    if (left.length > 0) await sleep(MAKE_PAUSE_MS);
  }
}

/** What keeps the product from starting, all at once. */
export async function checkTopics(
  admin: KafkaAdmin,
  specs: readonly TopicSpec[],
): Promise<TopicFault[]> {
  const { missing, drift, refused } = await compareTopics(admin, specs);
  return [
    ...missing.map((topic) => ({ topic, what: 'does not exist', mend: APPLY })),
    ...refused.map(({ topic, why }) => ({ topic, what: why, mend: REMAKE })),
    ...drift
      .filter(({ config }) => SAFETY.has(config))
      .map(({ topic, config, is, should }) => {
        const what = `has ${config} ${is} and needs ${should}`;
        return { topic, what, mend: APPLY };
      }),
  ];
}

const REMAKE = 'copy it into a new prefix with KAFKA_TOPIC_PREFIX and digital-twin replay';

function driftOf(spec: TopicSpec, { configs }: TopicDescription): ConfigDrift[] {
  return Object.entries(spec.configs).flatMap(([config, should]) => {
    const is = configs[config] ?? '';
    return is === should ? [] : [{ topic: spec.topic, config, is, should }];
  });
}

function refusalOf(spec: TopicSpec, { topic, partitions }: TopicDescription): TopicRefusal[] {
  if (partitions === spec.partitions) return [];
  const why =
    `has ${partitions} partitions and not ${spec.partitions}: ` +
    'the number is fixed when the topic is made, since members would change partition';
  return [{ topic, why }];
}
