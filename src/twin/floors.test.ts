import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFloors } from './floors.ts';
import type { Principal } from './ports.ts';

const ana = { kind: 'user', subject: 'ana', tenant: 'demo', clientId: 'cli' } as Principal;

test('B-LV-7: a floor only rises, and holds for its principal and URI alone', async () => {
  const floors = createFloors();
  await floors.raise(ana, 'u', { partition: 1, offset: 5 });
  await floors.raise(ana, 'u', { partition: 1, offset: 3 });
  assert.deepEqual(await floors.of(ana, 'u'), { partition: 1, offset: 5 });
  assert.equal(await floors.of(ana, 'v'), undefined);
  assert.equal(await floors.of({ ...ana, subject: 'ben' }, 'u'), undefined);
});
