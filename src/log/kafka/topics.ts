import type { TopicSpec } from './client.ts';

const DAY_MS = 86_400_000;
const TOMBSTONES_MS = 30 * DAY_MS;

/** Spread by member (or what stands for one), or of one partition: in one order for all. */
type Spread = 'spread' | 'single';

interface TopicRow {
  readonly spread: Spread;
  /** `compacted`: the last record of each key, for ever. */
  readonly kept: 'compacted' | { readonly days: number };
  /** What could not be handled goes to `<topic>.dlq`. */
  readonly deadLetters: boolean;
}

const row = (
  kept: TopicRow['kept'],
  { spread = 'spread', deadLetters = true }: Partial<TopicRow> = {},
): TopicRow => ({ spread, kept, deadLetters });

const days = (count: number): TopicRow['kept'] => ({ days: count });
const own: Partial<TopicRow> = { spread: 'single', deadLetters: false };

/**
 * Every topic of the product (design §6), by its name without a prefix. Relations are never
 * dead-lettered: their writer stops instead. `twins.decider`, `twins.log` and `twins.publisher` are
 * the product's own: the decider's state beside the accepted records, which log this is, and up to
 * where its changes were published.
 */
export const TOPIC_ROWS = {
  'twins.intake': row(days(30)),
  'twins.sources': row('compacted'),
  'twins.directory': row('compacted'),
  'twins.resource-events': row(days(7)),
  'twins.outcomes': row(days(7), { deadLetters: false }),
  'twins.decider': row('compacted', own),
  'twins.log': row('compacted', own),
  'twins.publisher': row('compacted', own),
  'rte.requests': row(days(7), { spread: 'single' }),
  'rte-completion': row(days(30)),
  'sessions.session.lifecycle': row(days(30)),
  'sessions.service-request.created': row(days(30)),
  'sessions.service-request.updated': row(days(30)),
  'sessions.task.created': row(days(30)),
  'sessions.task.updated': row(days(30)),
  'sessions.task.completed': row(days(30)),
  'sessions.coverage.updated': row(days(7)),
  'sessions.care.updated': row(days(7)),
  'sessions.notification.requested': row(days(7)),
  'call-notifications': row(days(7)),
  'member-cron-events': row(days(3)),
  'access.relationships': row('compacted', own),
  'audit.records': row(days(6 * 365 + 2)),
} as const satisfies Record<string, TopicRow>;

export type TopicName = keyof typeof TOPIC_ROWS;

/** How many partitions members are spread over where nothing else is asked for; then fixed. */
export const PARTITIONS = 16;

/** Three copies outlive a broker; a cluster with fewer brokers cannot have them. */
const REPLICATION_MAX = 3;

export function replicationOn(brokers: number): number {
  return Math.min(REPLICATION_MAX, brokers);
}

export interface TopicsWanted {
  readonly prefix: string;
  /** Of each topic that is spread. */
  readonly partitions: number;
  readonly replication: number;
}

export function deadLetterTopic(topic: string): string {
  return `${topic}.dlq`;
}

/** All topics with whole names, dead letters included. */
export function topicSpecs({ prefix, partitions, replication }: TopicsWanted): TopicSpec[] {
  return Object.entries<TopicRow>(TOPIC_ROWS).flatMap(([name, { spread, kept, deadLetters }]) => {
    const spec = (topic: string, configs: TopicSpec['configs']): TopicSpec => ({
      topic: `${prefix}${topic}`,
      partitions: spread === 'single' ? 1 : partitions,
      replication,
      configs: { ...configs, ...everywhere(replication) },
    });
    const dead = spec(deadLetterTopic(name), keptFor(30));
    return [
      spec(name, kept === 'compacted' ? COMPACTED : keptFor(kept.days)),
      ...(deadLetters ? [dead] : []),
    ];
  });
}

/** `sources` to `acme.twins.sources`, for those that stand under `twins.`, and the relations. */
export function topicNames(prefix: string) {
  const whole = (name: TopicName): string => `${prefix}${name}`;
  return {
    intake: whole('twins.intake'),
    sources: whole('twins.sources'),
    directory: whole('twins.directory'),
    events: whole('twins.resource-events'),
    outcomes: whole('twins.outcomes'),
    decider: whole('twins.decider'),
    log: whole('twins.log'),
    publisher: whole('twins.publisher'),
    relations: whole('access.relationships'),
    audit: whole('audit.records'),
    notifications: whole('sessions.notification.requested'),
    checks: whole('rte.requests'),
    checksEnded: whole('rte-completion'),
  };
}

export type TopicNames = ReturnType<typeof topicNames>;

const COMPACTED = {
  'cleanup.policy': 'compact',
  'delete.retention.ms': String(TOMBSTONES_MS),
};

function keptFor(count: number): TopicSpec['configs'] {
  return { 'cleanup.policy': 'delete', 'retention.ms': String(count * DAY_MS) };
}

function everywhere(replication: number): TopicSpec['configs'] {
  return {
    'min.insync.replicas': String(Math.min(2, replication)),
    'max.message.bytes': String(1024 * 1024),
  };
}
