import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { IndexRow } from '../ports.ts';
import { byFocus, partsOf } from '../render/parts.ts';
import { meaningOf } from './meaning.ts';
import { rank } from './rank.ts';
import { termsOf } from './terms.ts';

function row(title: string, over: Partial<IndexRow> = {}): IndexRow {
  return {
    uri: `mcp://twins/member/a/clinical/Condition/${title.replace(/\W+/g, '-')}`,
    subject: { kind: 'member', id: 'a' },
    section: 'clinical',
    type: 'Condition',
    sensitive: false,
    kind: 'fact',
    title,
    text: title,
    codes: '',
    date: '2026-01-01',
    data: {},
    ...over,
  };
}

test('terms are words and codes, without the words of a question', () => {
  assert.deepEqual(termsOf('What was the last Hemoglobin A1c (4548-4)?'), [
    'hemoglobin',
    'a1c',
    '4548-4',
  ]);
});

test('a query of stop words alone still means its words', () => {
  assert.deepEqual(termsOf('who is it'), ['who', 'is', 'it']);
});

test('terms hold letters, digits and hyphens only, and are bounded', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (query) => {
      const terms = termsOf(query);
      assert.ok(terms.length <= 16);
      for (const term of terms) assert.match(term, /^[\p{L}\p{N}-]+$/u);
    }),
  );
});

test('a title match ranks before a match in the text, a code before both', () => {
  const rows = [
    row('Asthma', { text: 'seen with diabetes' }),
    row('Diabetes mellitus'),
    row('Finding', { codes: 'diabetes' }),
  ];
  const titles = rank(rows, meaningOf('diabetes')).map(({ row: { title } }) => title);
  assert.deepEqual(titles, ['Finding', 'Diabetes mellitus', 'Asthma']);
});

test('of two equal facts the newer comes first', () => {
  const rows = [row('A1c', { date: '2020-01-01', uri: 'old' }), row('A1c', { uri: 'new' })];
  assert.deepEqual(
    rank(rows, meaningOf('a1c')).map(({ row: { uri } }) => uri),
    ['new', 'old'],
  );
});

test('the order does not depend on the order of candidates', () => {
  const rows = ['A1c one', 'A1c two', 'Glucose', 'A1c'].map((title) => row(title));
  const once = rank(rows, meaningOf('a1c'));
  fc.assert(
    fc.property(fc.shuffledSubarray(rows, { minLength: rows.length }), (shuffled) => {
      assert.deepEqual(rank(shuffled, meaningOf('a1c')), once);
    }),
  );
});

test('a lay word brings what it means to the front of a document', () => {
  const labs = ['Sodium', 'Low Density Lipoprotein Cholesterol', 'Cholesterol in HDL'];
  const [first] = byFocus(partsOf({ labs: labs.map((title) => ({ title })) }), 'bad cholesterol');
  assert.deepEqual(first?.value, { title: labs[1] });
  const codes = [
    { title: 'Test', codes: ['LOINC 718-7'] },
    { title: 'Test', codes: ['LOINC 4548-4'] },
  ];
  const [coded] = byFocus(partsOf({ labs: codes }), 'long term sugar');
  assert.deepEqual(coded?.value, codes[1]);
});
