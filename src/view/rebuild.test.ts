import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { openForReading } from '../kernel/sqlite.ts';
import type { LogRecord, ViewChange } from '../twin/ports.ts';
import { createShard } from './shard.ts';
import { PARTITION, projectorOf, recordsOf } from './test/records.ts';
import { openViewWriter, viewPath } from './writer.ts';

const PARTITIONS = 16;
const SUBJECTS = ['ana', 'ben'].map((id) => ({ kind: 'member', id }) as const);
const RECORDS = recordsOf([
  { member: 'ana', id: 'c1', text: 'strong asthma' },
  { member: 'ben', id: 'c1', text: 'gout' },
  { member: 'ana', id: 'c2', text: 'migraine', secret: true },
  { member: 'ana', id: 'c1', text: 'strong cough' },
]);
const RECENTLY = 1_000;

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'twin-view-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

interface Run {
  readonly version?: number;
  readonly bold?: boolean;
  readonly epoch?: string;
  readonly records?: readonly LogRecord[];
  readonly at?: number;
  readonly size?: number;
  /** Ends as a crash would: what was built anew is not put in place. */
  readonly crash?: boolean;
}

/** One life of the view on this directory: opened, fed to the end, closed. */
function live({
  version = 1,
  bold = false,
  epoch = 'aaaaaaaa',
  records = RECORDS,
  at = 1,
  size = 2,
  crash = false,
}: Run = {}): { rebuilding: boolean; changes: ViewChange[] } {
  const ends = Array.from({ length: PARTITIONS }, (_, part) =>
    part === PARTITION ? records.length : 0,
  );
  const log = { epoch, partitions: PARTITIONS, ends, at };
  const writer = openViewWriter(dataDir, projectorOf(version, bold), log);
  const changes: ViewChange[] = [];
  const rest = records.filter(({ offset }) => offset > (writer.places[PARTITION] ?? -1));
  for (let from = 0; from < rest.length; from += size) {
    const batch = rest.slice(from, from + size);
    const upTo = batch.at(-1)?.offset ?? -1;
    const [applied] = writer.apply([{ partition: PARTITION, records: batch, upTo }], at);
    if (!writer.rebuilding) changes.push(...(applied?.changes ?? []));
  }
  if (writer.rebuilding && !crash) changes.push(...writer.finish(at));
  writer.close();
  return { rebuilding: writer.rebuilding, changes };
}

function inspect<T>(look: (shard: ReturnType<typeof createShard>) => T): T {
  const db = openForReading(viewPath(dataDir));
  try {
    return look(createShard(db, PARTITIONS));
  } finally {
    db.close();
  }
}

const etags = () =>
  inspect((shard) => shard.documents(SUBJECTS, '', 100).map(({ uri, etag }) => [uri, etag]));
const feed = () =>
  inspect((shard) => shard.changes({ subjects: SUBJECTS, after: new Map(), limit: 1_000 }));
const names = (changes: readonly ViewChange[]) =>
  changes.map(
    ({ uri, variant, kind }) => `${kind} ${uri.split('/').slice(4).join('/')} ${variant}`,
  );

test('a restart goes on where it was', () => {
  live({ records: RECORDS.slice(0, 2) });
  const { rebuilding, changes } = live();
  assert.equal(rebuilding, false);
  assert.equal(
    changes.some(({ subject }) => subject.id === 'ben'),
    false,
  );
});

test('B-LV-4: a new version of the projection tells only of what reads differently', () => {
  live({ at: 1 });
  const before = feed();
  const { rebuilding, changes } = live({ version: 2, bold: true, at: RECENTLY });
  assert.equal(rebuilding, true);
  assert.deepEqual(names(changes), ['updated ana/clinical general', 'updated ana/clinical full']);
  assert.deepEqual(
    feed().filter(({ at }) => at < RECENTLY),
    before.filter(isNotReplaced),
  );
  const recent = inspect((shard) => shard.recentChanges([String(changes[0]?.uri)], RECENTLY));
  assert.deepEqual(
    new Set(recent.map(({ etag }) => etag)),
    new Set(changes.map(({ etag }) => etag)),
  );
  assert.equal(existsSync(join(dataDir, 'view.next.db')), false);

  function isNotReplaced({ uri, variant, place }: ViewChange): boolean {
    return !changes.some(
      (one) => one.uri === uri && one.variant === variant && one.place.offset === place.offset,
    );
  }
});

