import assert from 'node:assert/strict';
import { test } from 'node:test';
import express, { type Request } from 'express';
import { integerOf, queryOf, required } from './query.ts';

/** A request as Express parses it, with the parser that the plain routes use. */
function asked(search: string): Request {
  const app = express();
  app.set('query parser', 'simple');
  const req = { app, url: `/v1/x?${search}` };
  return Object.setPrototypeOf(req, app.request) as Request;
}

test('known parameters, each given once, are taken as they were sent', () => {
  assert.deepEqual({ ...queryOf(asked('a=1&b=x%20y'), ['a', 'b', 'c']) }, { a: '1', b: 'x y' });
  assert.deepEqual({ ...queryOf(asked(''), ['a']) }, {});
});

for (const search of [
  'x=1',
  'a=1&x',
  'A=1',
  'a%00=1',
  'a[]=1',
  'a[b]=1',
  '__proto__=1',
  'toString=1',
]) {
  test(`P10: ${search} is refused, and the unknown name is not repeated`, () => {
    assert.throws(() => queryOf(asked(search), ['a']), {
      code: 'INVALID_ARGUMENT',
      message: 'A parameter is unknown; known are a.',
    });
  });
}

test('P10: a parameter given twice is refused', () => {
  assert.throws(() => queryOf(asked('a=1&a=1'), ['a']), { code: 'INVALID_ARGUMENT' });
  assert.throws(() => queryOf(asked('a=1&a=2'), ['a', 'b']), /Parameter a: given more than once/);
});

test('where no parameter is known, any is refused', () => {
  assert.throws(() => queryOf(asked('a=1'), []), /there is none/);
});

test('what is required is there, and not empty', () => {
  assert.equal(required(queryOf(asked('q=1'), ['q']), 'q'), '1');
  for (const search of ['', 'q=', 'q']) {
    assert.throws(() => required(queryOf(asked(search), ['q']), 'q'), /Parameter q: missing/);
  }
});

test('a whole number within its bounds, both included', () => {
  for (const [text, number] of [
    ['1', 1],
    ['50', 50],
    ['007', 7],
  ] as const) {
    assert.equal(integerOf('limit', text, 1, 50), number);
  }
  assert.equal(integerOf('limit', undefined, 1, 50), undefined);
});

for (const text of [
  '0',
  '51',
  '-1',
  '1.5',
  '1e1',
  '0x10',
  ' 1',
  '1 ',
  '',
  '9'.repeat(10),
  '١',
  'NaN',
]) {
  test(`P10: ${JSON.stringify(text)} is no whole number from 1 to 50`, () => {
    assert.throws(() => integerOf('limit', text, 1, 50), {
      code: 'INVALID_ARGUMENT',
      message: 'Parameter limit: must be a whole number from 1 to 50.',
    });
  });
}
