import assert from 'node:assert/strict';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { chainNext, chainStart, leafOf } from './hashes.ts';
import { createSigner } from './signing.ts';
import { AuditStore, type StorableRecord } from './store.ts';
import { outsideOf, verifyTrail } from './verify.ts';

const root = await mkdtemp(join(tmpdir(), 'twin-verify-'));
after(() => rm(root, { recursive: true }));
let files = 0;
const freshPath = (): string => join(root, `audit-${files++}.db`);

const signer = createSigner(Buffer.alloc(32, 7));
const T0 = Date.parse('2026-03-01T00:00:00.000Z');

function record(n: number, at = T0 + n, member = 'demo-ana'): StorableRecord {
  const row = { v: 2, at: new Date(at).toISOString(), action: 'read', outcome: 'success' };
  const what = [{ uri: `mcp://twins/member/${member}/care` }];
  const body = JSON.stringify({ ...row, id: `c${n}`, what, why: 'view_care at r1' });
  return { body, at, members: [member] };
}

/** A log of so many rows; index 1 is the one that opens it, so row n has index n + 1. */
function filled(rows: number): { path: string; store: AuditStore } {
  const path = freshPath();
  const store = new AuditStore(path, T0);
  for (let n = 1; n < rows; n += 1) store.append([record(n)]);
  return { path, store };
}

const note = (store: AuditStore): string => signer.checkpoint(store.head(), '2026-03-01T01:00:00Z');

async function verdictOf(path: string, notes: readonly string[] = []) {
  const outside = outsideOf(notes, signer.publicKey);
  const found = await verifyTrail({ path, publicKey: signer.publicKey, outside });
  return found.at(-1) ?? assert.fail('no generation');
}

/** What somebody with the file, and none of the keys, does to it. */
function tamper(path: string, change: (db: DatabaseSync) => void): void {
  const db = new DatabaseSync(path);
  const triggers = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'").all();
  for (const { name } of triggers) db.exec(`DROP TRIGGER ${String(name)}`);
  change(db);
  db.close();
}

/** All hashes made to fit again, as whoever knows the format would. */
function rehash(db: DatabaseSync): void {
  const [generation] = db.prepare('SELECT id FROM generation').all();
  const id = String(generation?.id);
  let chain = chainStart(id);
  const update = db.prepare('UPDATE record SET hash = ? WHERE seq = ?');
  for (const { seq, body } of db.prepare('SELECT seq, body FROM record ORDER BY seq').all()) {
    chain = chainNext(chain, leafOf({ generation: id, index: Number(seq), body: String(body) }));
    update.run(chain, Number(seq));
  }
  db.exec('DELETE FROM node');
}

const swap = (a: number, b: number) => `
  UPDATE record SET seq = 9999 WHERE seq = ${a}; UPDATE record SET seq = ${a} WHERE seq = ${b};
  UPDATE record SET seq = ${b} WHERE seq = 9999`;

const CHANGES: [string, number, (db: DatabaseSync) => void][] = [
  ['edit', 3, (db) => db.exec(`UPDATE record SET body = replace(body, 'c2', 'c9') WHERE seq = 3`)],
  ['edit of a hash', 5, (db) => db.exec(`UPDATE record SET hash = x'00' WHERE seq = 5`)],
  ['edit of the time kept beside', 4, (db) => db.exec('UPDATE record SET at = 5 WHERE seq = 4')],
  ['deletion', 2, (db) => db.exec('DELETE FROM record WHERE seq = 2')],
  ['deletion of the first', 1, (db) => db.exec('DELETE FROM record WHERE seq = 1')],
  [
    'deletion closed up',
    3,
    (db) =>
      db.exec(`DELETE FROM record WHERE seq = 3; UPDATE record SET seq = seq - 1 WHERE seq > 3`),
  ],
  ['reordering', 2, (db) => db.exec(swap(2, 3))],
  [
    'duplicate',
    7,
    (db) => db.exec('INSERT INTO record SELECT gen, 7, at, hash, body FROM record WHERE seq = 6'),
  ],
  ['hidden from a member', 4, (db) => db.exec('DELETE FROM about WHERE seq = 4')],
];

