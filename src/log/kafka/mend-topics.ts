import type { KafkaSettings } from '../room-parts.ts';
import { applyTopics, type ConfigDrift, compareTopics, type TopicRefusal } from './apply-topics.ts';
import type { KafkaClient } from './client.ts';
import { Unwelcome } from './client-bounds.ts';
import { createKafkaClient } from './create.ts';
import { ensureLogIdentity, readLogIdentity } from './log-identity.ts';
import { PARTITIONS, replicationOn, topicNames, topicSpecs } from './topics.ts';

export interface TopicsState {
  /** Before the command; made where it applied. */
  readonly missing: readonly string[];
  /** As it was found; mended where the command applied and the topic is not among `refused`. */
  readonly drift: readonly ConfigDrift[];
  readonly refused: readonly TopicRefusal[];
}

export type TopicsOutcome =
  | ({ readonly outcome: 'done' } & TopicsState)
  /** `says`: the library's own words. */
  | { readonly outcome: 'unreachable' | 'unwelcome' | 'refused'; readonly says: string };

/**
 * For the command: compares the topics of a Kafka with what they should be, or makes them so and
 * says which log they are. It goes to Kafka itself, since a server without them does not start.
 */
export async function mendTopics(
  { client: adapter, topicPrefix, ...connection }: KafkaSettings,
  action: 'diff' | 'apply',
): Promise<TopicsOutcome> {
  const client = createKafkaClient({ ...connection, clientId: 'digital-twin-topics' }, adapter);
  try {
    const brokers = await reached(client);
    if (typeof brokers !== 'number') return brokers;
    const replication = replicationOn(brokers);
    return { outcome: 'done', ...(await mended(client, topicPrefix, replication, action)) };
  } catch (error) {
    return { outcome: 'refused', says: wordsOf(error) };
  } finally {
    await client.close();
  }
}

async function reached(client: KafkaClient): Promise<number | TopicsOutcome> {
  try {
    return await client.admin.brokers();
  } catch (error) {
    const outcome = error instanceof Unwelcome ? 'unwelcome' : 'unreachable';
    return { outcome, says: wordsOf(error) };
  }
}

async function mended(
  client: KafkaClient,
  prefix: string,
  replication: number,
  action: 'diff' | 'apply',
): Promise<TopicsState> {
  const names = topicNames(prefix);
  const known = await identityOf(client, names.log);
  const partitions = known?.partitions ?? PARTITIONS;
  const specs = topicSpecs({ prefix, partitions, replication });
  if (action === 'diff') return compareTopics(client.admin, specs);
  const { created: missing, drift, refused } = await applyTopics(client.admin, specs);
  if (refused.length === 0) await ensureLogIdentity(client, names, partitions);
  return { missing, drift, refused };
}

async function identityOf(client: KafkaClient, log: string) {
  const there = await client.admin.describe([log]);
  return there.length === 0 ? undefined : readLogIdentity(client, { log });
}

/** The innermost error's: what stands around it says in general what this says in particular. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const inner = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner === undefined ? error.message : wordsOf(inner);
}
