import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../kernel/errors.ts';
import type { JsonObject } from '../../kernel/json.ts';
import type { AddressedBundle, AddressedRecord, KnownRecords } from './records.ts';
import { addressBundle } from './resolve.ts';
import {
  bundleBytes,
  bundleFiles,
  createKnown,
  readEntries,
  syntheaBundles,
} from './test/synthea.ts';

const bundles = syntheaBundles();

test('every resource of every bundle ends in exactly one place', () => {
  const kinds = { subject: 0, directory: 0 };
  for (const { bundle, count } of bundles) {
    const ignored = Object.values(bundle.ignored).reduce((sum, one) => sum + one, 0);
    assert.equal(bundle.records.length + ignored, count);
    const keys = bundle.records.map(({ type, id }) => `${type}/${id}`);
    assert.equal(new Set(keys).size, keys.length);
    for (const { home } of bundle.records) kinds[home.kind] += 1;
  }
  assert.ok(kinds.subject > 4_000 && kinds.directory > 300, JSON.stringify(kinds));
  assert.deepEqual(Object.keys(Object.assign({}, ...bundles.map((b) => b.bundle.ignored))).sort(), [
    'Provenance',
  ]);
});

test('every record of a member bundle is that member’s, and every reference is ours', () => {
  for (const { bundle } of bundles.slice(2)) {
    const [member] = bundle.members;
    assert.ok(member !== undefined && bundle.members.length === 1);
    for (const { home, resource, entry } of bundle.records) {
      if (home.kind === 'subject') assert.equal(home.subject.id, member.member);
      for (const reference of referencesOf(resource)) {
        assert.match(
          reference,
          /^(#[a-z]+|[A-Z][A-Za-z]+\/[A-Za-z0-9-]{1,64})$/,
          `entry ${entry.index}`,
        );
      }
    }
  }
});

test('names of practitioners and organizations come with the record that refers to them', () => {
  const encounters = bundles.flatMap(({ bundle }) => ofType(bundle, 'Encounter'));
  assert.ok(encounters.length > 300);
  for (const { names, resource } of encounters) {
    const directory = referencesOf(resource).filter((one) => /^(Prac|Org|Loc)/.test(one));
    assert.ok(directory.length >= 3);
    for (const reference of directory) assert.ok((names[reference] ?? '').length > 0, reference);
  }
});

test('the bundles of 2019, which hold their practitioners themselves, are addressed alone', () => {
  for (const file of bundleFiles('synthea-2019').slice(0, 5)) {
    const bundle = addressBundle(readEntries(bundleBytes(file)), createKnown());
    assert.equal(bundle.members.length, 1);
    assert.ok(bundle.records.some(({ home }) => home.kind === 'directory'));
  }
});

const patient = { resourceType: 'Patient', id: 'p' };
const encounter = {
  resourceType: 'Encounter',
  id: 'e',
  status: 'finished',
  subject: to('Patient/p'),
};

function to(reference: string): JsonObject {
  return { reference };
}

function observation(elements: JsonObject): JsonObject {
  return { resourceType: 'Observation', id: 'o', status: 'final', code: {}, ...elements };
}

function address(resources: JsonObject[], known: KnownRecords = createKnown()): AddressedBundle {
  const entry = resources.map(({ fullUrl, ...resource }) => ({
    ...(fullUrl !== undefined && { fullUrl }),
    resource,
  }));
  const text = JSON.stringify({ resourceType: 'Bundle', type: 'collection', entry });
  return addressBundle(readEntries(new TextEncoder().encode(text)), known);
}

/** Known before: member `k` with encounter `ke`, practitioner `d` with a number. */
function knowing(): KnownRecords {
  const known = createKnown();
  known.accept(
    address([
      { ...patient, id: 'k', identifier: [{ system: 's', value: 'mrn' }] },
      { ...encounter, id: 'ke', subject: to('Patient/k') },
      {
        resourceType: 'Practitioner',
        id: 'd',
        identifier: [{ system: 'npi', value: '1' }],
        name: [{ prefix: ['Dr.'], family: 'Doe' }],
      },
    ]),
  );
  return known;
}

const FOUND: readonly (readonly [string, JsonObject[], string])[] = [
  ['its subject', [patient, observation({ subject: to('Patient/p') })], 'p'],
  ['a versioned subject', [patient, observation({ subject: to('Patient/p/_history/3') })], 'p'],
  ['a URL', [patient, observation({ subject: to('https://x.example/fhir/Patient/p') })], 'p'],
  [
    'a urn',
    [{ ...patient, fullUrl: 'urn:uuid:1' }, observation({ subject: to('urn:uuid:1') })],
    'p',
  ],
  [
    'a conditional subject inside the bundle',
    [
      { ...patient, identifier: [{ system: 'http://s', value: 'a b' }] },
      observation({ subject: to('Patient?identifier=http%3A%2F%2Fs|a%20b') }),
    ],
    'p',
  ],
  ['a known conditional subject', [observation({ subject: to('Patient?identifier=s|mrn') })], 'k'],
  ['a known subject', [observation({ subject: to('Patient/k') })], 'k'],
  [
    'an encounter in the bundle',
    [patient, encounter, observation({ encounter: to('Encounter/e') })],
    'p',
  ],
  ['a known encounter', [observation({ encounter: to('Encounter/ke') })], 'k'],
  [
    'a relative as its subject',
    [
      patient,
      { resourceType: 'RelatedPerson', id: 'r', patient: to('Patient/p') },
      observation({ subject: to('RelatedPerson/r') }),
    ],
    'p',
  ],
];

for (const [name, resources, member] of FOUND) {
  test(`the member is found through ${name}`, () => {
    const [record] = ofType(address(resources, knowing()), 'Observation');
    assert.deepEqual(record?.home, { kind: 'subject', subject: { kind: 'member', id: member } });
  });
}

const REFUSED: readonly (readonly [string, JsonObject[], number, string, string])[] = [
  [
    'an unknown urn',
    [patient, observation({ subject: to('urn:uuid:9') })],
    1,
    'resource.subject.reference',
    'reference',
  ],
  [
    'an unknown identifier',
    [
      patient,
      observation({
        subject: to('Patient/p'),
        performer: [to('Practitioner?identifier=npi|2')],
      }),
    ],
    1,
    'resource.performer[0].reference',
    'reference',
  ],
  [
    'a search that is no identifier',
    [patient, observation({ subject: to('Patient?name=x') })],
    1,
    'resource.subject.reference',
    'reference',
  ],
  [
    'an identifier that two of its records carry, even where a known one does too',
    [
      { ...patient, identifier: [{ system: 's', value: 'mrn' }] },
      { ...patient, id: 'q', identifier: [{ system: 's', value: 'mrn' }] },
      observation({ subject: to('Patient?identifier=s|mrn') }),
    ],
    2,
    'resource.subject.reference',
    'reference',
  ],
  ['no subject', [patient, observation({})], 1, 'resource.subject', 'no-member'],
  [
    'a subject that nobody knows',
    [patient, observation({ subject: to('Patient/q') })],
    1,
    'resource.subject',
    'no-member',
  ],
  [
    'two members',
    [
      patient,
      {
        resourceType: 'Appointment',
        id: 'a',
        status: 'booked',
        participant: [{ actor: to('Patient/p') }, { actor: to('Patient/k') }],
      },
    ],
    1,
    'resource.participant.actor',
    'several-members',
  ],
  [
    'records that only name each other',
    [
      observation({ partOf: [to('Procedure/x')] }),
      { resourceType: 'Procedure', id: 'x', status: 'completed', partOf: [to('Observation/o')] },
    ],
    0,
    'resource.subject',
    'no-member',
  ],
];

for (const [name, resources, entry, path, reason] of REFUSED) {
  test(`a bundle with ${name} is refused whole`, () => {
    assert.throws(
      () => address(resources, knowing()),
      (error) => {
        assert.ok(error instanceof Fault && error.code === 'REFUSED_INPUT');
        assert.deepEqual(error.data, { entry, path, reason });
        return true;
      },
    );
  });
}

test('a reference to something unknown stays, and is no subject', () => {
  const resources = [
    patient,
    observation({ subject: to('Patient/p'), performer: [to('Practitioner/elsewhere')] }),
  ];
  const [record] = ofType(address(resources), 'Observation');
  assert.deepEqual(record?.resource?.performer, [to('Practitioner/elsewhere')]);
  assert.deepEqual(record?.names, {});
});

test('a conditional practitioner becomes the known one, with the name', () => {
  const performer = [to('Practitioner?identifier=npi|1')];
  const [record] = ofType(
    address([patient, observation({ subject: to('Patient/p'), performer })], knowing()),
    'Observation',
  );
  assert.deepEqual(record?.resource?.performer, [to('Practitioner/d')]);
  assert.deepEqual(record?.names, { 'Practitioner/d': 'Dr. Doe' });
});

test('ids outside our rule are mapped, and so is every reference to them', () => {
  const resources = [
    patient,
    { ...encounter, id: 'e.1' },
    observation({ subject: to('Patient/p'), encounter: to('Encounter/e.1') }),
  ];
  const bundle = address(resources);
  const [found] = ofType(bundle, 'Encounter');
  assert.match(found?.id ?? '', /^mapped-/);
  assert.equal(found?.resource?.id, found?.id);
  const [record] = ofType(bundle, 'Observation');
  assert.deepEqual(record?.resource?.encounter, to(`Encounter/${found?.id}`));
});

test('a deletion goes where the record is; of what nobody knows nowhere', () => {
  const entry = ['Encounter/ke', 'Practitioner/d', 'Condition/never'].map((url) => ({
    request: { method: 'DELETE', url },
  }));
  const text = JSON.stringify({ resourceType: 'Bundle', type: 'batch', entry });
  const { records, unknown } = addressBundle(
    readEntries(new TextEncoder().encode(text)),
    knowing(),
  );
  assert.deepEqual(
    records.map(({ home, resource }) => [home.kind, resource]),
    [
      ['subject', null],
      ['directory', null],
    ],
  );
  assert.deepEqual(
    unknown.map(({ id }) => id),
    ['never'],
  );
});

function ofType({ records }: AddressedBundle, type: string): AddressedRecord[] {
  return records.filter((record) => record.type === type);
}

function referencesOf(value: unknown): string[] {
  return [...JSON.stringify(value ?? null).matchAll(/"reference":"([^"]*)"/g)].map(
    ([, reference]) => reference ?? '',
  );
}
