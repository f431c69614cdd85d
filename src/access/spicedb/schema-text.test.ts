import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SCHEMA_TEXT, schemaWords } from './schema.ts';
import { compareSchemas, mergeSchemas } from './schema-compare.ts';
import { definitionLines, schemaBlocks, withPrefix } from './schema-text.ts';

const OTHERS = `use expiration
use typechecking

/** Of another { team. */
definition shop/user {}

caveat on_tuesday(day string) {
  day == "tue}sday" || day == 'x{'
}
// definition commented {}
definition shop/order {
	relation owner: shop/user with on_tuesday
	permission view = owner // { a remark
}
`;

test('blocks are found amid comments, strings and braces', () => {
  assert.deepEqual(
    schemaBlocks(OTHERS).map(({ keyword, name }) => `${keyword} ${name}`),
    [
      'use expiration',
      'use typechecking',
      'definition shop/user',
      'caveat on_tuesday',
      'definition shop/order',
    ],
  );
  assert.throws(() => schemaBlocks('definition open {'), /ends within/);
  assert.deepEqual(schemaBlocks(' // nothing\n'), []);
});

test('every word of our schema is a block or a line of one', () => {
  const words = schemaWords();
  const blocks = schemaBlocks(SCHEMA_TEXT).filter(({ keyword }) => keyword === 'definition');
  assert.deepEqual(
    blocks.map(({ name }) => name),
    [...words.keys()],
  );
  for (const { name, body } of blocks) {
    const { relations, permissions } = words.get(name) ?? assert.fail();
    assert.equal(definitionLines(body).size, relations.size + permissions.size, name);
  }
});

test('blanks, comments and the order of types make no difference', () => {
  const ours = 'definition a {\n  relation r: b | c with expiration\n  permission p = r + r->q\n}';
  const theirs =
    '/* x */ definition a {\n\trelation r:\n  c with expiration | b /* y */\n permission p = (r  + r->q)\n}';
  assert.deepEqual(compareSchemas(theirs, ours), []);
});

test('each difference says where it is, what is there, and what is needed', () => {
  const there = 'definition a {\n  relation r: b\n  relation old: b\n  permission p = r\n}';
  const ours =
    'definition a {\n  relation r: b | b with expiration\n  permission p = r - r\n}\ndefinition b {}';
  assert.deepEqual(compareSchemas(there, ours), [
    { where: 'definition a: relation r', has: 'b', needs: 'b | b with expiration' },
    { where: 'definition a: permission p', has: 'r', needs: 'r - r' },
    { where: 'definition a: relation old', has: 'b' },
    { where: 'definition b', needs: 'definition b' },
  ]);
});

test('merged, ours is whole and what is of others stands word for word', () => {
  const ours = withPrefix(SCHEMA_TEXT, 'acme');
  const merged = mergeSchemas(mergeSchemas(OTHERS, ours), ours);
  assert.deepEqual(compareSchemas(merged, ours), []);
  assert.deepEqual(compareSchemas(merged, OTHERS), []);
  for (const { text } of schemaBlocks(OTHERS)) assert.ok(merged.includes(text), text);
  const names = schemaBlocks(merged).map(({ keyword, name }) => `${keyword} ${name}`);
  assert.equal(new Set(names).size, names.length, 'each once');
  const firstBlock = names.findIndex((name) => !name.startsWith('use '));
  assert.ok(names.slice(firstBlock).every((name) => !name.startsWith('use ')));
});

test('a prefix stands before every type, and before nothing else', () => {
  const prefixed = withPrefix(SCHEMA_TEXT, 'acme');
  assert.equal(prefixed.replaceAll('acme/', ''), SCHEMA_TEXT);
  for (const { keyword, name, body } of schemaBlocks(prefixed)) {
    if (keyword !== 'definition') continue;
    assert.ok(name.startsWith('acme/'));
    for (const [line, says] of definitionLines(body)) {
      const types = line.startsWith('relation') ? says.split(' | ') : [];
      for (const type of types) assert.match(type, /^acme\/\w+( with expiration)?$/);
    }
  }
});
