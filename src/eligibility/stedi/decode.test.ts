import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Json, JsonObject } from '../../kernel/json.ts';
import { decodeLegacy } from './legacy.ts';
import { decodePlans } from './plans.ts';

test('the published answer of 2024-04-01: every element that is described', () => {
  const json = {
    id: 'ec_1',
    meta: { traceId: 'T1', outboundTraceId: 'T1' },
    payer: { name: 'UNITEDHEALTHCARE', payorIdentification: '87726' },
    dependents: [{ firstName: 'Jane', lastName: 'Doe', dateOfBirth: '19521121' }],
    planDateInformation: { plan: '20240101-20241231', premiumPaidtoDateBegin: '20240201' },
    benefitsInformation: [
      {
        ...{ code: 'F', coverageLevelCode: 'IND', serviceTypeCodes: ['33', 'XX9'] },
        ...{ timeQualifierCode: '23', quantityQualifierCode: 'VS', benefitQuantity: '20' },
        ...{ authOrCertIndicator: 'Y', inPlanNetworkIndicatorCode: 'Y', benefitPercent: 0.2 },
        additionalInformation: [{ description: 'HIGHEST BENEFIT' }],
        benefitsDateInformation: { dateOfLastUpdate: '20240731' },
        benefitsServiceDelivery: [{ quantityQualifierCode: 'VS', quantity: '2' }],
        eligibilityAdditionalInformation: { codeListQualifierCode: 'ZZ', industryCode: '11' },
        benefitsRelatedEntity: {
          ...{ entityIdentifier: 'Payer', entityName: 'UHC', entityIdentificationValue: '87726' },
          contactInformation: {
            contacts: [{ communicationMode: 'Telephone', communicationNumber: '5550100' }],
          },
        },
      },
    ],
  };
  const { benefits, dates, dependent, traceIds, faults } = decodeLegacy(json, '');
  assert.deepEqual(benefits[0], {
    path: 'benefitsInformation[0]',
    ...{ code: 'F', level: 'IND', serviceTypes: ['33', 'XX9'], period: '23', percent: '0.2' },
    ...{ quantityKind: 'VS', quantity: '20', authorization: 'Y', network: 'Y' },
    ...{ dates: [{ qualifier: '636', start: '2024-07-31' }], messages: ['HIGHEST BENEFIT'] },
    ...{ deliveries: ['VS*2'], places: ['ZZ*11'] },
    related: [{ role: 'PR', name: 'UHC', id: '87726', contacts: ['TE 5550100'] }],
  });
  assert.deepEqual(dates, [
    { qualifier: '291', start: '2024-01-01', end: '2024-12-31' },
    { qualifier: '342', start: '2024-02-01' },
  ]);
  assert.deepEqual([dependent?.dateOfBirth, traceIds, faults], ['1952-11-21', ['T1'], []]);
});

test('2026-06-01: what the clearinghouse calls invalid was said nevertheless, and refusals stand once', () => {
  const service = { system: 'STC', value: '30' };
  const json = {
    payerId: '1',
    plans: [
      {
        name: 'Gold',
        benefits: {
          statuses: [{ status: 'ACTIVE_COVERAGE', service }],
          invalidEntries: { deductible: [{ coverageLevel: 'FAMILY', service }] },
        },
      },
    ],
    errors: [
      { code: '75', followupAction: 'Please Correct and Resubmit', location: 'SUBSCRIBER' },
      { code: '75', followupAction: 'Please Correct and Resubmit', location: 'SUBSCRIBER' },
      { code: 'internal', location: 'ENVELOPE' },
    ],
  };
  const { benefits, rejections } = decodePlans(json, '');
  assert.deepEqual(
    benefits.map(({ code, level, planName, path }) => [code, level, planName, path]),
    [
      ['1', undefined, 'Gold', 'plans[0].benefits.statuses[0]'],
      ['C', 'FAM', 'Gold', 'plans[0].benefits.invalidEntries.deductible[0]'],
    ],
  );
  assert.deepEqual(rejections, [
    { code: '75', followUp: 'C', loop: 'subscriber', path: 'errors[0]' },
  ]);
});

const KEYS = [
  ...['benefitsInformation', 'plans', 'benefits', 'statuses', 'deductible', 'code', 'status'],
  ...['serviceTypeCodes', 'benefitAmount', 'amount', 'service', 'value', 'system', 'dates', 'plan'],
  ...['start', 'end', 'subscriber', 'dependents', 'aaaErrors', 'errors', 'payer', 'name', 'person'],
  ...[
    'planDateInformation',
    'meta',
    'additionalInformation',
    'relatedEntities',
    'type',
    'contacts',
  ],
];
const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, depthSize: 'medium' },
    fc.constantFrom<Json>('1', 'C', '30', 'ACTIVE_COVERAGE', 'PAYER', '20260101', '2026-01-01'),
    fc.oneof(fc.double({ noNaN: true }), fc.boolean(), fc.constant(null), fc.string()),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...KEYS), tie('tree'), { maxKeys: 8 }),
  ),
}));

test('B-EL-2: whatever the JSON is made of, reading it never fails and invents no benefit', () => {
  const body = fc.dictionary(fc.constantFrom(...KEYS), tree, { maxKeys: 10 });
  fc.assert(
    fc.property(body, (json) => {
      for (const decode of [decodeLegacy, decodePlans]) {
        for (const { path, amount } of decode(json as JsonObject, '').benefits) {
          const said = at(json as JsonObject, path);
          assert.ok(typeof said === 'object' && said !== null);
          if (amount !== undefined) assert.ok(JSON.stringify(said).includes(amount));
        }
      }
    }),
    { numRuns: 400, verbose: 1 },
  );
});

/** The element at a path such as `plans[0].benefits.deductible[1]`; one object may stand for a list. */
function at(json: Json, path: string): Json | undefined {
  return path.split(/[.[\]]+/).reduce<Json | undefined>((found, key) => {
    if (key === '') return found;
    if (/^\d+$/.test(key)) return Array.isArray(found) ? objects(found)[Number(key)] : found;
    return found !== null && typeof found === 'object' ? (found as JsonObject)[key] : undefined;
  }, json);
}

function objects(list: readonly Json[]): Json[] {
  return list.filter((one) => typeof one === 'object' && one !== null && !Array.isArray(one));
}
