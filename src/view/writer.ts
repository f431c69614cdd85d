import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { inTransaction, isDamage, openForReading, withoutTraces } from '../kernel/sqlite.ts';
import type { ViewChange } from '../twin/ports.ts';
import { mayHaveMissed } from '../twin/retention.ts';
import { type Applied, applyBatch, type Batch } from './apply.ts';
import { pruneChanges } from './change-rows.ts';
import type { Projector } from './projector.ts';
import { reconcile } from './rebuild.ts';
import {
  completeAtOf,
  confirmPlaces,
  hasPresentSchema,
  type Origin,
  openViewDatabase,
  originOf,
  placesOf,
  setOrigin,
} from './schema.ts';
import { SubjectCache } from './subject-cache.ts';

/** What the log is at the moment of opening. */
export interface LogState {
  readonly epoch: string;
  readonly partitions: number;
  /** The next offset to be written, by partition. */
  readonly ends: readonly number[];
  /** When that is, in ms. */
  readonly at: number;
  /** Nothing can be read of it: `ends` are not known. */
  readonly damaged?: boolean;
}

/** The writing side of the view in one directory: synchronous, so it lives in a worker thread. */
export interface ViewWriter {
  /** The last applied offset by partition; everything after it is to be applied. */
  readonly places: readonly number[];
  /** Nothing of a view that is being built anew is seen before `finish`. */
  readonly rebuilding: boolean;
  /** All in one transaction; the answers in their order. */
  apply(batches: readonly Batch[], at: number): Applied[];
  /** What the log had at that time: a view that has it all is as new as that. */
  confirm(ends: readonly number[], at: number): void;
  /** Puts the view that was built anew into the place of the old one. */
  finish(at: number): ViewChange[];
  /** Leaves no byte of what was deleted in its file. */
  purge(): void;
  close(): void;
}

/** Going through the old changes costs more than one batch should. */
const PRUNE_EVERY_MS = 3_600_000;
const FILE = 'view.db';
const NEXT_FILE = 'view.next.db';

export function viewPath(dataDir: string): string {
  return join(dataDir, FILE);
}

export function openViewWriter(dataDir: string, projector: Projector, log: LogState): ViewWriter {
  const path = viewPath(dataDir);
  const nextPath = join(dataDir, NEXT_FILE);
  const origin: Origin = { epoch: log.epoch, projection: projector.version };
  if (log.damaged === true) mustStandAlone(path, origin);
  remove(nextPath);
  let db = openPresent(path);
  const former = originOf(db);
  const behind = placesOf(db, log.partitions).some((at, part) => at >= (log.ends[part] ?? 0));
  const sameLog = former?.epoch === log.epoch && !behind;
  const old = mayHaveMissed(completeAtOf(db), log.at);
  const other = !sameLog || former.projection !== origin.projection;
  const rebuilding = log.damaged !== true && former !== undefined && (other || old);
  let building = rebuilding;
  if (rebuilding) {
    db.close();
    db = openViewDatabase(nextPath);
  }
  setOrigin(db, origin);
  let prunedAt = 0;
  const cache = new SubjectCache();
  const whole = <T>(work: () => T): T => {
    try {
      return inTransaction(db, work);
    } catch (error) {
      cache.clear();
      throw error;
    }
  };

  return {
    places: placesOf(db, log.partitions),
    rebuilding,
    // Being built anew is no change: `at` 0 is older than anything that anybody asks for.
    apply(batches, at) {
      const applied = whole(() =>
        batches.map((batch) => applyBatch(db, projector, batch, building ? 0 : at, cache)),
      );
      if (at - prunedAt >= PRUNE_EVERY_MS) {
        prunedAt = at;
        inTransaction(db, () => pruneChanges(db, at));
      }
      return applied;
    },
    finish(at) {
      const changes = reconcile(db, path, { partitions: log.partitions, sameLog, at });
      // One segment in place of many: fewer places to look in for every search that follows.
      db.exec("INSERT INTO facts_text (facts_text) VALUES ('optimize')");
      db.close();
      // Both are closed and so without a write-ahead log: one rename is the whole swap.
      renameSync(nextPath, path);
      building = false;
      db = openViewDatabase(path);
      cache.clear();
      return changes;
    },
    purge() {
      cache.clear();
      // A term of a deleted row stays in the index until its segment is merged.
      db.exec("INSERT INTO facts_text (facts_text) VALUES ('optimize')");
      withoutTraces(db);
    },
    confirm: (ends, at) => inTransaction(db, () => confirmPlaces(db, ends, at)),
    close: () => db.close(),
  };
}

/** A view that nothing can be added to, and that cannot be built anew. @throws Error */
function mustStandAlone(path: string, { epoch, projection }: Origin): void {
  const db = existsSync(path) ? openForReading(path) : undefined;
  try {
    const former = db && hasPresentSchema(db) && isReadable(db) ? originOf(db) : undefined;
    if (former?.epoch === epoch && former.projection === projection) return;
  } catch (error) {
    if (!isDamage(error)) throw error;
  } finally {
    db?.close();
  }
  throw new Error('the log is damaged, and there is no view of it that could be read alone');
}

/** The log is the truth: a file of another version, or one that is damaged, is built anew. */
function openPresent(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = openViewDatabase(path);
    if (hasPresentSchema(db) && isReadable(db)) return db;
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  db?.close();
  remove(path);
  return openViewDatabase(path);
}

/** Looks at every page once; SQLite itself notices damage only where a query meets it. */
function isReadable(db: DatabaseSync): boolean {
  return db.prepare('PRAGMA quick_check(1)').get()?.quick_check === 'ok';
}

function remove(path: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true });
}