test('B-LV-3: a view built anew, in other batches, has the same etags', () => {
  live({ version: 2, bold: true, size: 1 });
  const lived = etags();
  rmSync(viewPath(dataDir));
  live({ size: 3 });
  assert.notDeepEqual(etags(), lived);
  live({ version: 2, bold: true, size: 4 });
  assert.deepEqual(etags(), lived);
});

test('another log is a gap: its own changes only, told where something differs', () => {
  live();
  const { rebuilding, changes } = live({
    epoch: 'bbbbbbbb',
    records: RECORDS.slice(0, 3),
    at: RECENTLY,
  });
  assert.equal(rebuilding, true);
  assert.deepEqual(names(changes), [
    'updated ana/clinical general',
    'updated ana/clinical full',
    'updated ana/clinical/Condition/c1 general',
    'updated ana/clinical/Condition/c1 full',
  ]);
  assert.equal(
    feed().every(({ place }) => place.offset < 3),
    true,
  );
  assert.deepEqual(feed().filter(({ at }) => at === RECENTLY).length, changes.length);
  assert.equal(
    inspect((shard) => shard.applied(PARTITION)),
    2,
  );
});

test('a log that is behind its view was restored: the view is built anew', () => {
  live();
  const { rebuilding, changes } = live({ records: RECORDS.slice(0, 1), at: RECENTLY });
  assert.equal(rebuilding, true);
  assert.ok(names(changes).includes('deleted ben/clinical general'));
  assert.equal(
    inspect((shard) => shard.applied(PARTITION)),
    0,
  );
  assert.equal(
    inspect((shard) => shard.documents(SUBJECTS, '', 100).length),
    2,
  );
});

test('a crash while building anew leaves the old view, and the next start begins again', () => {
  live();
  const before = etags();
  live({ version: 2, bold: true, crash: true });
  assert.deepEqual(etags(), before);
  assert.equal(live({ version: 2, bold: true }).rebuilding, true);
  assert.notDeepEqual(etags(), before);
  assert.equal(live({ version: 2, bold: true }).rebuilding, false);
});

const DAY_MS = 24 * 3_600_000;

test('B-LV-10: a view that stood still for so long that it may have missed deletions is built anew', () => {
  live();
  const compacted = RECORDS.filter(({ subject }) => subject.id !== 'ben');
  assert.equal(live({ records: RECORDS, at: 22 * DAY_MS }).rebuilding, false);
  assert.equal(inspect((shard) => shard.documents(SUBJECTS.slice(1), '', 9)).length, 2);
  // In between ben was deleted, and compaction has removed the tombstone too.
  const { rebuilding, changes } = live({ records: compacted, at: 23 * DAY_MS });
  assert.equal(rebuilding, true);
  assert.ok(names(changes).includes('deleted ben/clinical general'));
  assert.deepEqual(
    inspect((shard) => shard.documents(SUBJECTS.slice(1), '', 9)),
    [],
  );
});

test('B-LV-10: a view is as old as its oldest partition that is not known to be at its end', () => {
  const writer = (at: number, ends: number[]) =>
    openViewWriter(dataDir, projectorOf(1), {
      epoch: 'aaaaaaaa',
      partitions: PARTITIONS,
      ends,
      at,
    });
  const ends = Array.from({ length: PARTITIONS }, () => 10);
  const first = writer(1, ends);
  for (const partition of [0, 1]) first.apply([{ partition, records: [], upTo: partition + 8 }], 1);
  first.confirm(ends, 20 * DAY_MS);
  first.close();
  const again = writer(30 * DAY_MS, ends);
  assert.equal(again.rebuilding, true);
  again.close();
  const reached = ends.map((_, partition) => partition + 9);
  const second = writer(21 * DAY_MS, ends);
  second.confirm(reached, 20 * DAY_MS);
  second.close();
  const third = writer(42 * DAY_MS, ends);
  assert.equal(third.rebuilding, false);
  third.close();
});
