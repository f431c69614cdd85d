import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  missingScopes,
  missingToRead,
  OPERATION_SCOPES,
  type Operation,
  requiredScopes,
  requiredToRead,
  SCOPES,
} from './scopes.ts';
import { parseUri, type TwinUri } from './uris.ts';

const uriOf = (text: string): TwinUri => {
  const uri = parseUri(text);
  assert.ok(uri !== null, text);
  return uri;
};
const CLINICAL = uriOf('mcp://twins/member/demo-ana/clinical');
const RECORD = uriOf('mcp://twins/member/demo-ana/coverage/Coverage/c1');
const LOG = uriOf('mcp://twins/member/demo-ana/access-log');
const FEED = uriOf('mcp://twins/changes/now');

/** Scopes held, operation, all that the challenge names. */
const CASES: readonly (readonly [string, Operation, string])[] = [
  ['', 'search', 'twin:read twin:search'],
  ['twin:read', 'search', 'twin:read twin:search'],
  ['twin:search', 'search', 'twin:read twin:search'],
  ['twin:read:care', 'search', 'twin:read:care twin:search'],
  ['twin:read:care twin:read:profile', 'chat', 'twin:read:profile twin:read:care twin:chat'],
  ['twin:read:care twin:read', 'subscribe', 'twin:read twin:subscribe'],
  ['twin:read', 'metrics', 'admin'],
];

test('B-OA-3: a challenge names all scopes of the operation, held ones as they are held', () => {
  for (const [held, operation, named] of CASES) {
    const found = requiredScopes(new Set(held.split(' ')), operation);
    assert.equal(found.join(' '), named, `${held} for ${operation}`);
  }
});

test('B-OA-3: of a read it names the narrowest scope that opens the URI', () => {
  const named = (uri: TwinUri, ...held: string[]) => requiredToRead(new Set(held), uri).join(' ');
  assert.equal(named(CLINICAL), 'twin:read:clinical');
  assert.equal(named(CLINICAL, 'twin:read:care'), 'twin:read:clinical');
  assert.equal(named(CLINICAL, 'twin:read'), 'twin:read');
  assert.equal(named(RECORD), 'twin:read:coverage');
  assert.equal(named(LOG, 'twin:read:care'), 'twin:read');
  assert.equal(named(FEED, 'twin:read:care'), 'twin:read:care');
  assert.equal(named(FEED), 'twin:read');
});

test('B-OA-3: 39: what a challenge names, together with what is held, is enough', () => {
  const subsets = [[], ...SCOPES.map((scope) => [scope])];
  for (const held of subsets.map((scopes) => new Set<string>(scopes))) {
    for (const operation of Object.keys(OPERATION_SCOPES) as Operation[]) {
      const next = new Set([...held, ...requiredScopes(held, operation)]);
      assert.deepEqual(missingScopes(next, operation), [], `${[...held]} for ${operation}`);
    }
    for (const uri of [CLINICAL, RECORD, LOG, FEED]) {
      const next = new Set([...held, ...requiredToRead(held, uri)]);
      assert.deepEqual(missingToRead(next, uri), []);
    }
  }
});
