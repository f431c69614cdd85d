import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Undecodable } from '../events/undecodable.ts';
import { rowKeysFrom, rowMessage, stateRowOf } from './row-keys.ts';

const keys = rowKeysFrom(new Uint8Array(32));
const state = {
  table: 'names',
  key: ['demo', 'Practitioner/dr'],
  row: { tenant: 'demo', name: 'Moss' },
};

test('what is written of a row is read as it was, in this form and in the one before', () => {
  const { key, value } = rowMessage('decider', keys, state);
  assert.deepEqual(stateRowOf(String(key), String(value)), state);
  const before = JSON.stringify([state.table, ...state.key]);
  assert.deepEqual(stateRowOf(before, JSON.stringify(state.row)), state);
  assert.equal(stateRowOf(before, null), null);
  assert.deepEqual(rowMessage('decider', keys, { ...state, row: null }), {
    ...{ topic: 'decider', partition: 0, key, value: null },
  });
});

test('P9: what is no row is refused without a word of it', () => {
  for (const [name, value] of [
    ['r1.x', 'TELLING {'],
    ['["names","TELLING', '{}'],
    ['["names"]', '["TELLING"]'],
    ['[{"TELLING":1}]', '{}'],
    ['r1.x', '{"table":"names","key":[["TELLING"]],"row":{}}'],
    ['r1.x', '{"table":"names","key":["TELLING"],"row":{"name":{}}}'],
    ['r1.x', '{"table":"names","key":["TELLING"]}'],
    ['r1.x', 'null'],
  ] as const) {
    assert.throws(
      () => stateRowOf(name, value),
      (error: unknown) => {
        assert.ok(error instanceof Undecodable);
        assert.doesNotMatch(`${error.message} ${error.cause}`, /TELLING/);
        return true;
      },
      value,
    );
  }
});
