import type { Retained } from '../contract/keeping.ts';
import { LIMITS } from '../kernel/limits.ts';
import { STANDSTILL_MAX_MS, TOMBSTONE_RETENTION_MS } from './retention.ts';

const DAY_MS = 24 * 3_600_000;
/** 45 CFR 164.316(b)(2)(i): documentation is kept for six years. */
export const AUDIT_DAYS = 6 * 365 + 2;
/** A backup older than this is due, unless it is the newest. */
export const BACKUP_DAYS = 35;

const days = (ms: number): string => `P${Math.floor(ms / DAY_MS)}D`;
const TOMBSTONES = days(TOMBSTONE_RETENTION_MS);
const IDS = 'tombstones, with opaque ids alone, for 30 days';
const IDS_ONLY = 'opaque ids, until the retention has passed';
const LATER = 'what was said of them, until the retention has passed';
const COMPACTED = 'the last of each key';

type Row = readonly [
  store: string,
  holds: string,
  kept: string,
  by: Retained['by'],
  afterForget: string,
];

/** Files of the data directory. */
const FILES: readonly Row[] = [
  ['log.db', 'accepted records, relations, what waits', COMPACTED, 'server', IDS],
  ['log.db: superseded versions', 'what a later version replaced', 'P7D', 'server', ''],
  ['log.db: tombstones, receipts, refusals', 'ids and places', TOMBSTONES, 'server', IDS],
  ['log.db: waiting', 'records whose subject is not known yet', 'P1D', 'server', ''],
  ['break-glass cases', 'who opened a record, why, the review', `P${AUDIT_DAYS}D`, 'retain', ''],
  ['decider.db', 'the same beside Kafka', COMPACTED, 'server', IDS],
  ['view.db', 'documents and the search index', 'as the log', 'server', ''],
  ['view.db: changes', 'uri, etag, position', days(LIMITS.changesRetentionMs), 'server', IDS_ONLY],
  ['outbox.db', 'what the log has not taken yet', 'until it has', 'server', LATER],
  ['outbox.db: refusals', 'words of ours and places', TOMBSTONES, 'server', ''],
  ['eligibility.db', 'checks and their states', 'P7D', 'server', LATER],
  ['eligibility-batches.db', 'rows of ended batches, by opaque ids', 'P30D', 'server', LATER],
  ['snapshots', 'copies of the view', days(STANDSTILL_MAX_MS), 'retain', ''],
  ['audit.db', 'who saw what: opaque ids', `P${AUDIT_DAYS}D`, 'retain', 'opaque ids, by law'],
  [
    'audit-trail.db',
    'the rows of all instances',
    `P${AUDIT_DAYS}D`,
    'operator',
    'opaque ids, by law',
  ],
  ['issuer.db', 'logins and grants of development', 'until they end', 'server', IDS_ONLY],
  ['keys.json', 'keys of the deployment', 'until they are replaced', 'operator', ''],
  ['flags.json', 'switches', 'until they are turned', 'operator', ''],
  ['server.json, lock.db, purged.json', 'who serves; how far was purged', 'for ever', 'server', ''],
];

/** Topics of Kafka, each as its retention there says (`log/kafka/topics.ts`). */
const TOPICS: readonly Row[] = [
  ['twins.intake', 'what producers said', 'P30D', 'kafka', LATER],
  ['twins.sources', 'accepted records', COMPACTED, 'kafka', `${LATER}: until it is compacted`],
  ['twins.directory', 'practitioners, organizations, places', COMPACTED, 'kafka', ''],
  ['twins.resource-events', 'that a document changed', 'P7D', 'kafka', IDS_ONLY],
  ['twins.outcomes', 'what became of a submission', 'P7D', 'kafka', LATER],
  ['twins.decider', "the decider's notes", COMPACTED, 'kafka', `${LATER}: until it is compacted`],
  ['twins.log', 'which log this is', COMPACTED, 'kafka', ''],
  ['twins.publisher', 'how far changes were published', COMPACTED, 'kafka', ''],
  ['rte.requests', 'checks and their states', 'P7D', 'kafka', LATER],
  ['rte-completion', 'what became of checks', 'P30D', 'kafka', LATER],
  ['sessions.session.lifecycle', 'sessions', 'P30D', 'kafka', IDS_ONLY],
  ['sessions.service-request.created', 'service requests', 'P30D', 'kafka', LATER],
  ['sessions.service-request.updated', 'service requests', 'P30D', 'kafka', LATER],
  ['sessions.task.created', 'tasks', 'P30D', 'kafka', LATER],
  ['sessions.task.updated', 'tasks', 'P30D', 'kafka', LATER],
  ['sessions.task.completed', 'tasks', 'P30D', 'kafka', LATER],
  ['sessions.coverage.updated', 'that coverage changed', 'P7D', 'kafka', LATER],
  ['sessions.care.updated', 'that care changed', 'P7D', 'kafka', LATER],
  ['sessions.notification.requested', 'what should reach a person', 'P7D', 'kafka', LATER],
  ['call-notifications', 'calls', 'P7D', 'kafka', IDS_ONLY],
  ['member-cron-events', 'predictions', 'P3D', 'kafka', LATER],
  ['access.relationships', 'relations', COMPACTED, 'kafka', `${IDS_ONLY}: until it is compacted`],
  ['audit.records', 'who saw what: opaque ids', `P${AUDIT_DAYS}D`, 'kafka', 'opaque ids, by law'],
  ['<topic>.dlq', 'what could not be handled, sealed', 'P30D', 'kafka', LATER],
];

/** What this server cannot reach. */
const OUTSIDE: readonly Row[] = [
  ['backups', 'all of it, sealed', `P${BACKUP_DAYS}D`, 'retain', 'everything, until they go'],
  [
    'logs, metrics, traces',
    'opaque ids at most',
    'as the operator keeps them',
    'operator',
    IDS_ONLY,
  ],
  ['Redis', 'keyed hashes and positions', 'PT24H at most', 'server', ''],
  ['blocks of the disk', 'what a file held once', 'until they are written', 'operator', LATER],
];

/**
 * Every store of the product with what it holds, how long, who lets it go and what is left after a
 * member was forgotten: docs/retention.md is this table, and a test compares both with the topics.
 */
export const RETENTION: readonly Retained[] = [...FILES, ...TOPICS, ...OUTSIDE].map(
  ([store, holds, kept, by, afterForget]) => ({ store, holds, kept, by, afterForget }),
);

/** Stores in which something of a member may be left, with Kafka or without. */
export function remainsAfter(withKafka: boolean): readonly Retained[] {
  const topics = new Set(TOPICS.map(([store]) => store));
  const embedded = new Set(['log.db: tombstones, receipts, refusals']);
  const beside = new Set(['decider.db']);
  return RETENTION.filter(({ store, afterForget }) => {
    if (afterForget === '' || store === 'log.db') return false;
    if (withKafka) return !embedded.has(store);
    return !topics.has(store) && !beside.has(store);
  });
}
