import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatUri, parseUri, SECTIONS, type TwinUri } from './uris.ts';

const CANONICAL: TwinUri[] = [
  { kind: 'section', member: 'demo-ana', section: 'coverage' },
  { kind: 'source', member: '42', section: 'clinical', type: 'Observation', id: 'a-1' },
  { kind: 'access-log', member: '42' },
  { kind: 'practitioner', practitioner: 'demo-dr-eve', section: 'panel' },
  { kind: 'changes', cursor: 'now' },
  { kind: 'session', session: 'abcdefghijklmnopqrstuvwxy2' },
];

for (const uri of CANONICAL) {
  test(`${uri.kind} URIs are parsed as they are formatted`, () => {
    assert.deepEqual(parseUri(formatUri(uri)), uri);
  });
}

/** security.md §6, 43–60: each reaches member 43 or another handler where URLs are normalised. */
const REFUSED: readonly string[] = [
  'mcp://twins/member/42/../43/coverage',
  'mcp://twins/member/42/%2e%2e/43/coverage',
  'mcp://twins/member/42/./../43/coverage',
  'mcp://twins/member/42%2F..%2F43/coverage',
  'mcp://twins/member/%34%33/coverage',
  'mcp://twins/member//43/coverage',
  'mcp://twins//member/43/coverage',
  'MCP://twins/member/43/coverage',
  'mcp://TWINS/member/43/coverage',
  'mcp://evil@twins/member/43/coverage',
  'mcp://twins:80/member/43/coverage',
  'mcp://twins/member/43/coverage?x=1',
  'mcp://twins/member/43/coverage?',
  'mcp://twins/member/43/coverage#f',
  'mcp://twins/member/43/coverage/',
  '\tmcp://twins/member/43/coverage',
  'mcp://twins/member/43/coverage\n',
  'mcp://twins/member/43/coverage\r',
  ' mcp://twins/member/43/coverage',
  'mcp://twins/member/43/coverage ',
  'mcp://twins/member/43/coverage\u0000',
  'mcp://twins/member/43%00/coverage',
  'mcp://twins/member/４３/coverage',
  'mcp://twins/member/٤٣/coverage',
  'mcp://twіns/member/43/coverage',
  'mcp://twins/member/4\u200b3/coverage',
  'mcp://twins/member/e\u0301/coverage',
  'mcp://twins/member/43;v=1/coverage',
  'mcp://twins/member/43,44/coverage',
  'mcp://twins/member/{id}/coverage',
  'mcp://twins/member/*/coverage',
  'mcp://twins/member/__proto__/coverage',
  `mcp://twins/member/${'4'.repeat(20_000)}/coverage`,
  'mcp:\\\\twins\\member\\43\\coverage',
  'mcp:twins/member/43/coverage',
  'mcp:///member/43/coverage',
  'file:///etc/passwd',
  'http://169.254.169.254/latest',
  'data:text/plain,x',
  'mcp://twins./member/43/coverage',
  'mcp://twins/member/%252e%252e/coverage',
  'mcp://twins/member/43/labs',
  'mcp://twins/member/43/clinical/observation/1',
  'mcp://twins/member/43/clinical/Observation',
  'mcp://twins/changes/',
  'mcp://twins/changes/a/b',
  'mcp://sessions/short',
  '',
];

for (const raw of REFUSED) {
  test(`not canonical, hence not found: ${JSON.stringify(raw.slice(0, 60))}`, () => {
    assert.equal(parseUri(raw), null);
  });
}

test('whatever parses formats back to the same string', () => {
  const fragment = fc.constantFrom(
    'mcp://',
    'twins',
    '/',
    'member',
    '42',
    'a',
    '..',
    '%2e',
    ...SECTIONS,
  );
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 10 }), (parts) => {
      const raw = parts.join('');
      const uri = parseUri(raw);
      if (uri !== null) assert.equal(formatUri(uri), raw);
    }),
  );
});
