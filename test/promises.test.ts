import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findBroken } from '../tools/promises.ts';
import { KNOWN_GAPS, PROMISES } from './promises.ts';

const cites = (name: string): { path: string; text: string }[] => [
  { path: 'test/x.test.ts', text: `test('${name}', () => {});` },
];
const promises = [{ id: 'P1' }];

test('every promise has an id of its own, a sentence and a source', () => {
  assert.equal(new Set(PROMISES.map(({ id }) => id)).size, PROMISES.length);
  for (const { id, says, source } of [...PROMISES]) {
    assert.match(says, /^[A-Za-z].{20,}\.$/, id);
    assert.ok(source.length > 0, id);
  }
  for (const { id, reason } of KNOWN_GAPS) assert.ok(reason.length > 10, id);
});

test('B-PK-5: a promise that no test cites is named', () => {
  assert.deepEqual(findBroken({ promises, gaps: [] }, cites('something else')), [
    'P1 is promised, and no test cites it',
  ]);
  assert.deepEqual(findBroken({ promises, gaps: [] }, cites('P1: holds')), []);
});

test('an id that nobody promised is named with the test that cites it', () => {
  const [first, ...more] = findBroken({ promises, gaps: [] }, cites('P1, P2: hold'));
  assert.equal(first, 'test/x.test.ts cites P2, which nobody promised');
  assert.deepEqual(more, []);
});

test('a known gap needs no test, and ends with the first test that cites it', () => {
  const gaps = [{ id: 'P1', reason: 'not built yet' }];
  assert.deepEqual(findBroken({ promises, gaps }, cites('something else')), []);
  assert.match(
    findBroken({ promises, gaps }, cites('P1: holds'))[0] ?? '',
    /no known gap any more/,
  );
});
