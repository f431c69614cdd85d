import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceJson } from '../ports.ts';
import classes from './classes.json' with { type: 'json' };
import { zip3Of } from './geography.ts';
import { classOf, deidentify } from './resource.ts';
import zip3 from './zip3.json' with { type: 'json' };

const options = { year: 2026, pseudonym: (text: string) => `p${text.length}` };
const tell = (resource: ResourceJson) => deidentify(resource, options);

/** One planted value for each of the 18 identifiers, where FHIR has it, and where it should not be. */
const PLANTED: readonly (readonly [string, string, Record<string, unknown>])[] = [
  ['A', 'Zebrafield', { name: [{ family: 'Zebrafield', given: ['Ana'] }] }],
  ['B', '12 Zebra Lane', { address: [{ line: ['12 Zebra Lane'], city: 'Zebraton', state: 'NY' }] }],
  ['C', '1971-03-19', { birthDate: '1971-03-19' }],
  ['D', '555-0100', { telecom: [{ system: 'phone', value: '555-0100' }] }],
  ['E', '555-0199', { telecom: [{ system: 'fax', value: '555-0199' }] }],
  ['F', 'ana@zebra.test', { telecom: [{ system: 'email', value: 'ana@zebra.test' }] }],
  ['G', '078-05-1120', { identifier: [{ system: 'ssn', value: '078-05-1120' }] }],
  ['H', 'MRN-ZEBRA', { identifier: [{ type: { coding: [{ code: 'MR' }] }, value: 'MRN-ZEBRA' }] }],
  ['I', 'PLAN-ZEBRA', { subscriberId: 'PLAN-ZEBRA', class: [{ value: 'PLAN-ZEBRA' }] }],
  ['J', 'ACCT-ZEBRA', { account: [{ reference: 'Account/ACCT-ZEBRA' }] }],
  ['K', 'LIC-ZEBRA', { qualification: [{ identifier: [{ value: 'LIC-ZEBRA' }] }] }],
  ['L', 'PLATE-ZEBRA', { identifier: [{ system: 'plate', value: 'PLATE-ZEBRA' }] }],
  ['M', 'SERIAL-ZEBRA', { lotNumber: 'SERIAL-ZEBRA', device: { display: 'SERIAL-ZEBRA' } }],
  [
    'N',
    'zebra.example.org',
    { url: 'https://zebra.example.org/ana', photo: [{ url: 'zebra.example.org' }] },
  ],
  ['O', '10.9.8.7', { extension: [{ url: 'x', valueString: '10.9.8.7' }] }],
  ['P', 'FINGER-ZEBRA', { extension: [{ url: 'finger', valueBase64Binary: 'FINGER-ZEBRA' }] }],
  ['Q', 'FACEZEBRA', { photo: [{ contentType: 'image/png', data: 'FACEZEBRA' }] }],
  [
    'R',
    'UNIQUE-ZEBRA',
    { meta: { versionId: 'UNIQUE-ZEBRA' }, groupIdentifier: { value: 'UNIQUE-ZEBRA' } },
  ],
];
const TYPES = ['Patient', 'Condition', 'Coverage', 'Observation', 'Immunization', 'Claim'];

for (const [letter, value, more] of PLANTED) {
  const what = classes.classes[letter as keyof typeof classes.classes];
  test(`B-RT-7: ${letter}: ${what} are not told`, () => {
    for (const resourceType of TYPES) {
      const hidden = { resourceType, id: value.replaceAll(/\W/g, '-'), ...more } as ResourceJson;
      const anywhere = { ...hidden, status: value, gender: value, code: { text: value } };
      const odd = { ...anywhere, note: [{ text: value }], [value]: value, contained: [hidden] };
      const coded = {
        code: { coding: [{ system: 'http://loinc.org', code: value, display: value }] },
      };
      for (const one of [hidden, anywhere, odd, { ...hidden, ...coded }]) {
        const told = JSON.stringify(tell(one as ResourceJson));
        const digits = value.replaceAll(/\W/g, '-');
        assert.ok(!told.includes(value) && !told.includes(digits), `${resourceType}: ${told}`);
      }
    }
  });
}

test('B-RT-7: every planted class is of the table, and no class of it is missing', () => {
  const letters = Object.keys(classes.classes).filter((one) => one !== 'text');
  assert.deepEqual(
    PLANTED.map(([letter]) => letter),
    letters,
  );
  assert.deepEqual(new Set(Object.values(classes.fields)), new Set(Object.keys(classes.classes)));
  assert.deepEqual(
    [classOf('birthDate'), classOf('note'), classOf('toString')],
    ['C', 'text', undefined],
  );
});

