import assert from 'node:assert/strict';
import { mkdtempSync, truncateSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createPlaces, openDeciderDatabase } from './decider-db.ts';

const IDENTITY = { epoch: 'aaaaaaaa', partitions: 4 };
const PAGE = 4096;

test('F18: a damaged state of the decider is thrown away, since Kafka has all of it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'twin-decider-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'decider.db');
  const restored = (after: () => void): unknown => {
    after();
    const db = openDeciderDatabase({ path, identity: IDENTITY, rowKeys: 'keys' }, 0);
    const places = createPlaces(db);
    const found = places.restored('twins.sources');
    places.setRestored('twins.sources', [{ partition: 1, next: 7 }]);
    db.close();
    return found;
  };
  const kept = [{ partition: 1, next: 7 }];
  assert.deepEqual(
    restored(() => undefined),
    [],
  );
  assert.deepEqual(
    restored(() => undefined),
    kept,
    'whole, it is gone on with',
  );
  assert.deepEqual(
    restored(() => truncateSync(path, 3 * PAGE)),
    [],
  );
  assert.deepEqual(
    restored(() => undefined),
    kept,
  );
  assert.deepEqual(
    restored(() => writeFileSync(path, 'no database'.repeat(PAGE))),
    [],
  );
});
