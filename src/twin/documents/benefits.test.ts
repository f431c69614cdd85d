import assert from 'node:assert/strict';
import { test } from 'node:test';
import { record } from '../fhir/test/synthea.ts';
import type { ResourceJson, SourceRecord } from '../ports.ts';
import { coverageData, coverageSchema } from './coverage.ts';
import { memberRecords, recordSet } from './records.ts';

function coverageOf(...records: readonly SourceRecord[]) {
  return coverageSchema.parse(coverageData(recordSet(memberRecords('m', records))));
}

const usd = (value: number) => ({ value, currency: 'USD' });
const coded = (code: string) => ({ coding: [{ code }] });

function answer(id: string, created: string, more: Record<string, unknown>): SourceRecord {
  const resource = { resourceType: 'CoverageEligibilityResponse', id, status: 'active', created };
  return record({ ...resource, outcome: 'complete', ...more } as ResourceJson & { id: string });
}

const insurance = (more: Record<string, unknown>) => [
  { coverage: { reference: 'Coverage/v' }, inforce: true, ...more },
];
const item = (benefit: unknown[], more: Record<string, unknown> = {}) => ({
  category: { text: 'Health plan coverage' },
  network: { text: 'In network' },
  unit: { text: 'Individual' },
  benefit,
  ...more,
});

test('what is left of a benefit is stated where the payer states it, else derived', () => {
  const remaining = {
    url: 'http://hl7.org/fhir/us/davinci-pct/StructureDefinition/benefit-remaining',
    valueMoney: usd(70),
  };
  const { benefits } = coverageOf(
    answer('e', '2026-02-01', {
      insurance: insurance({
        item: [
          item([
            { type: coded('deductible'), allowedMoney: usd(500), usedMoney: usd(420) },
            { type: coded('out-of-pocket'), allowedMoney: usd(3000), extension: [remaining] },
            { type: coded('copay'), allowedMoney: usd(25) },
            { type: coded('copay-percent'), allowedUnsignedInt: 20 },
            {
              type: { ...coded('visit'), text: 'Visits' },
              allowedUnsignedInt: 30,
              usedUnsignedInt: 4,
            },
          ]),
          item([], { excluded: true, authorizationRequired: true }),
        ],
      }),
    }),
  );
  const told = benefits.map((one) => [one.kind, one.value, one.total, one.used, one.remaining]);
  assert.deepEqual(told, [
    ['deductible', undefined, '500.00 USD', '420.00 USD', '80.00 USD'],
    ['out-of-pocket maximum', undefined, '3000.00 USD', undefined, '70.00 USD'],
    ['copay', '25.00 USD', undefined, undefined, undefined],
    ['coinsurance', '20 %', undefined, undefined, undefined],
    ['limit', undefined, '30', '4', '26'],
    ['other', undefined, undefined, undefined, undefined],
  ]);
  assert.deepEqual(
    benefits.slice(0, 2).map(({ remainingIs }) => remainingIs),
    ['derived', 'stated'],
  );
  assert.equal(benefits[0]?.title, 'Deductible, Individual, In network, Health plan coverage');
  assert.deepEqual([benefits[5]?.excluded, benefits[5]?.authorizationRequired], [true, true]);
});

test('copays of the coverage record are told with their plan', () => {
  const { benefits, benefitsNote } = coverageOf(
    record({
      resourceType: 'Coverage',
      id: 'v',
      status: 'active',
      class: [{ type: coded('plan'), value: 'G', name: 'Gold' }],
      costToBeneficiary: [
        { type: { ...coded('gpvisit'), text: 'GP Office Visit' }, valueMoney: usd(25) },
        { type: coded('maxoutofpocket'), valueMoney: usd(3000) },
        { type: coded('copaypct'), valueQuantity: { value: 20, unit: '%' } },
      ],
    }),
  );
  assert.deepEqual(
    benefits.map(({ title, value, total, plan, basis }) => [title, value ?? total, plan, basis]),
    [
      ['Copay, GP Office Visit', '25.00 USD', 'Gold', 'coverage record'],
      ['Out-of-pocket maximum', '3000.00 USD', 'Gold', 'coverage record'],
      ['Coinsurance', '20 %', 'Gold', 'coverage record'],
    ],
  );
  assert.equal(benefitsNote, undefined);
});