test('B-RT-7: names in notes, dates in file names and free text are not told', () => {
  const told = JSON.stringify(
    tell({
      ...{ resourceType: 'DiagnosticReport', id: 'r1', status: 'final' },
      note: [{ text: 'Ana Zebra called', authorString: 'Dr Zebra', time: '2026-03-01' }],
      presentedForm: [{ title: 'scan-1971-03-19-zebra.pdf', url: 'file:zebra', data: 'WkVCUkE=' }],
      conclusion: 'Zebra, born 1971-03-19',
      text: { status: 'generated', div: '<div>Zebra</div>' },
    } as unknown as ResourceJson),
  );
  assert.deepEqual(JSON.parse(told), {
    resourceType: 'DiagnosticReport',
    id: 'p19',
    status: 'final',
  });
});

test('B-RT-7: ages over 89 are 90+, and no year tells one', () => {
  const person = (birthDate: string, more = {}) =>
    tell({ resourceType: 'Patient', id: 'x', birthDate, ...more } as ResourceJson);
  assert.deepEqual(person('1937-01-01'), { resourceType: 'Patient', id: 'p9', birthYear: 1937 });
  assert.deepEqual(person('1936-12-31'), { resourceType: 'Patient', id: 'p9', age: '90+' });
  assert.equal(person('1930-01-01', { deceasedDateTime: '1990-05-05' })?.birthYear, 1930);
  const coding = [{ system: 'http://loinc.org', code: '30525-0' }];
  const age = (value: number) =>
    tell({
      ...{ resourceType: 'Observation', id: 'o', code: { coding } },
      valueQuantity: { value, system: 'http://unitsofmeasure.org', code: 'a' },
    } as unknown as ResourceJson)?.valueQuantity;
  assert.deepEqual(age(89), { value: 89, code: 'a' });
  assert.deepEqual(age(97), { value: '90+', code: 'a' });
  const onset = { resourceType: 'Condition', id: 'c', onsetAge: { value: 93 } };
  assert.deepEqual(tell(onset as unknown as ResourceJson)?.onsetAge, { value: '90+' });
  const old = { resourceType: 'Condition', id: 'c', onsetDateTime: '1931-02-03' };
  assert.equal(tell(old as unknown as ResourceJson)?.onsetDateTime, undefined);
});

test('B-RT-7: of an address the state stays, and three digits where enough people live', () => {
  assert.equal(new Set(zip3.restricted).size, 17);
  assert.deepEqual(zip3Of('10025'), { zip3: '100' });
  assert.deepEqual(zip3Of('10025-1234'), { zip3: '100' });
  for (const digits of zip3.restricted) assert.deepEqual(zip3Of(`${digits}01`), { zip3: '000' });
  for (const odd of ['1002', 'EC1A 1BB', '100250', 10025, undefined])
    assert.deepEqual(zip3Of(odd), {});
  const address = [{ city: 'Zebraton', state: 'NY', postalCode: '10025' }, { state: 'CA' }];
  const told = tell({ resourceType: 'Patient', id: 'x', address } as unknown as ResourceJson);
  assert.deepEqual(told?.address, { state: 'NY', zip3: '100' });
  const town = [{ state: 'Zebraton' }];
  assert.equal(
    tell({ resourceType: 'Patient', id: 'x', address: town } as never)?.address,
    undefined,
  );
});

test('B-RT-7: what is of use stays: codes of public systems, values, years, who belongs together', () => {
  const told = tell({
    ...{ resourceType: 'Observation', id: 'hba1c-1', status: 'final' },
    subject: { reference: 'Patient/ana', display: 'Ana Zebra' },
    effectiveDateTime: '2026-03-01T10:00:00Z',
    code: { text: 'HbA1c', coding: [{ system: 'http://loinc.org', code: '4548-4', display: 'x' }] },
    valueQuantity: { value: 7.2, unit: '%', system: 'http://unitsofmeasure.org', code: '%' },
  } as unknown as ResourceJson);
  assert.deepEqual(told, {
    ...{ resourceType: 'Observation', id: 'p19', status: 'final' },
    subject: { reference: 'p11' },
    effectiveDateTime: 2026,
    code: { coding: [{ system: 'http://loinc.org', code: '4548-4' }] },
    valueQuantity: { value: 7.2, code: '%' },
  });
  assert.equal(tell({ resourceType: 'Device', id: 'd' } as ResourceJson), undefined);
});
