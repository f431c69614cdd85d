/** Deciders without threads and without Kafka: what one writes, and what another makes of it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { after } from 'node:test';
import { inTransaction } from '../../kernel/sqlite.ts';
import { addressBundle, addressEach } from '../../twin/fhir/resolve.ts';
import { readSubmission } from '../../twin/fhir/submission.ts';
import { TOPICS } from '../schema.ts';
import { createSqliteState } from '../sqlite-state.ts';
import { openLogStore } from '../store.ts';
import { submission } from '../test/bundles.ts';
import { captureWrites } from './capture.ts';
import type { KafkaMessage, KafkaRecord } from './client.ts';
import { createPlaces, openDeciderDatabase } from './decider-db.ts';
import { messagesOf, restoreRecord } from './decider-messages.ts';
import { createRestore } from './restore.ts';
import { rowKeysFrom, stateRowOf } from './row-keys.ts';
import { createRowNames, renamingMessages } from './row-names.ts';

const folder = mkdtempSync(join(tmpdir(), 'twin-restore-'));
after(() => rmSync(folder, { recursive: true }));

export const IDENTITY = { epoch: 'aaaaaaaa', partitions: 4 };
export const NOW = Date.UTC(2026, 10, 24);
export const topics = {
  ...{ intake: 'intake', sources: 'sources', directory: 'directory', directoryPartitions: 2 },
  ...{ relations: 'relations', outcomes: 'outcomes', decider: 'decider' },
};
const READ = [topics.decider, topics.directory, topics.sources];
let files = 0;

export type Decider = ReturnType<typeof newDecider>;

export function newDecider(secret = new Uint8Array(32)) {
  files += 1;
  const path = join(folder, `${files}.db`);
  const rowKeys = rowKeysFrom(secret);
  const db = openDeciderDatabase({ path, identity: IDENTITY, rowKeys: rowKeys.id }, NOW);
  const capture = captureWrites(db);
  const reader = { readSubmission, addressBundle, addressEach };
  const rules = {
    memberIds: 'patient-id',
    memberIdKey: secret,
    etagKey: new Uint8Array(32),
  } as const;
  const store = openLogStore({ db, rules, reader, onGrown: () => undefined });
  const state = createSqliteState(db, IDENTITY.partitions);
  const places = createPlaces(db);
  const names = createRowNames(db, rowKeys, capture.keys);
  const restore = createRestore({ db, state, places, names, keys: capture.keys });
  return { path, rowKeys, db, capture, store, names, restore };
}

/** Everything that it knows; offsets of the directory are each decider's own. */
export function knowledge(db: DatabaseSync): Record<string, unknown> {
  const all = (sql: string): Record<string, unknown>[] =>
    db
      .prepare(sql)
      .all()
      .map((row) => ({ ...row }));
  const own = ['due', 'identifiers', 'labels', 'links', 'members', 'mentions', 'names', 'needs'];
  const rest = ['refusals', 'rooms', 'seen', 'urls', 'waiting', 'buried', 'row_keys'];
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

/** One transaction: what is decided of some bundles, as it is written. */
export function decide(
  { db, capture, names, rowKeys, store }: Decider,
  bundles: readonly Uint8Array[],
  at: number,
): KafkaMessage[] {
  return inTransaction(db, () => {
    for (const json of bundles) {
      try {
        store.submitBundle(submission(json), at);
      } catch {
        // Refused whole; what it leaves is part of what is compared.
      }
    }
    const by = { id: String(at), at: new Date(at).toISOString(), rowKeys };
    const captured = capture.collect();
    names.setAll(captured.rows);
    capture.clear();
    return messagesOf(topics, captured, [], by);
  });
}

/** What one who begins to lead writes first. */
export function rename({ db, names, rowKeys }: Decider, most: number): KafkaMessage[] {
  return inTransaction(db, () => renamingMessages(topics.decider, rowKeys, names.rename(most)));
}

/** The topics, in the order of writing. */
export class Topics {
  readonly records: KafkaRecord[] = [];
  readonly #next = new Map<string, number>();
  /** Rows by their keys, for writing as one did before keys were opaque. */
  readonly #rows = new Map<string, string>();

  write(messages: readonly KafkaMessage[]): void {
    for (const { topic, partition = 0, key, value, headers = {} } of messages) {
      const place = `${topic}:${partition}`;
      const offset = this.#next.get(place) ?? 0;
      this.#next.set(place, offset + 1);
      const written = { topic, partition, offset, key, value, timestamp: NOW };
      this.records.push({ ...written, headers: headers as Record<string, Buffer> });
    }
  }

  /** In the form in which the row's own key was Kafka's. */
  writeBefore(messages: readonly KafkaMessage[]): void {
    this.write(
      messages.map((message) => {
        if (message.topic !== topics.decider) return message;
        const name = String(message.key);
        const state = stateRowOf(name, message.value && String(message.value));
        if (state) this.#rows.set(name, JSON.stringify([state.table, ...state.key]));
        const key = Buffer.from(this.#rows.get(name) ?? '');
        return { ...message, key, value: state && Buffer.from(JSON.stringify(state.row)) };
      }),
    );
  }

  /**
   * What Kafka may leave of it: the last record of each key, of others those that `keep` says.
   * @param tombstones whether those that nothing stands before are kept
   */
  compacted(keep: (index: number) => boolean, tombstones: boolean): KafkaRecord[] {
    const last = new Map(this.records.map((one) => [keyOf(one), one]));
    const kept = this.records.filter((one, index) => last.get(keyOf(one)) === one || keep(index));
    const older = new Set<string>();
    return kept.filter((one) => {
      const isFirst = !older.has(keyOf(one));
      older.add(keyOf(one));
      return one.value !== null || tombstones || !isFirst;
    });
  }
}

/** Takes in records topic by topic: they are read side by side. */
export function readInto({ db, capture, restore }: Decider, records: readonly KafkaRecord[]): void {
  for (const topic of READ) {
    for (const record of records.filter((one) => one.topic === topic)) {
      inTransaction(db, () => restoreRecord(topics, restore, record));
    }
  }
  capture.clear();
}

function keyOf({ topic, partition, key }: KafkaRecord): string {
  return `${topic}:${partition}:${key}`;
}
