import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, suite, test } from 'node:test';
import { openDatabase } from '../../kernel/sqlite.ts';
import { createMemoryIdempotency, type Idempotency, REMEMBERED_MS } from './idempotency.ts';
import { createSqliteIdempotency } from './idempotency-sqlite.ts';

let now = 0;
const clock = { now: () => now };
let folder = '';

beforeEach(() => {
  now = Date.UTC(2026, 0, 1);
  folder = mkdtempSync(join(tmpdir(), 'idempotency-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const STORES: Readonly<Record<string, () => Idempotency>> = {
  memory: () => createMemoryIdempotency({ clock }),
  sqlite: () => createSqliteIdempotency({ database: join(folder, 'x.db'), group: 'g', clock }),
};

for (const [name, create] of Object.entries(STORES)) {
  suite(name, () => {
    test('an id is known for thirty days, counted from its last effect', async () => {
      const store = create();
      assert.equal(await store.has('1'), false);
      await store.remember(['1', '2']);
      await store.remember([]);
      assert.deepEqual([await store.has('1'), await store.has('3')], [true, false]);
      now += REMEMBERED_MS - 1;
      assert.equal(await store.has('1'), true);
      now += 1;
      assert.equal(await store.has('1'), false);
      await store.remember(['1']);
      assert.deepEqual([await store.has('1'), await store.has('2')], [true, false]);
      await store.close?.();
    });
  });
}

test('the memory is bounded, and the oldest go first', () => {
  const store = createMemoryIdempotency({ clock, idsMax: 2 });
  void store.remember(['1', '2']);
  void store.remember(['1', '3']);
  assert.deepEqual(
    ['1', '2', '3'].map((id) => store.has(id)),
    [true, false, true],
  );
});

test('in SQLite it outlives the process, is shared, and is of one group', () => {
  const database = join(folder, 'x.db');
  const first = createSqliteIdempotency({ database, group: 'g', clock });
  const second = createSqliteIdempotency({ database, group: 'g', clock });
  const other = createSqliteIdempotency({ database, group: 'h', clock });
  void first.remember(['1']);
  assert.deepEqual([second.has('1'), other.has('1')], [true, false]);
  for (const store of [first, second, other]) void store.close?.();
});

test('the effect and the memory of it come together, or not at all', () => {
  const db = openDatabase(join(folder, 'x.db'), 'FULL');
  db.exec('CREATE TABLE effects (id TEXT)');
  const store = createSqliteIdempotency({ database: db, group: 'g', clock });
  const effect = () => void db.prepare('INSERT INTO effects VALUES (?)').run('1');
  const failing = () => {
    effect();
    throw new Error('no');
  };
  assert.throws(() => store.once('1', failing), /no/);
  assert.equal(store.has('1'), false);
  assert.deepEqual([store.once('1', effect), store.once('1', effect)], [true, false]);
  assert.equal(db.prepare('SELECT count(*) AS n FROM effects').get()?.n, 1);
  db.close();
});
