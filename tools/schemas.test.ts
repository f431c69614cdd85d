import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextVersions } from './schemas.ts';

const FIRST = 2_100_000_001;
const file = (name: string, descriptor: string) => {
  return { file: name, descriptor, text: `text of ${descriptor}`, references: [] };
};
const one = nextVersions([], new Map(), [file('a.proto', 'a1'), file('b.proto', 'b1')]);
const published = new Map([
  ['a.proto', 'a1'],
  ['b.proto', 'b1'],
]);

test('files get their ids in turn', () => {
  assert.deepEqual(
    one.map(({ file, id, version }) => [file, id, version]),
    [
      ['a.proto', FIRST, 1],
      ['b.proto', FIRST + 1, 1],
    ],
  );
});

test('B-EV-4: what was published keeps its id and text; a change of it is another version', () => {
  const next = nextVersions(one, published, [file('a.proto', 'a2'), file('b.proto', 'b1')]);
  assert.deepEqual(next.slice(0, 2), one);
  assert.deepEqual(next[2], { id: FIRST + 2, version: 2, ...file('a.proto', 'a2') });
  const again = nextVersions(next, published, [file('a.proto', 'a2'), file('b.proto', 'b1')]);
  assert.deepEqual(again, next);
});

test('what was not published yet changes in place', () => {
  const second = nextVersions(one, published, [file('a.proto', 'a2')]);
  const third = nextVersions(second, published, [file('a.proto', 'a3')]);
  assert.deepEqual(third, [...one, { id: FIRST + 2, version: 2, ...file('a.proto', 'a3') }]);
});

test('another comment alone makes no version of what was published', () => {
  const text = { ...file('a.proto', 'a1'), text: 'with another comment' };
  assert.deepEqual(nextVersions(one, published, [text]), one);
});

test('a file that is gone stays readable', () => {
  assert.deepEqual(nextVersions(one, published, [file('b.proto', 'b1')]), one);
});
