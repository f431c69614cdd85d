import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOMBSTONE_RETENTION_MS } from '../../twin/retention.ts';
import { bundleOf, patient } from '../test/bundles.ts';
import { createPlaces, openDeciderDatabase } from './decider-db.ts';
import { type Decider, decide, IDENTITY, NOW, newDecider, Topics, topics } from './restore.rig.ts';
import { decideAll, testRestoring } from './restore-suite.rig.ts';

testRestoring(5);

test('P9: keys of rows tell nothing, and are the same wherever the deployment has its key', () => {
  const [active, log] = [newDecider(), new Topics()];
  const identifier = [{ system: 'urn:plan', value: 'TELLING-1' }];
  decideAll(active, [[bundleOf(patient('ana', { identifier }))]], log);
  const rows = log.records.filter(({ topic }) => topic === topics.decider);
  assert.ok(rows.some(({ value }) => String(value).includes('TELLING-1')));
  for (const { key } of rows) assert.match(String(key), /^r1\.[\w-]{43}$/);
  assert.equal(new Set(rows.map(({ key }) => String(key))).size, rows.length);
  const keysOf = (secret: Uint8Array<ArrayBuffer>): string[] => {
    const { rowKeys } = newDecider(secret);
    return ['members', 'labels'].flatMap((table) =>
      ['ana', 'ben'].map((id) => rowKeys.keyOf({ table, key: [id] })),
    );
  };
  assert.deepEqual(keysOf(new Uint8Array(32)), keysOf(new Uint8Array(32)));
  const all = [...keysOf(new Uint8Array(32)), ...keysOf(new Uint8Array(32).fill(1))];
  assert.equal(new Set(all).size, 8, 'another table, row or deployment has others');
  active.store.close();
});

test('P4: a state that stood still while tombstones may have gone is built anew', () => {
  const first = newDecider();
  decide(first, [bundleOf(patient('ana'))], NOW);
  createPlaces(first.db).setComplete(NOW);
  first.store.close();
  assert.equal(headsAt(first, NOW + TOMBSTONE_RETENTION_MS * 0.7), 1);
  assert.equal(headsAt(first, NOW + TOMBSTONE_RETENTION_MS * 0.8), 0);
});

test('another log, or rows taken in under other keys, are another state', () => {
  for (const [rowKeys, epoch, count] of [
    [undefined, 'aaaaaaaa', 1],
    [undefined, 'bbbbbbbb', 0],
    ['another', 'aaaaaaaa', 0],
  ] as const) {
    const first = newDecider();
    decide(first, [bundleOf(patient('ana'))], NOW);
    first.store.close();
    assert.equal(headsAt(first, NOW, { epoch, ...(rowKeys && { rowKeys }) }), count);
  }
});

test('P4: a state of a version whose keys told is built anew: it has no map of them', () => {
  const first = newDecider();
  decide(first, [bundleOf(patient('ana'))], NOW);
  first.db.exec("DROP TABLE row_keys; DELETE FROM meta WHERE name = 'row keys'");
  first.store.close();
  assert.equal(headsAt(first, NOW), 0);
});

function headsAt(
  { path, rowKeys }: Decider,
  now: number,
  other: { readonly epoch?: string; readonly rowKeys?: string } = {},
): number {
  const identity = { ...IDENTITY, ...(other.epoch && { epoch: other.epoch }) };
  const file = { path, identity, rowKeys: other.rowKeys ?? rowKeys.id };
  const db = openDeciderDatabase(file, now);
  const count = Number(db.prepare('SELECT count(*) AS count FROM heads').get()?.count);
  db.close();
  return count;
}
