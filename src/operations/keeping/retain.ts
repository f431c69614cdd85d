import type { RetentionReport, RetentionStep } from '../../contract/keeping.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { View } from '../../twin/ports.ts';
import { STANDSTILL_MAX_MS } from '../../twin/retention.ts';
import { AUDIT_DAYS, BACKUP_DAYS, RETENTION } from '../../twin/retention-table.ts';
import { anyHold, holdsOf } from './holds.ts';

/** Things in a folder, each of one time, that go when they are old enough. */
export interface Dated {
  list(): Promise<readonly { readonly name: string; readonly createdAtMs: number }[]>;
  remove(names: readonly string[]): Promise<void>;
}

export interface RetainParts {
  readonly view: Pick<View, 'shards'>;
  /** Superseded versions, old tombstones, receipts; absent where Kafka compacts. */
  readonly compact: (() => Promise<void>) | undefined;
  readonly snapshots: Dated;
  /** Reviewed break-glass cases of a tenant. */
  readonly cases: (tenant: string) => Dated;
  /** Absent where none are made here. */
  readonly backups: Dated | undefined;
  readonly clock: Clock;
}

const DAY_MS = 24 * 3_600_000;
const HELD = 'kept: members are under legal hold';

/**
 * What is past its time in the stores of this instance, and deletes it unless it is a dry run.
 * Copies go by their age; while anybody is under legal hold, backups stay.
 */
export async function retain(
  parts: RetainParts,
  tenant: string,
  dryRun: boolean,
): Promise<RetentionReport> {
  const held = anyHold(parts.view);
  const steps = [
    await log(parts, dryRun),
    await dated('snapshots', parts.snapshots, parts.clock.now() - STANDSTILL_MAX_MS, dryRun, 0),
    await backups(parts, dryRun, held),
    await cases(parts, tenant, dryRun, held),
    AUDIT,
    ...KAFKA.filter(() => parts.compact === undefined),
  ];
  return { dryRun, holds: holdsOf(parts.view, tenant).length, steps, table: RETENTION };
}

async function log({ compact }: RetainParts, dryRun: boolean): Promise<RetentionStep> {
  const of = { store: compact === undefined ? 'decider.db' : 'log.db', deleted: 0 };
  if (compact === undefined) return { ...of, says: 'holds no more than the last of each key' };
  if (dryRun) return { ...of, says: 'compacted at each start and daily; would be compacted now' };
  await compact();
  return { ...of, says: 'compacted; of members under legal hold every version stays' };
}

async function backups(
  { backups: store, clock }: RetainParts,
  dryRun: boolean,
  held: boolean,
): Promise<RetentionStep> {
  if (store === undefined) return { store: 'backups', deleted: 0, says: 'BACKUP_DIR names none' };
  const before = clock.now() - BACKUP_DAYS * DAY_MS;
  const step = await dated('backups', store, before, dryRun || held, 1);
  return held ? { ...step, says: HELD } : step;
}

/** As long as the audit, which tells of the same: the person's own words go with the case. */
async function cases(
  { cases: of, clock }: RetainParts,
  tenant: string,
  dryRun: boolean,
  held: boolean,
): Promise<RetentionStep> {
  const before = clock.now() - AUDIT_DAYS * DAY_MS;
  const step = await dated('break-glass cases', of(tenant), before, dryRun || held, 0);
  return held ? { ...step, says: HELD } : step;
}

/** @param least that stay, however old: the newest ones */
async function dated(
  store: string,
  { list, remove }: Dated,
  beforeMs: number,
  dryRun: boolean,
  least: number,
): Promise<RetentionStep> {
  const newestFirst = [...(await list())].sort((a, b) => b.createdAtMs - a.createdAtMs);
  const due = newestFirst.slice(least).filter(({ createdAtMs }) => createdAtMs < beforeMs);
  if (!dryRun) await remove(due.map(({ name }) => name));
  return {
    ...{ store, due: due.length, deleted: dryRun ? 0 : due.length },
    says: due.length === 0 ? 'nothing is due' : `older than ${new Date(beforeMs).toISOString()}`,
  };
}

const AUDIT: RetentionStep = {
  store: 'audit.db',
  deleted: 0,
  says: 'kept for six years and never cut before; older rows stay until the whole trail is retired',
};

const KAFKA: readonly RetentionStep[] = [
  {
    store: 'topics and <topic>.dlq',
    deleted: 0,
    says: 'Kafka lets them go by itself: `digital-twin topics apply --dry-run` compares its settings',
  },
];
