import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { inTransaction } from '../../kernel/sqlite.ts';
import { addressBundle, addressEach } from '../../twin/fhir/resolve.ts';
import { readSubmission } from '../../twin/fhir/submission.ts';
import { TOMBSTONE_RETENTION_MS } from '../../twin/retention.ts';
import { TOPICS } from '../schema.ts';
import { createSqliteState } from '../sqlite-state.ts';
import { openLogStore } from '../store.ts';
import {
  bundleOf,
  collectionOf,
  condition,
  deletionOf,
  encounter,
  patient,
  practitioner,
  submission,
} from '../test/bundles.ts';
import { captureWrites } from './capture.ts';
import type { KafkaMessage, KafkaRecord } from './client.ts';
import { createPlaces, openDeciderDatabase } from './decider-db.ts';
import { messagesOf, restoreRecord } from './decider-messages.ts';
import { createRestore } from './restore.ts';

/** What a decider writes down is enough to become it. */
const folder = mkdtempSync(join(tmpdir(), 'twin-restore-'));
after(() => rmSync(folder, { recursive: true }));

const IDENTITY = { epoch: 'aaaaaaaa', partitions: 4 };
const NOW = Date.UTC(2026, 10, 24);
const topics = {
  ...{ intake: 'intake', sources: 'sources', directory: 'directory', directoryPartitions: 2 },
  ...{ relations: 'relations', outcomes: 'outcomes', decider: 'decider' },
};
let files = 0;

function newDecider() {
  files += 1;
  const path = join(folder, `${files}.db`);
  const db = openDeciderDatabase(path, IDENTITY, NOW);
  const capture = captureWrites(db);
  const reader = { readSubmission, addressBundle, addressEach };
  const rules = {
    memberIds: 'patient-id',
    memberIdKey: new Uint8Array(32),
    etagKey: new Uint8Array(32),
  } as const;
  const store = openLogStore({ db, rules, reader, onGrown: () => undefined });
  const state = createSqliteState(db, IDENTITY.partitions);
  const places = createPlaces(db);
  const restore = createRestore({ db, state, places, keys: capture.keys });
  return { path, db, capture, store, restore };
}

