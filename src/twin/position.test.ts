import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPositionCodec } from './position.ts';

const codec = createPositionCodec(Buffer.alloc(32, 1));
const position = { epoch: 'abcdefgh', places: [{ partition: 3, offset: 2 ** 40 }] };

test('a position comes back as it was encoded', () => {
  assert.deepEqual(codec.decode(codec.encode(position)), position);
});

test('a vector of places and an empty one come back', () => {
  const places = Array.from({ length: 16 }, (_, partition) => ({ partition, offset: partition }));
  assert.deepEqual(codec.decode(codec.encode({ ...position, places })).places, places);
  assert.deepEqual(codec.decode(codec.encode({ ...position, places: [] })).places, []);
});

test('a place before the first record of its partition is left out', () => {
  const places = [{ partition: 0, offset: -1 }, ...position.places];
  assert.deepEqual(codec.decode(codec.encode({ ...position, places })), position);
});

for (const [name, text] of [
  ['empty', ''],
  ['not base64url', '****'],
  ['cut', codec.encode(position).slice(0, -2)],
  ['of another key', createPositionCodec(Buffer.alloc(32, 2)).encode(position)],
  ['with a trailing character', `${codec.encode(position)}A`],
] as const) {
  test(`a position that is ${name} is refused`, () => {
    assert.throws(() => codec.decode(text), { code: 'INVALID_ARGUMENT' });
  });
}

test('every changed character is refused', () => {
  const text = codec.encode(position);
  for (let at = 0; at < text.length; at += 1) {
    const other = text[at] === 'A' ? 'B' : 'A';
    const changed = text.slice(0, at) + other + text.slice(at + 1);
    assert.throws(() => codec.decode(changed), { code: 'INVALID_ARGUMENT' });
  }
});
