import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spicedbFaults } from './start-faults.ts';
import { isAtLeast } from './version.ts';

const CONNECTION = { endpoint: '127.0.0.1:1', token: 'x', tls: false };
const same = async () => ({ outcome: 'done', differences: [] }) as const;

test('versions are compared by their numbers', () => {
  assert.equal(isAtLeast('1.57.1', '1.57.1'), true);
  assert.equal(isAtLeast('1.58.0-rc1', '1.57.1'), true);
  assert.equal(isAtLeast('2.0.0', '1.57.1'), true);
  assert.equal(isAtLeast('1.57.0', '1.57.1'), false);
  assert.equal(isAtLeast('1.9.9', '1.57.1'), false);
  assert.equal(isAtLeast('(devel)', '1.57.1'), undefined);
});

test('B-OA-11: 120: a SpiceDB before its mend of expired grants is named, and still served', async () => {
  const [fault, ...more] = await spicedbFaults(CONNECTION, same, async () => '1.56.2');
  assert.deepEqual(more, []);
  assert.equal(fault?.warning, true);
  assert.match(fault.what, /1\.56\.2/);
  assert.match(fault.mend, /1\.57\.1/);
  for (const fine of ['1.57.1', '1.60.0', '(devel)', undefined]) {
    assert.deepEqual(await spicedbFaults(CONNECTION, same, async () => fine), [], String(fine));
  }
});