/** Everything that it knows; offsets of the directory are each decider's own. */
function knowledge(db: DatabaseSync): Record<string, unknown> {
  const all = (sql: string): Record<string, unknown>[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  const own = ['due', 'identifiers', 'labels', 'links', 'members', 'mentions', 'names', 'needs'];
  const rest = ['refusals', 'rooms', 'seen', 'urls', 'waiting', 'buried'];
  const tables = [...own, ...rest].map((table) => {
    return [
      table,
      all(`SELECT * FROM ${table}`)
        .filter(({ records }) => records !== 0)
        .map((row) => JSON.stringify(row))
        .sort(),
    ] as const;
  });
  const heads = all(`SELECT heads.key, heads.topic, tenant, subject, type, id, last_updated, hash,
      gone, body, CASE WHEN heads.topic = '${TOPICS.sources}' THEN heads.offset END AS place
    FROM heads JOIN records USING (topic, part, offset) ORDER BY heads.key`).map(parsed);
  return { ...Object.fromEntries(tables), heads };
}

function parsed({ body, ...row }: Record<string, unknown>) {
  return { ...row, body: JSON.parse(String(body)) };
}

const people = fc.constantFrom('ana', 'ben');
const entry = fc.oneof(
  people.map((id) => patient(id)),
  people.map((id) => patient(id, { birthDate: '1971-01-01' })),
  fc
    .tuple(fc.constantFrom('c1', 'c2'), people, fc.constantFrom('Asthma', 'Gout'))
    .map(([id, of, text]) => condition(id, of, text)),
  fc
    .tuple(fc.constantFrom('e1', 'e2'), people, fc.constantFrom('dr', 'dx'))
    .map(([id, of, by]) => encounter(id, of, by)),
  fc
    .tuple(fc.constantFrom('dr', 'dx'), fc.constantFrom('Moss', 'Stone'))
    .map(([id, name]) => practitioner(id, name)),
);
const bundle = fc.oneof(
  fc.array(entry, { minLength: 1, maxLength: 6 }).map((entries) => collectionOf(...entries)),
  fc.array(entry, { minLength: 1, maxLength: 3 }).map((entries) => bundleOf(...entries)),
  fc.constantFrom('Condition/c1', 'Encounter/e1', 'Practitioner/dr').map((of) => deletionOf(of)),
);

test('P4: a standby that takes in what was written knows what the decider knows', () => {
  fc.assert(
    fc.property(fc.array(fc.array(bundle, { maxLength: 4 }), { maxLength: 5 }), (transactions) => {
      const active = newDecider();
      const standby = newDecider();
      let at = NOW;
      for (const bundles of transactions) {
        at += 1_000;
        take(standby, decide(active, bundles, at));
      }
      assert.deepEqual(knowledge(standby.db), knowledge(active.db));
      active.store.close();
      standby.store.close();
    }),
    { numRuns: 60 },
  );
});

type Decider = ReturnType<typeof newDecider>;

function decide({ db, capture, store }: Decider, bundles: readonly Uint8Array[], at: number) {
  return inTransaction(db, () => {
    for (const json of bundles) {
      try {
        store.submitBundle(submission(json), at);
      } catch {
        // Refused whole; what it leaves is part of what is compared.
      }
    }
    const by = { id: String(at), at: new Date(at).toISOString() };
    const messages = messagesOf(topics, capture.collect(), [], by);
    capture.clear();
    return messages;
  });
}

/** By topic, since partitions are read side by side; each in its own order. */
function take({ db, capture, restore }: Decider, messages: readonly KafkaMessage[]): void {
  const offsets = new Map<number, number>();
  for (const topic of [topics.decider, topics.directory, topics.sources]) {
    for (const message of messages.filter((one) => one.topic === topic)) {
      inTransaction(db, () => restoreRecord(topics, restore, recordOf(message, offsets, db)));
    }
  }
  capture.clear();
}

function recordOf(message: KafkaMessage, offsets: Map<number, number>, db: DatabaseSync) {
  const { partition = 0, headers = {} } = message;
  const row = db
    .prepare('SELECT next FROM ends WHERE topic = ? AND part = ?')
    .get(TOPICS.sources, partition);
  const offset = offsets.get(partition) ?? Number(row?.next ?? 0);
  if (message.topic === topics.sources) offsets.set(partition, offset + 1);
  const record: KafkaRecord = {
    ...{ topic: message.topic, partition, offset, key: message.key, value: message.value },
    headers: headers as Record<string, Buffer>,
    timestamp: NOW,
  };
  return record;
}

test('P4: a state that stood still while tombstones may have gone is built anew', () => {
  const first = newDecider();
  decide(first, [bundleOf(patient('ana'))], NOW);
  createPlaces(first.db).setComplete(NOW);
  first.store.close();
  const known = (at: number): number => {
    const db = openDeciderDatabase(first.path, IDENTITY, at);
    const count = Number(db.prepare('SELECT count(*) AS count FROM heads').get()?.count);
    db.close();
    return count;
  };
  assert.equal(known(NOW + TOMBSTONE_RETENTION_MS * 0.7), 1);
  assert.equal(known(NOW + TOMBSTONE_RETENTION_MS * 0.8), 0);
});

test('another log is another state', () => {
  const first = newDecider();
  decide(first, [bundleOf(patient('ana'))], NOW);
  first.store.close();
  const db = openDeciderDatabase(first.path, { ...IDENTITY, epoch: 'bbbbbbbb' }, NOW);
  assert.equal(db.prepare('SELECT count(*) AS count FROM heads').get()?.count, 0);
  db.close();
});
