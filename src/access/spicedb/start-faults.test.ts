import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spicedbFaults } from './start-faults.ts';

const connection = {} as Parameters<typeof spicedbFaults>[0];

test('a SpiceDB that lacks our schema, or lets nobody see it, is named with what mends it', async () => {
  const faultsOf = async (
    outcome: Awaited<ReturnType<NonNullable<Parameters<typeof spicedbFaults>[1]>>>,
  ) => await spicedbFaults(connection, () => Promise.resolve(outcome));
  assert.deepEqual(await faultsOf({ outcome: 'done', differences: [] }), []);
  const [lacks] = await faultsOf({ outcome: 'done', differences: [{ where: 'member#chat' }] });
  assert.equal(lacks?.mend, 'digital-twin schema apply');
  for (const [outcome, part] of [
    ['unreachable', 'SPICEDB_ENDPOINT'],
    ['token-refused', 'SPICEDB_TOKEN'],
    ['refused', 'SPICEDB_ENDPOINT'],
  ] as const) {
    const faults = await faultsOf({ outcome, says: 'hush' });
    assert.deepEqual(
      faults.map((fault) => fault.part),
      [part],
    );
    assert.doesNotMatch(JSON.stringify(faults), /hush/);
  }
});
