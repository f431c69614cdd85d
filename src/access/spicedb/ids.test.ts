import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { escapeId, unescapeId } from './ids.ts';

test('escapes byte-wise what SpiceDB does not take', () => {
  assert.equal(escapeId('demo-ana'), 'demo-ana');
  assert.equal(escapeId('auth0|7_a/b+c'), 'auth0|7_a/b+c');
  assert.equal(escapeId('ana@example.org'), 'ana=40example=2Eorg');
  assert.equal(escapeId('ä'), '=C3=A4');
  assert.equal(escapeId('*'), '=2A');
  assert.equal(escapeId('a=2A'), 'a=3D2A');
});

test('every id comes back from its escaped form, which SpiceDB takes', () => {
  const anyId = fc.string({ minLength: 1, unit: 'binary' }).filter((id) => id.isWellFormed());
  fc.assert(
    fc.property(anyId, (id) => {
      const escaped = escapeId(id);
      assert.match(escaped, /^[A-Za-z0-9/_|\-=+]+$/);
      assert.equal(unescapeId(escaped), id);
    }),
  );
});
