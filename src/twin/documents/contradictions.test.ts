import assert from 'node:assert/strict';
import { test } from 'node:test';
import { record } from '../fhir/test/synthea.ts';
import type { SourceRecord } from '../ports.ts';
import { clinicalData, clinicalSchema } from './clinical.ts';
import { profileData, profileSchema } from './profile.ts';
import { memberRecords, recordSet } from './records.ts';

function condition(id: string, status: string, onset: string, ended?: string): SourceRecord {
  return record({
    resourceType: 'Condition',
    id,
    code: {
      coding: [{ system: 'http://snomed.info/sct', code: '38341003' }],
      text: 'Hypertension',
    },
    clinicalStatus: { coding: [{ code: status }] },
    onsetDateTime: onset,
    ...(ended !== undefined && { abatementDateTime: ended }),
  });
}

function clinical(...records: readonly SourceRecord[]) {
  const set = recordSet(memberRecords('m', records));
  return clinicalSchema.parse(clinicalData(set)).contradictions ?? [];
}

const CASES: readonly (readonly [string, readonly SourceRecord[], readonly string[]])[] = [
  ['one entry', [condition('a', 'active', '2017')], []],
  [
    'two entries in force',
    [condition('a', 'active', '2017'), condition('b', 'active', '2019')],
    ['Hypertension: several entries'],
  ],
  [
    'in force and resolved at one time',
    [condition('a', 'active', '2017'), condition('b', 'resolved', '2016', '2018')],
    ['Hypertension: several entries'],
  ],
  [
    'one episode after the other',
    [condition('a', 'active', '2020-01-01'), condition('b', 'resolved', '2016', '2018-01-01')],
    [],
  ],
  [
    'active, and ended',
    [condition('a', 'active', '2017', '2018-03-01')],
    ['Hypertension: active, and ended'],
  ],
];

for (const [name, records, wanted] of CASES) {
  test(`B-TW-6: conditions with ${name}`, () => {
    assert.deepEqual(
      clinical(...records).map(({ about }) => about),
      wanted,
    );
  });
}

test('no known allergy beside an allergy is shown with both', () => {
  const allergy = (id: string, code: string, text: string) =>
    record({ resourceType: 'AllergyIntolerance', id, code: { coding: [{ code }], text } });
  const found = clinical(
    allergy('a', '716186003', 'No known allergy'),
    allergy('b', '91936005', 'Penicillin'),
  );
  assert.deepEqual(
    found[0]?.says.map(({ title }) => title),
    ['No known allergy', 'Penicillin'],
  );
});

test('B-TW-6: two birth dates of one person stand side by side; the record in force leads', () => {
  const patient = (id: string, birthDate: string, more = {}) =>
    record({ resourceType: 'Patient', id, birthDate, name: [{ family: 'Doe' }], ...more });
  const set = recordSet(
    memberRecords('m', [
      patient('a', '1974-03-14', { link: [{ type: 'replaced-by', other: {} }] }),
      patient('m', '1974-04-13'),
    ]),
  );
  const { identity, contradictions } = profileSchema.parse(profileData(set));
  assert.equal(identity?.birthDate, '1974-04-13');
  assert.deepEqual(
    contradictions?.map(({ about, says }) => [about, says.map(({ title }) => title)]),
    [['birth date', ['1974-04-13', '1974-03-14']]],
  );
});
