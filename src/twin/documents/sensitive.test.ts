import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '../../kernel/json.ts';
import list from './sensitive.json' with { type: 'json' };
import { isProtected, protectedKeys } from './sensitive.ts';

const SNOMED = 'http://snomed.info/sct';
const ICD = 'http://hl7.org/fhir/sid/icd-10-cm';

function coded(system: string, code: string, text = 'Something'): JsonObject {
  return { resourceType: 'Condition', code: { coding: [{ system, code }], text } };
}

const PROTECTED: readonly (readonly [string, JsonObject])[] = [
  ...['ETH', 'PSY', 'HIV', 'SDV', 'SEX', 'R', 'V'].map((code): [string, JsonObject] => [
    `the label ${code}`,
    { meta: { security: [{ code }] } },
  ]),
  ['a label of a contained resource', { contained: [{ meta: { security: [{ code: 'PSY' }] } }] }],
  [
    'a label inside the record',
    {
      securityLabel: [
        {
          coding: [
            { system: 'http://terminology.hl7.org/CodeSystem/v3-Confidentiality', code: 'R' },
          ],
        },
      ],
    },
  ],
  ['a SNOMED code', coded(SNOMED, '75544000')],
  ['a code without system', coded('', '75544000')],
  ['an ICD-10-CM code under a category', coded(ICD, 'F11.20')],
  ['a code of a contained resource', { contained: [coded(SNOMED, '86406008')] }],
  ['a medication of the list by name', { medicationCodeableConcept: { text: 'Methadone 5 MG' } }],
  ['a word of the list by its beginning', { note: [{ text: 'She is pregnant.' }] }],
];

for (const [name, resource] of PROTECTED) {
  test(`protected by ${name}`, () => assert.equal(isProtected(resource), true));
}

const OPEN: readonly (readonly [string, JsonObject])[] = [
  ['an ordinary diagnosis', coded(SNOMED, '44054006', 'Diabetes mellitus type 2')],
  ['tobacco (42 CFR 2.11 excludes it)', coded(ICD, 'F17.210')],
  ['confidentiality normal', { meta: { security: [{ code: 'N' }] } }],
  ['screening that everybody gets', coded(SNOMED, '171207006', 'Depression screening')],
  ['a word that only begins alike', { code: { text: 'Hives of the skin' } }],
];

for (const [name, resource] of OPEN) {
  test(`open: ${name}`, () => assert.equal(isProtected(resource), false));
}

test('whatever refers to a protected record is protected, in any order and depth', () => {
  const records = [
    candidate('Claim/4', { item: [{ encounter: [{ reference: 'Encounter/3' }] }] }),
    candidate('Encounter/3', { reasonReference: [{ reference: 'Condition/1' }] }),
    candidate('Condition/1', coded(SNOMED, '86406008')),
    candidate('Observation/5', { focus: [{ reference: 'Condition/2' }] }),
    candidate('Condition/2', coded(SNOMED, '44054006')),
  ];
  const wanted = ['Claim/4', 'Condition/1', 'Encounter/3'];
  assert.deepEqual([...protectedKeys(records)].sort(), wanted);
  assert.deepEqual([...protectedKeys(records.toReversed())].sort(), wanted);
});

test('a note is protected with its encounter, and when it says what a protected record is', () => {
  const encounter = { reference: 'Encounter/e' };
  const records = [
    candidate('Condition/1', { ...coded(SNOMED, '86406008', 'Rare thing (disorder)'), encounter }),
    note('DocumentReference/same', 'Nothing special.', [encounter]),
    note('DocumentReference/telling', 'History of RARE THING.', []),
    note('DocumentReference/word', 'Takes sertraline.', []),
    note('DocumentReference/open', 'A sore throat.', []),
  ];
  assert.deepEqual([...protectedKeys(records)].sort(), [
    'Condition/1',
    'DocumentReference/same',
    'DocumentReference/telling',
    'DocumentReference/word',
  ]);
});

test('a medication that only the directory knows is recognised by its name', () => {
  const request = candidate('MedicationRequest/1', {
    medicationReference: { reference: 'Medication/x' },
  });
  const names = { 'Medication/x': 'Buprenorphine 8 MG Sublingual Tablet' };
  assert.equal(protectedKeys([{ ...request, names }]).size, 1);
});

test('the list names its sources, and every code has a display', () => {
  for (const { codes, sources } of list.categories) {
    for (const source of sources) assert.ok(Object.hasOwn(list.sources, source), source);
    for (const entry of Object.values(codes).flat()) assert.match(entry, /^[A-Z0-9-]+ \S/);
  }
});

function candidate(key: string, resource: JsonObject) {
  return { key, resource: { ...resource, resourceType: key.split('/')[0] ?? '' }, names: {} };
}

function note(key: string, text: string, encounter: JsonObject[]) {
  const data = Buffer.from(text).toString('base64');
  return candidate(key, {
    content: [{ attachment: { contentType: 'text/plain', data } }],
    context: { encounter },
  });
}