for (const [name, firstBad, change] of CHANGES) {
  test(`P5, B-AD-2: verification names the first bad row: ${name}`, async () => {
    const { path, store } = filled(6);
    store.close();
    tamper(path, change);
    const verdict = await verdictOf(path);
    assert.deepEqual([verdict.ok, verdict.firstBad, verdict.lastBad], [false, firstBad, undefined]);
  });
}

test('P5, B-AD-2: rows cut off at the end show by a checkpoint, the first one that is missing', async () => {
  const { path, store } = filled(6);
  const outside = note(store);
  store.close();
  tamper(path, (db) =>
    db.exec('DELETE FROM record WHERE seq > 4; DELETE FROM about WHERE seq > 4'),
  );
  assert.ok((await verdictOf(path)).ok, 'in itself it is whole');
  const verdict = await verdictOf(path, [outside]);
  assert.deepEqual([verdict.ok, verdict.firstBad], [false, 5]);
  assert.match(verdict.why ?? '', /cut off/);
});

test('P5, B-AD-2: a log written anew shows by checkpoints, between which rows the first is', async () => {
  const { path, store } = filled(4);
  const first = note(store);
  for (const n of [4, 5]) store.append([record(n)]);
  const second = note(store);
  for (const n of [6, 7]) store.append([record(n)]);
  store.close();
  tamper(path, (db) => {
    db.exec(`UPDATE record SET body = replace(body, 'c4', 'cX') WHERE seq = 5`);
    rehash(db);
  });
  assert.ok((await verdictOf(path)).ok, 'in itself it is whole');
  const verdict = await verdictOf(path, [first, second]);
  assert.deepEqual([verdict.ok, verdict.firstBad, verdict.lastBad], [false, 5, 6]);
  assert.equal(verdict.witnessed, 4);
});

test('P5, B-AD-2: a log written anew from its first row shows by a checkpoint', async () => {
  const { path, store } = filled(6);
  const outside = note(store);
  const { generation } = store.head();
  store.close();
  const forged = freshPath();
  const other = new AuditStore(forged, T0);
  for (const n of [7, 8, 9, 10, 11, 12]) other.append([record(n)]);
  other.close();
  tamper(forged, (db) => {
    db.prepare('UPDATE generation SET id = ?').run(generation);
    rehash(db);
  });
  assert.ok((await verdictOf(forged)).ok, 'in itself it is whole');
  const verdict = await verdictOf(forged, [outside]);
  assert.deepEqual([verdict.ok, verdict.firstBad, verdict.lastBad], [false, 1, 6]);
  assert.ok((await verdictOf(path, [outside])).ok, 'and the real one fits');
});

test('B-AD-2: a checkpoint of its own catches who writes anew without our key', async () => {
  const { path, store } = filled(6);
  store.keepCheckpoint({ size: 6, at: '2026-03-01T01:00:00Z', note: note(store) });
  store.close();
  tamper(path, (db) => {
    db.exec(`UPDATE record SET body = replace(body, 'c4', 'cX') WHERE seq = 5`);
    rehash(db);
  });
  const verdict = await verdictOf(path);
  assert.deepEqual([verdict.ok, verdict.firstBad, verdict.lastBad], [false, 1, 6]);
  assert.throws(() => new AuditStore(path, T0), /not what its checkpoint of 6 rows says/);

  const foreign = createSigner(Buffer.alloc(32, 8));
  assert.deepEqual(outsideOf([foreign.checkpoint(store.head(), 'x')], signer.publicKey), []);
});

test('B-AD-2: a clock that went back says so; a row that is merely earlier is named', async () => {
  const honest = freshPath();
  const store = new AuditStore(honest, T0);
  store.append([record(1, T0 + 5_000), record(2, T0 + 1_000), record(3, T0 + 2_000)]);
  store.close();
  const verdict = await verdictOf(honest);
  assert.deepEqual([verdict.ok, verdict.records], [true, 5], 'one row more: the clock’s own');

  tamper(honest, (db) => {
    db.exec(`DELETE FROM record WHERE seq = 3; UPDATE record SET seq = seq - 1 WHERE seq > 3`);
    db.exec('UPDATE about SET seq = seq - 1 WHERE seq > 3');
    rehash(db);
  });
  const found = await verdictOf(honest);
  assert.deepEqual([found.ok, found.firstBad], [false, 3]);
  assert.match(found.why ?? '', /no clock went back/);
});

