import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson } from '../../kernel/json.ts';
import { packed, unpacked } from './packed.ts';

const record = fc.record(
  {
    body: fc.string({ unit: 'binary' }).map((text) => canonicalJson({ text })),
    at: fc.nat({ max: 2 ** 48 }),
    members: fc.array(fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,63}$/), { maxLength: 4 }),
    quiet: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
  },
  { noNullPrototype: true },
);

test('B-AD-1: what is packed for the thread that writes comes out as it was', () => {
  fc.assert(
    fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (records) => {
      assert.deepEqual(unpacked(packed(records)), records);
    }),
  );
});
