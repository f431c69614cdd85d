import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SCOPES } from '../../contract/scopes.ts';
import { isStrong, scopeWords } from './words.ts';

test('B-AS-10: every scope has words of its own for whoever is asked', () => {
  const words = SCOPES.map(scopeWords);
  assert.deepEqual(
    SCOPES.filter((scope) => scopeWords(scope) === scope),
    [],
  );
  assert.equal(new Set(words).size, SCOPES.length);
});

test('B-AS-9: what concerns others is strong, and so is whatever is new', () => {
  for (const scope of ['relations:write', 'sources:write', 'breakglass', 'audit:read', 'admin']) {
    assert.ok(isStrong(scope), scope);
  }
  assert.ok(isStrong('something:new'));
  for (const scope of ['twin:read', 'twin:read:clinical', 'twin:chat']) assert.ok(!isStrong(scope));
});
