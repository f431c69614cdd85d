import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Ask, understand } from './questions.ts';
import { isTypo, stem } from './words.ts';

const TODAY = '2026-11-24';

const KINDS: readonly (readonly [string, Ask])[] = [
  ['What was the most recent A1c?', 'value'],
  ['How many visits in 2025?', 'count'],
  ['How often was she seen?', 'count'],
  ['When was the last colonoscopy?', 'when'],
  ['Since when has he had asthma?', 'since'],
  ['How long have they had anemia?', 'since'],
  ['When was asthma first diagnosed?', 'since'],
  ['Has the weight gone up or down?', 'trend'],
  ['Who is the primary doctor?', 'who'],
  ['Where was the last visit?', 'where'],
  ['How much was billed in 2024?', 'amount'],
];

for (const [query, ask] of KINDS) {
  test(`${query} asks for: ${ask}`, () => assert.equal(understand(query, TODAY).ask, ask));
}

const CONCEPTS: readonly (readonly [string, readonly string[]])[] = [
  ['bad cholesterol', ['LDL cholesterol']],
  ['How high is the cholesterol?', ['total cholesterol']],
  ['high blood pressure since when', ['hypertension']],
  ['blood pressure', ['blood pressure']],
  ['blood pressure pills', ['blood pressure medicine']],
  ['flu shots', ['influenza vaccine']],
  ['When was depression last screened for?', ['depression screening']],
  ['cholestrol', ['total cholesterol']],
];

for (const [query, concepts] of CONCEPTS) {
  test(`"${query}" is about ${concepts.join()} alone`, () => {
    const names = understand(query, TODAY).concepts.map(({ meaning }) => meaning.name);
    assert.deepEqual(names, concepts);
  });
}

test('the parts of a phrase stand ready for records that do not have the whole', () => {
  const names = understand('high blood pressure', TODAY).lesser.map(({ meaning }) => meaning.name);
  assert.deepEqual(names, ['blood pressure']);
});

const PERIODS: readonly (readonly [string, string, string])[] = [
  ['visits in 2025', '2025-01-01', '2025-12-31'],
  ['visits last year', '2025-01-01', '2025-12-31'],
  ['visits in March 2024', '2024-03-01', '2024-03-31'],
  ['visits between 2019 and 2021', '2019-01-01', '2021-12-31'],
  ['visits since 2020', '2020-01-01', TODAY],
  ['visits in the past 2 years', '2024-11-23', TODAY],
  ['visits before 2020', '', '2019-12-31'],
];

for (const [query, from, to] of PERIODS) {
  test(`${query}: from ${from || 'the beginning'} to ${to}`, () => {
    const { period } = understand(query, TODAY);
    assert.deepEqual([period?.from, period?.to], [from, to]);
  });
}

test('a code is no year, and a year no word', () => {
  assert.equal(understand('code 2093-3', TODAY).period, undefined);
  assert.deepEqual(understand('bills in 2025', TODAY).words, ['bill']);
});

test('only what nobody knows is taken for a mistyped word', () => {
  const words = (known: boolean) => understand('colonoscpy', TODAY, () => known).words;
  assert.deepEqual(words(false), ['colonoscopy']);
  assert.deepEqual(words(true), ['colonoscpy']);
});

test('words of up to four letters are never corrected, long ones by two letters at most', () => {
  assert.ok(!isTypo('gout', 'goat'));
  assert.ok(isTypo('cholestrol', 'cholesterol'));
  assert.ok(!isTypo('insulin', 'inhaler'));
});

test('one stem for the forms of a word', () => {
  const forms = ['screen', 'screens', 'screened', 'screening'].map(stem);
  assert.equal(new Set(forms).size, 1);
});

test('any text is read, bounded, without a fault', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (query) => {
      const { words } = understand(query, TODAY);
      assert.ok(words.length <= 16);
      for (const word of words) assert.match(word, /^[\p{L}\p{N}]+$/u);
    }),
  );
});
