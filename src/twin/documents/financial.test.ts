import assert from 'node:assert/strict';
import { test } from 'node:test';
import { record } from '../fhir/test/synthea.ts';
import type { ResourceJson, SourceRecord } from '../ports.ts';
import { financialData, financialSchema } from './financial.ts';
import { memberRecords, recordSet } from './records.ts';
import { allMembers } from './test/members.ts';

type Body = Omit<ResourceJson, 'resourceType' | 'id'>;

function financial(...records: readonly SourceRecord[]) {
  return financialSchema.parse(financialData(recordSet(memberRecords('m', records))));
}

const usd = (value: number) => ({ value, currency: 'USD' });
const amount = (code: string, value: number, currency = 'USD') => ({
  category: { coding: [{ code }] },
  amount: { value, currency },
});

function eob(id: string, more: Record<string, unknown>): SourceRecord {
  const body = {
    status: 'active',
    use: 'claim',
    billablePeriod: { start: '2025-03-01' },
    created: '2025-03-05',
    ...more,
  } as unknown as Body;
  return record({ ...body, resourceType: 'ExplanationOfBenefit', id });
}

test('totals are by year and currency, newest first; sums are exact', () => {
  const { totals, owes } = financial(
    eob('1', { total: [amount('submitted', 0.1), amount('copay', 0.1)] }),
    eob('2', { total: [amount('submitted', 0.2), amount('copay', 0.2)] }),
    eob('3', { billablePeriod: { start: '2026' }, total: [amount('submitted', 5)] }),
    eob('4', { total: [amount('submitted', 7, 'CAD')] }),
  );
  assert.deepEqual(
    totals.map(({ year, currency, billed, explanations }) => [
      year,
      currency,
      billed,
      explanations,
    ]),
    [
      ['2026', 'USD', '5.00 USD', 1],
      ['2025', 'USD', '0.30 USD', 2],
      ['2025', 'CAD', '7.00 CAD', 1],
    ],
  );
  assert.match(owes.says, /^0\.30 USD for 2025: patient portion 0\.30 USD, of which .* nothing/);
});

test('what an explanation does not state is not made up', () => {
  const { totals, owes, claims } = financial(eob('1', { total: [amount('submitted', 100)] }));
  const [row] = totals;
  assert.deepEqual([row?.paid, row?.patientPortion, row?.owed], [undefined, undefined, undefined]);
  assert.equal(row?.notStated, 'allowed in 1, paid in 1, patient portion in 1');
  assert.match(owes.says, /No explanation of benefit states/);
  assert.equal(claims[0]?.patientPortion, undefined);
});

test('what the patient has paid is taken from the portion', () => {
  const { totals } = financial(
    eob('1', { total: [amount('memberliability', 80), amount('paidbypatient', 30)] }),
  );
  assert.deepEqual([totals[0]?.patientPortion, totals[0]?.owed], ['80.00 USD', '50.00 USD']);
});

test('withdrawn explanations, authorizations and replaced ones are no money', () => {
  const claim = { reference: 'Claim/c' };
  const { totals, claims, authorizations, contradictions } = financial(
    eob('void', { status: 'cancelled', total: [amount('submitted', 1_000)] }),
    eob('asked', { use: 'preauthorization', total: [amount('eligible', 500)] }),
    eob('old', { claim, created: '2025-03-05', payment: { amount: usd(10) } }),
    eob('new', { claim, created: '2025-06-05', payment: { amount: usd(20) } }),
  );
  assert.deepEqual(
    totals.map(({ explanations, paid, billed }) => [explanations, paid, billed]),
    [[1, '20.00 USD', undefined]],
  );
  assert.equal(claims.length, 3);
  assert.match(authorizations[0]?.title ?? '', /^Prior authorization/);
  assert.deepEqual(
    contradictions?.map(({ about, says }) => [about, says.map((s) => s.title)]),
    [
      [
        'several explanations of one claim; totals hold the newest',
        ['20.00 USD (paid)', '10.00 USD (paid)'],
      ],
    ],
  );
});

test('a claim without an explanation is told apart, and in no sum', () => {
  const claim = (id: string, value: number) =>
    record({
      resourceType: 'Claim',
      id,
      status: 'active',
      billablePeriod: { start: '2025-02-01' },
      total: usd(value),
    });
  const { totals, unanswered, contradictions } = financial(
    claim('c', 100),
    claim('open', 40),
    eob('1', { claim: { reference: 'Claim/c' }, total: [amount('submitted', 90)] }),
  );
  const [row] = totals;
  assert.deepEqual(
    [row?.billed, row?.unansweredClaims, row?.unansweredBilled],
    ['90.00 USD', 1, '40.00 USD'],
  );
  assert.equal(unanswered.length, 1);
  assert.deepEqual(
    contradictions?.[0]?.says.map(({ title }) => title),
    ['100.00 USD (claim)', '90.00 USD (explanation of benefit)'],
  );
});

test('CARIN’s examples: amounts wherever they stand, and what does not fit side by side', () => {
  const carin = allMembers().filter(({ set }) => set.startsWith('carin'));
  const [first, second] = carin.map(({ subject, records }) =>
    financialSchema.parse(financialData(recordSet(memberRecords(subject.id, records)))),
  );
  assert.deepEqual(
    first?.totals.map(({ year, billed, allowed, paid }) => [year, billed, allowed, paid]),
    [
      ['2022', '82.97 USD', '82.97 USD', '82.97 USD'],
      ['2020', '904.40 USD', '315.43 USD', '315.43 USD'],
      ['2017', '7147.20 USD', '1542.01 USD', '1393.57 USD'],
    ],
  );
  assert.deepEqual(
    first?.contradictions?.map(({ about }) => about),
    ['patient portion'],
  );
  const said = second?.contradictions?.map(({ about, says }) => [about, says.map((s) => s.title)]);
  assert.deepEqual(said?.[1], [
    'billed amount',
    ['2650.00 USD (total)', '1000.00 USD (items together)'],
  ]);
});
