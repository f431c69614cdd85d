import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { readSubmission } from './submission.ts';
import { bundleBytes, bundleFiles, readEntries } from './test/synthea.ts';

/** Stands in every wrong bundle; no refusal may repeat it. */
const SECRET = 'Zanzibar-4711';

const patient = { resourceType: 'Patient', id: 'p1', name: [{ family: SECRET }] };

function bytes(value: unknown): Uint8Array {
  return new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
}

function bundle(...resources: unknown[]): unknown {
  const entry = resources.map((resource) => ({ resource }));
  return { resourceType: 'Bundle', type: 'transaction', entry };
}

const deep = JSON.parse(`${'{"extension":['.repeat(80)}${']}'.repeat(80)}`);

const REFUSED: readonly (readonly [string, unknown, number | undefined, string, string])[] = [
  ['not JSON', `{"a": ${SECRET}`, undefined, '', 'json'],
  ['not UTF-8', new Uint8Array([0x22, 0xff, 0x22]), undefined, '', 'json'],
  ['null', 'null', 0, 'resource', 'shape'],
  ['no resource', { a: SECRET }, 0, 'resource.resourceType', 'shape'],
  ['a document', { resourceType: 'Bundle', type: 'document' }, undefined, 'type', 'shape'],
  ['entries that are no list', { ...Object(bundle()), entry: {} }, undefined, 'entry', 'shape'],
  ['an entry that is no object', { ...Object(bundle()), entry: [SECRET] }, 0, '', 'shape'],
  ['no resource', { ...Object(bundle()), entry: [{ fullUrl: 'x' }] }, 0, 'resource', 'missing'],
  ['no resource type', bundle({ id: 'x' }), 0, 'resource.resourceType', 'shape'],
  ['no id', bundle(patient, { resourceType: 'Patient' }), 1, 'resource.id', 'id'],
  ['an id of spaces', bundle({ ...patient, id: 'a b' }), 0, 'resource.id', 'shape'],
  ['names that are no list', bundle({ ...patient, name: SECRET }), 0, 'resource.name', 'shape'],
  [
    'a birth date in words',
    bundle({ ...patient, birthDate: SECRET }),
    0,
    'resource.birthDate',
    'shape',
  ],
  [
    'a date with a time but no offset',
    bundle({ ...patient, deceasedDateTime: '2020-01-01T00:00:00' }),
    0,
    'resource.deceasedDateTime',
    'shape',
  ],
  [
    'an observation without code',
    bundle(patient, { resourceType: 'Observation', id: 'o', status: 'final' }),
    1,
    'resource.code',
    'shape',
  ],
  [
    'a value of text where a number belongs',
    bundle({
      resourceType: 'Observation',
      id: 'o',
      status: 'final',
      code: {},
      component: [{ code: {}, valueQuantity: { value: SECRET } }],
    }),
    0,
    'resource.component[0].valueQuantity.value',
    'shape',
  ],
  ['two versions', bundle(patient, { ...patient, gender: 'male' }), 1, 'resource.id', 'repeated'],
  ['nesting', bundle({ ...patient, extension: [deep] }), 0, 'resource', 'nesting'],
  [
    'a prototype',
    `{"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient","id":"a","__proto__":{"x":"${SECRET}"}}}]}`,
    0,
    'resource',
    'nesting',
  ],
  [
    'a large record',
    bundle({ ...patient, note: SECRET.repeat(80_000) }),
    0,
    'resource',
    'too-large',
  ],
  [
    'a search',
    {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ request: { method: 'GET', url: SECRET } }],
    },
    0,
    'request.method',
    'method',
  ],
  [
    'a deletion by search',
    {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ request: { method: 'DELETE', url: `Patient?name=${SECRET}` } }],
    },
    0,
    'request.url',
    'url',
  ],
];

for (const [name, input, entry, path, reason] of REFUSED) {
  test(`a bundle with ${name} is refused, naming where, never what`, () => {
    const json = input instanceof Uint8Array ? input : bytes(input);
    assert.throws(
      () => readSubmission(json),
      (error) => {
        assert.ok(error instanceof Fault);
        assert.equal(error.code, 'REFUSED_INPUT');
        assert.deepEqual(error.data, { ...(entry !== undefined && { entry }), path, reason });
        assert.ok(!`${error.message} ${JSON.stringify(error.data)}`.includes(SECRET));
        assert.equal(error.cause, undefined);
        if (entry !== undefined) assert.match(error.message, new RegExp(`Entry ${entry}\\b`));
        return true;
      },
    );
  });
}

test('more entries than the bound are refused', () => {
  const entry = Array.from({ length: LIMITS.bundleEntriesMax + 1 }, () => 0);
  const json = bytes({ resourceType: 'Bundle', type: 'batch', entry });
  assert.throws(() => readSubmission(json), { code: 'REFUSED_INPUT' });
});

test('the same record twice is one record', () => {
  assert.equal(readEntries(bytes(bundle(patient, { ...patient }))).length, 1);
});

test('an id is taken from a fullUrl of urn:uuid', () => {
  const entry = { fullUrl: 'urn:uuid:aaaa-bbbb', resource: { resourceType: 'Patient' } };
  const [read] = readEntries(bytes({ ...Object(bundle()), entry: [entry] }));
  assert.equal(read?.id, 'aaaa-bbbb');
  assert.equal(read?.resource?.id, 'aaaa-bbbb');
});

test('a deletion names type and id', () => {
  const entry = [{ request: { method: 'DELETE', url: 'Condition/c1' } }];
  assert.deepEqual(readEntries(bytes({ ...Object(bundle()), entry })), [
    { index: 0, operation: 'delete', type: 'Condition', id: 'c1' },
  ]);
});

for (const folder of ['synthea-3.3.0', 'synthea-2019']) {
  test(`every bundle of ${folder} is read as it was sent`, () => {
    for (const file of bundleFiles(folder).slice(0, 8)) {
      const json = bundleBytes(file);
      const sent = JSON.parse(new TextDecoder().decode(json)).entry as { resource: unknown }[];
      const read = readEntries(json);
      assert.deepEqual(
        read.map(({ resource }) => resource),
        sent.map(({ resource }) => resource),
      );
    }
  });
}
