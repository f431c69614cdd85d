import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Facts, findStale } from './docs.ts';

const facts: Facts = {
  exists: (path) => ['src/main.ts', 'docs/security.md'].includes(path),
  scripts: new Set(['check']),
  counts: { rooms: 17 },
  measured: (file, row) => (file === 'reads' && row === 'ours, p99' ? 1_234.56 : undefined),
};
const stale = (text: string): string[] => findStale({ path: 'docs/a.md', text }, facts);

test('B-PK-4: a dead path, link, script and count is found', () => {
  assert.deepEqual(stale('See `src/gone.ts`.'), ['docs/a.md: the path src/gone.ts does not exist']);
  assert.deepEqual(stale('[there](gone.md)'), ['docs/a.md: the link gone.md leads nowhere']);
  assert.deepEqual(stale('Run `npm run fix`.'), ['docs/a.md: there is no script "npm run fix"']);
  assert.deepEqual(stale('<!-- count: rooms -->18 rooms'), ['docs/a.md: rooms: 18, but 17']);
  assert.deepEqual(stale('<!-- count: cats -->9'), ['docs/a.md: nobody counts "cats"']);
});

test('what is true passes, and what is outside the project is not looked at', () => {
  const text = [
    '`src/main.ts`, `src/main.ts:12`, [security](security.md#who), [web](https://example.org/a)',
    '`resources/updated`, npm run check, <!-- count: rooms -->17, `data/server.json`, `src/<room>/index.ts`',
  ];
  assert.deepEqual(stale(text.join('\n')), []);
});

test('B-PK-4: a measured number is the one of its file, rounded as it is said', () => {
  const said = (number: string): string[] =>
    stale(`<!-- measured: reads | ours, p99 -->${number} ms`);
  for (const number of ['1,235', '1,234.6', '1234.56']) assert.deepEqual(said(number), []);
  assert.deepEqual(said('1,200'), ['docs/a.md: ours, p99: 1,200, but 1235']);
  assert.deepEqual(stale('<!-- measured: reads | other -->1'), [
    'docs/a.md: bench/results/reads.json has no row "other"',
  ]);
});
