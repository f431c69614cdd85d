import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SECTIONS, type Section } from '../../../contract/uris.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import type { IndexRow } from '../../ports.ts';
import { type Answer, answerTo, type MemberFacts } from './index.ts';

const TODAY = '2026-11-24';

function fact(
  type: string,
  title: string,
  date: string,
  data: JsonObject = {},
  codes = '',
): IndexRow {
  const section: Section =
    type === 'Claim' ? 'financial' : type.startsWith('Care') ? 'care' : 'clinical';
  return {
    uri: `mcp://twins/member/a/${section}/${type}/${title.replace(/\W+/g, '-')}-${date}`,
    subject: { kind: 'member', id: 'a' },
    section,
    type,
    sensitive: false,
    kind: 'fact',
    title,
    text: type === 'Observation' ? 'Lab result' : type,
    codes,
    date,
    data,
  };
}

const ROWS: readonly IndexRow[] = [
  fact('Observation', 'Hemoglobin A1c', '2026-07-05', { value: '6.4 %' }, '4548-4'),
  fact('Observation', 'Hemoglobin A1c', '2025-06-29', { value: '6.1 %' }, '4548-4'),
  fact('Observation', 'Glucose', '2026-07-05', { value: '122.879 mg/dL' }, '2339-0'),
  fact(
    'Condition',
    'Essential hypertension (disorder)',
    '2024-06-23',
    { status: 'active' },
    '59621000',
  ),
  fact('Condition', 'Stress (finding)', '2026-01-01', { status: 'active' }),
  fact('Condition', 'Acute bronchitis (disorder)', '2025-01-01', { status: 'resolved' }),
  fact('MedicationRequest', 'Lisinopril 10 MG', '2026-07-05', { status: 'active' }),
  fact('MedicationRequest', 'Amoxicillin 250 MG', '2020-01-01', { status: 'stopped' }),
  fact('Encounter', 'Check up', '2025-03-01', { at: '2025-03-01T09:00:00Z', where: 'LYNN CLINIC' }),
  fact('Encounter', 'Check up', '2025-03-01', {
    at: '2025-03-01T11:00:00Z',
    where: 'SHORE HOSPITAL',
  }),
  fact('Encounter', 'Admission', '2024-03-01', { class: 'emergency', where: 'SHORE HOSPITAL' }),
  fact('Procedure', 'Colonoscopy', '2022-06-19', { status: 'completed' }, '73761001'),
  fact('Procedure', 'Colonoscopy', '2025-06-19', { status: 'not-done' }, '73761001'),
  fact('Claim', 'Claim', '2025-03-01', { billed: '0.10 USD', services: 'Check up' }),
  fact('Claim', 'Claim', '2025-04-01', { billed: '0.20 USD', services: 'Colonoscopy' }),
  fact('Claim', 'Prior authorization', '2025-05-01', { billed: '900.00 USD' }),
];

function factsIn(sections: readonly Section[] = SECTIONS): MemberFacts {
  return {
    sections: new Set(sections),
    facts: (types) =>
      ROWS.filter(({ type, section }) => types.includes(type) && sections.includes(section)),
    document: () => undefined,
  };
}

const ask = (query: string, facts = factsIn()): Answer | undefined => answerTo(query, facts, TODAY);
const said = (query: string): string => {
  const { title, items } = ask(query) ?? { title: '', items: [] };
  return `${title}: ${items.join('; ')}`;
};

test('the latest value, with the one before and its direction, from its own record', () => {
  const answer = ask('What does the long-term sugar test say?');
  assert.deepEqual(answer?.items, ['6.4 % on 2026-07-05 (before: 6.1 % on 2025-06-29; rising)']);
  assert.equal(answer?.sources[0], ROWS[0]?.uri);
  assert.equal(answer?.whole, false);
});

/** Guards: a goal with fewer words was answered in place of the measurement that it names. */
test('a value is asked of measurements, not of the goals that name them', () => {
  const title = 'Hemoglobin A1c/Hemoglobin.total in Blood';
  const rows = [
    fact('Observation', title, '2026-08-19', { value: '8.1 %' }, '4548-4'),
    fact('Goal', 'Hemoglobin A1c below 7 %', '2024-02-12', { status: 'active' }),
  ];
  const facts = { ...factsIn(), facts: () => rows };
  assert.deepEqual(ask('What is her latest A1c?', facts)?.items, ['8.1 % on 2026-08-19']);
});

test('numbers are told with two decimals', () => {
  assert.match(said('glucose'), /122\.88 mg\/dL on 2026-07-05/);
});

test('what is in force, disorders before findings', () => {
  const items = ask('Which health problems are active?')?.items ?? [];
  assert.match(items[0] ?? '', /^Essential hypertension/);
  assert.match(items[1] ?? '', /^Stress/);
  assert.equal(items.length, 2);
});

test('active medications only, unless the past is asked for', () => {
  assert.match(said('What does she take?'), /Lisinopril/);
  assert.doesNotMatch(said('What does she take?'), /Amoxicillin/);
  assert.match(said('Which medications were stopped?'), /Amoxicillin/);
});

test('the last visit is the last of its day', () => {
  assert.match(ask('When was the last visit, and where?')?.items[0] ?? '', /SHORE HOSPITAL/);
});

test('a count over a period', () => {
  assert.match(said('How many visits were there in 2025?'), /in 2025 \(2 of 2\)/);
});

test('an emergency is known by its class', () => {
  assert.match(said('last ER visit'), /2024-03-01/);
});

test('what was not done is no procedure', () => {
  assert.match(said('Has there been a colonoscopy?'), /2022-06-19/);
  assert.doesNotMatch(said('Has there been a colonoscopy?'), /2025/);
});

test('money is summed in hundredths, of what is billed', () => {
  assert.match(said('What was billed in 2025?'), /0\.30 USD in 2025 over 2 claims/);
  assert.match(said('What did the colonoscopy cost?'), /0\.20 USD/);
});

test('lay words name conditions and their onset', () => {
  assert.match(said('Since when does she have high blood pressure?'), /since 2024-06-23/);
});

test('where the record has no such condition, the measurement answers', () => {
  assert.match(said('Is her blood sugar high?'), /122\.88/);
});

test('a thing that the record does not have is said to be missing', () => {
  assert.match(said('last mammogram?'), /nothing of this name/);
});

test('nothing is said of a section that may not be read', () => {
  const facts = factsIn(['profile']);
  for (const query of ['A1c', 'last mammogram?', 'What was billed in 2025?', 'care plans?']) {
    assert.equal(ask(query, facts), undefined, query);
  }
});

test('a question that is not understood is not answered', () => {
  for (const query of ['How far can he walk?', 'zebra', '', '???', 'NEAR(a b)']) {
    assert.equal(ask(query), undefined, query);
  }
});
