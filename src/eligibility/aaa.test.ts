import assert from 'node:assert/strict';
import { test } from 'node:test';
import rejections from '../twin/documents/rejections.json' with { type: 'json' };
import table from './aaa.json' with { type: 'json' };
import { actionOf, strictest } from './aaa.ts';
import type { Rejection } from './model.ts';

const said = (code: string, followUp?: string): Rejection => ({
  code,
  loop: 'subscriber',
  path: 'segment 9',
  ...(followUp && { followUp }),
});

/** Issue 9's table (eligibility.md §1.7): code, follow-up action, what the broker does. */
const ROWS: readonly (readonly [string, string, string, boolean, string | undefined])[] = [
  ['42', 'R', 'quick', true, undefined],
  ['42', 'P', 'quick', true, undefined],
  ['42', 'Y', 'later', true, undefined],
  ['42', 'N', 'never', true, undefined],
  ['42', 'W', 'never', true, undefined],
  ['80', 'P', 'quick', true, undefined],
  ['79', 'C', 'once', false, 'connection'],
  ['79', 'N', 'once', false, 'connection'],
  ['41', 'N', 'never', false, 'provider'],
  ['43', 'C', 'never', false, 'provider'],
  ['51', 'C', 'never', false, 'provider'],
  ['71', 'C', 'never', false, 'member'],
  ['72', 'C', 'never', false, 'member'],
  ['73', 'R', 'never', false, 'member'],
  ['75', 'C', 'never', false, 'member'],
  ['76', 'C', 'never', false, 'member'],
  ['62', 'C', 'never', false, 'date'],
  ['33', 'N', 'never', false, 'request'],
  ['Z9', '', 'never', false, 'request'],
];

for (const [code, followUp, retry, payerIll, work] of ROWS) {
  test(`AAA ${code} with follow-up ${followUp || 'none'}: ${retry}`, () => {
    const action = actionOf(said(code, followUp));
    assert.deepEqual([action.retry, action.payerIll, action.work], [retry, payerIll, work]);
  });
}

test('a payer that asks to wait is given its days', () => {
  assert.equal(actionOf(said('42', 'W')).waitDays, 30);
  assert.equal(actionOf(said('75', 'X')).waitDays, 10);
});

test('of several refusals the strictest counts', () => {
  assert.equal(strictest([said('42', 'R'), said('73', 'C')]).retry, 'never');
  assert.equal(strictest([said('42', 'R'), said('80', 'P')]).retry, 'quick');
});

test('only who was not found may be kept as not found', () => {
  assert.deepEqual(
    ['75', '67', '77', '42', '73'].map((code) => actionOf(said(code)).notFound),
    [true, true, true, false, false],
  );
});

test('each code of the table has words for people, and the reverse', () => {
  const known = new Set([...table.transient, ...Object.values(table.work).flat()]);
  assert.deepEqual([...known].toSorted(), Object.keys(rejections.codes).toSorted());
});
