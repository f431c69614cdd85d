import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '../twin/ports.ts';
import { missingScopesOf, requiredScopesOf } from './operations.ts';

const URI = 'mcp://twins/member/demo-ana/coverage';
const read = { method: 'resources/read', params: { uri: URI } };
const tool = (name: string, args: object) => ({
  method: 'tools/call',
  params: { name, arguments: args },
});

/** Scopes of the token, message, what is missing. */
const CASES: readonly (readonly [string[], unknown, string[]])[] = [
  [['twin:read'], read, []],
  [['twin:read:coverage'], read, []],
  [['twin:read:clinical'], read, ['twin:read:coverage']],
  [['twin:subscribe'], read, ['twin:read']],
  [['twin:read:clinical'], tool('readDocument', { uri: URI }), ['twin:read:coverage']],
  [['twin:read:clinical'], tool('readDocument', { uri: 7 }), []],
  [['twin:read:clinical'], { ...read, params: { uri: `${URI}/../profile` } }, []],
  [
    ['twin:read:clinical'],
    { ...read, params: { uri: 'mcp://twins/practitioner/p1/panel' } },
    ['twin:read'],
  ],
  [['twin:read:clinical'], { ...read, params: { uri: 'mcp://twins/changes/start' } }, []],
  [[], tool('search', { query: 'x' }), ['twin:read', 'twin:search']],
  [[], tool('constructor', {}), []],
  [[], { method: 'tools/list' }, []],
  [[], 'not a message', []],
];

for (const [scopes, message, missing] of CASES) {
  test(`${scopes.join(' ') || 'no scope'}: ${JSON.stringify(message)}`, () => {
    const principal = { scopes: new Set(scopes) } as unknown as Principal;
    assert.deepEqual(missingScopesOf(principal, message), missing);
  });
}

test('B-OA-2: all scopes of a message are known from its body, and none where it needs none', () => {
  const named = (message: unknown, ...held: string[]) =>
    requiredScopesOf(new Set(held), message).join(' ');
  assert.equal(named(read), 'twin:read:coverage');
  assert.equal(named(tool('readDocument', { uri: URI })), 'twin:read:coverage');
  assert.equal(named({ ...read, params: { uri: `${URI}/../profile` } }), 'twin:read');
  assert.equal(named(tool('search', {}), 'twin:read:care'), 'twin:read:care twin:search');
  assert.equal(named({ method: 'subscriptions/listen' }), 'twin:read twin:subscribe');
  for (const message of [{ method: 'tools/list' }, { method: 'initialize' }, [], 'x', undefined]) {
    assert.equal(named(message), '');
  }
});