test('the newest answer about a plan counts; two of one time that differ are shown', () => {
  const deductible = (used: number) =>
    insurance({
      item: [item([{ type: coded('deductible'), allowedMoney: usd(500), usedMoney: usd(used) }])],
    });
  const { benefits, contradictions } = coverageOf(
    answer('old', '2026-01-01', { insurance: deductible(10) }),
    answer('a', '2026-02-01', { insurance: deductible(20) }),
    answer('b', '2026-02-01', { insurance: deductible(30) }),
    answer('void', '2026-03-01', { status: 'cancelled', insurance: deductible(99) }),
  );
  assert.deepEqual(
    benefits.map(({ used }) => used),
    ['20.00 USD', '30.00 USD'],
  );
  assert.equal(contradictions?.[0]?.says.length, 2);
});

const STATES: readonly (readonly [string, Record<string, unknown>, string])[] = [
  ['in force', { insurance: [{ inforce: true }] }, 'active'],
  ['not in force', { insurance: [{ inforce: false }] }, 'inactive'],
  ['unsaid', { insurance: [{}] }, 'unknown'],
  ['an error', { outcome: 'error', insurance: [{ inforce: true }] }, 'unknown'],
  ['under way', { outcome: 'queued' }, 'processing'],
];

for (const [name, more, status] of STATES) {
  test(`eligibility that is ${name} is ${status}`, () => {
    const { eligibility } = coverageOf(answer('e', '2026-02-01T10:00:00Z', more));
    assert.deepEqual([eligibility.status, eligibility.checkedAt], [status, '2026-02-01T10:00:00Z']);
  });
}

test('an error of the payer comes with what to do', () => {
  const { eligibility } = coverageOf(
    answer('e', '2026-02-01', {
      outcome: 'error',
      error: [{ code: coded('75') }, { code: coded('__proto__') }],
    }),
  );
  const [known, unknown] = eligibility.errors ?? [];
  assert.match(known?.says ?? '', /75|does not find/);
  assert.match(known?.whatToDo ?? '', /card/);
  assert.match(unknown?.whatToDo ?? '', /check again/);
});

test('where the newest answer does not say, the last one that did is told beside it', () => {
  const { eligibility } = coverageOf(
    answer('a', '2026-01-01', { insurance: [{ inforce: false }] }),
    answer('b', '2026-02-01', { insurance: [{ inforce: true }] }),
    answer('c', '2026-03-01', { outcome: 'error', error: [{ code: coded('42') }] }),
  );
  assert.deepEqual([eligibility.status, eligibility.checkedAt], ['unknown', '2026-03-01']);
  assert.deepEqual(
    [eligibility.lastKnown?.status, eligibility.lastKnown?.checkedAt],
    ['active', '2026-02-01'],
  );
});

test('answers about several plans are told plan by plan', () => {
  const about = (display: string, inforce: boolean) => [{ coverage: { display }, inforce }];
  const { eligibility } = coverageOf(
    answer('a', '2026-01-01', { insurance: about('Gold', false) }),
    answer('b', '2026-02-01', { insurance: about('Gold', true) }),
    answer('c', '2026-01-15', { insurance: about('Dental', false) }),
  );
  assert.deepEqual(
    eligibility.byPlan?.map(({ plan, status, checkedAt }) => [plan, status, checkedAt]),
    [
      ['Gold', 'active', '2026-02-01'],
      ['Dental', 'inactive', '2026-01-15'],
    ],
  );
});

test('a coverage record and the payer that disagree stand side by side', () => {
  const plan = record({ resourceType: 'Coverage', id: 'v', status: 'active' });
  const { contradictions } = coverageOf(
    plan,
    answer('e', '2026-02-01', { insurance: insurance({ inforce: false }) }),
  );
  assert.deepEqual(
    contradictions?.[0]?.says.map(({ title }) => title),
    ['The payer says that the coverage is not in force.', 'The coverage record is active.'],
  );
});
