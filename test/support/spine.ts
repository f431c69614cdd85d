/** Log and view in this process, without threads: what a bundle becomes, in milliseconds. */

import type { DatabaseSync } from 'node:sqlite';
import type { IdentityRules } from '../../src/log/identity.ts';
import { openLogDatabase } from '../../src/log/schema.ts';
import { openLogStore } from '../../src/log/store.ts';
import { etagOf, sourceDocument } from '../../src/twin/etag.ts';
import { addressBundle, addressEach } from '../../src/twin/fhir/resolve.ts';
import { readSubmission } from '../../src/twin/fhir/submission.ts';
import type {
  BundleSubmission,
  HeldRecords,
  Intake,
  IntakeReceipt,
  Place,
  ViewChange,
  ViewShard,
} from '../../src/twin/ports.ts';
import { PROJECTION_VERSION, project } from '../../src/twin/project.ts';
import { applyBatch } from '../../src/view/apply.ts';
import { openViewDatabase } from '../../src/view/schema.ts';
import { createShard } from '../../src/view/shard.ts';

const KEY = new Uint8Array(32).fill(7);
const BATCH = 1_000;

export interface SpineOptions {
  readonly memberIds?: IdentityRules['memberIds'];
  /** The log's own file; several spines may stand on it one after the other. */
  readonly log?: DatabaseSync;
}

export interface Spine {
  readonly shard: ViewShard;
  /** Everything that the view has told of. */
  readonly changes: ViewChange[];
  now: number;
  submit(body: unknown, more?: Partial<BundleSubmission>): IntakeReceipt;
  /** A record of our own, as rooms submit them. */
  record(given: Parameters<Intake['submitRecord']>[0]): Place;
  held(tenant?: string): HeldRecords;
  wake(): boolean;
  sweep(): number;
  passTime(): boolean;
  /** Whatever has an etag, with it, and which variants there are. */
  etags(): unknown;
}

let events = 0;

export function openSpine({ memberIds = 'patient-id', log }: SpineOptions = {}): Spine {
  const store = openLogStore({
    db: log ?? openLogDatabase(':memory:'),
    rules: { memberIds, memberIdKey: KEY, etagKey: new Uint8Array(32) },
    reader: { readSubmission, addressBundle, addressEach },
    onGrown: ({ partitions }) => partitions.forEach(apply),
  });
  const view = openViewDatabase(':memory:');
  const projector = { version: PROJECTION_VERSION, etagKey: KEY, project, etagOf, sourceDocument };
  const shard = createShard(view, store.identity.partitions);
  const changes: ViewChange[] = [];
  function apply(partition: number): void {
    for (;;) {
      const records = store.read(partition, shard.applied(partition) + 1, BATCH);
      const last = records.at(-1);
      if (last === undefined) return;
      const batch = { partition, records, upTo: last.offset };
      const applied = applyBatch(view, projector, batch, spine.now);
      if (applied.failures.length > 0) throw new Error(applied.failures[0]?.message);
      changes.push(...applied.changes);
    }
  }
  const spine: Spine = {
    shard,
    changes,
    now: 1,
    submit(body, more = {}) {
      events += 1;
      const eventId = `spine-${events}`;
      const json = body instanceof Uint8Array ? body : Buffer.from(textOf(body));
      const by = { tenant: 'demo', source: 'ehr', actor: 'user:operator', eventId };
      return store.submitBundle({ ...by, json, ...more }, spine.now);
    },
    record: (given) => store.submitRecord(given, spine.now),
    held: (tenant = 'demo') => store.held(tenant),
    wake: () => store.wake(spine.now),
    sweep: () => store.sweep(spine.now),
    passTime: () => store.passTime(spine.now),
    etags: () => [
      view.prepare('SELECT uri, variant, etag FROM documents ORDER BY uri, variant').all(),
      view.prepare('SELECT uri, general_etag, full_etag FROM sources ORDER BY uri').all(),
    ],
  };
  for (const [partition] of store.ends().entries()) apply(partition);
  return spine;
}

/** Lines of ndjson are joined, everything else is one document. */
function textOf(body: unknown): string {
  return typeof body === 'string' ? body : JSON.stringify(body);
}

export function ndjson(resources: readonly unknown[]): string {
  return resources.map((one) => JSON.stringify(one)).join('\n');
}