test('B-AD-2: of two writers of one file only the one that came last writes', async () => {
  const { path, store } = filled(3);
  const second = new AuditStore(path, T0);
  assert.throws(() => store.append([record(8)]), /another process has opened this audit/);
  second.append([record(9)]);
  second.close();
  const verdict = await verdictOf(path);
  assert.deepEqual([verdict.ok, verdict.records], [true, 4]);
});

test('B-AD-2: two writers of two copies: the one that the witness does not know is named', async () => {
  const { path, store } = filled(4);
  const before = note(store);
  store.close();
  const copy = freshPath();
  await copyFile(path, copy);
  const [one, two] = [new AuditStore(path, T0), new AuditStore(copy, T0)];
  one.append([record(10)]);
  two.append([record(11)]);
  const known = [before, note(one)];
  one.close();
  two.close();
  assert.ok((await verdictOf(path, known)).ok);
  const verdict = await verdictOf(copy, known);
  assert.deepEqual([verdict.ok, verdict.firstBad], [false, 5]);
});

test('B-AD-2: a crash between a row and its checkpoint leaves a whole log', async () => {
  const { path, store } = filled(4);
  const outside = note(store);
  store.append([record(9)]);
  store.close();
  const again = new AuditStore(path, T0);
  again.append([record(10)]);
  const later = note(again);
  again.close();
  const verdict = await verdictOf(path, [outside, later]);
  assert.deepEqual([verdict.ok, verdict.records, verdict.witnessed], [true, 6, 6]);
});

test('a store whose end was changed is not written to', () => {
  const { path, store } = filled(6);
  store.close();
  tamper(path, (db) => db.exec(`UPDATE record SET body = replace(body, 'c5', 'c9') WHERE seq = 6`));
  assert.throws(() => new AuditStore(path, T0), /row 6 does not follow/);
});

test('a generation begins where the store went back, and says what it follows', async () => {
  const { path, store } = filled(3);
  const before = store.head();
  const { generation } = store.beginGeneration('the witness knows 9 rows', T0 + 100);
  store.append([record(200)]);
  store.close();
  assert.notEqual(generation, before.generation);
  const again = new AuditStore(path, T0);
  assert.deepEqual([again.head().generation, again.head().size], [generation, 2]);
  const [opened] = again.rows.from(generation, 1, 1);
  assert.match(opened?.body ?? '', new RegExp(`follows ${before.generation} of 3 rows`));
  again.close();
  assert.ok((await verdictOf(path)).ok);
});

test('B-AD-2: whatever is done to any row of any log, the first bad row is named', async () => {
  const kinds = ['edit', 'delete', 'close up', 'swap', 'duplicate'] as const;
  const cases = fc.record({
    batches: fc.array(fc.integer({ min: 1, max: 120 }), { minLength: 1, maxLength: 5 }),
    kind: fc.constantFrom(...kinds),
    where: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ batches, kind, where }) => {
      const path = freshPath();
      const store = new AuditStore(path, T0);
      let n = 0;
      for (const size of batches) {
        store.append(Array.from({ length: size }, () => record(++n)));
      }
      const size = store.head().size;
      store.close();
      assert.ok((await verdictOf(path)).ok);
      const at = 1 + (where % (size - 1));
      const last = kind === 'delete' && at === size;
      tamper(path, (db) => {
        if (kind === 'edit') db.exec(`UPDATE record SET body = body || ' ' WHERE seq = ${at}`);
        if (kind === 'delete' || kind === 'close up')
          db.exec(`DELETE FROM record WHERE seq = ${at}`);
        if (kind === 'close up') db.exec(`UPDATE record SET seq = seq - 1 WHERE seq > ${at}`);
        if (kind === 'swap') db.exec(swap(at, at + 1));
        if (kind === 'duplicate') {
          db.exec(
            `INSERT INTO record SELECT gen, ${size + 1}, at, hash, body FROM record WHERE seq = ${at}`,
          );
        }
      });
      const verdict = await verdictOf(path);
      if (last) return;
      assert.equal(verdict.firstBad, kind === 'duplicate' ? size + 1 : at, kind);
    }),
    { numRuns: 15 },
  );
});
