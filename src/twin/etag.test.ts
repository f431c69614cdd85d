import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { etagSchema } from '../contract/documents.ts';
import type { JsonObject } from '../kernel/json.ts';
import { type EtagParts, etagOf, sourceDocument } from './etag.ts';
import { record } from './fhir/test/synthea.ts';
import type { StoredSource } from './ports.ts';

const KEY = new Uint8Array(32).fill(7);
const parts: EtagParts = {
  uri: 'mcp://twins/member/m/coverage',
  variant: 'general',
  fields: 'all',
  projection: 1,
  data: { plans: [{ title: 'Gold' }], b: 1 },
  notices: ['One.'],
};

test('an etag is the same for equal data, in whatever order its members stand', () => {
  const other = { ...parts, data: { b: 1, plans: [{ title: 'Gold' }] } };
  assert.equal(etagOf(KEY, other), etagOf(KEY, parts));
  assert.ok(etagSchema.safeParse(etagOf(KEY, parts)).success);
});

const CHANGES: readonly Partial<EtagParts>[] = [
  { uri: 'mcp://twins/member/n/coverage' },
  { variant: 'full' },
  { fields: 'billing' },
  { projection: 2 },
  { data: { plans: [{ title: 'Silver' }], b: 1 } },
  { notices: [] },
];

for (const change of CHANGES) {
  test(`an etag changes with ${Object.keys(change)[0]}`, () => {
    assert.notEqual(etagOf(KEY, { ...parts, ...change }), etagOf(KEY, parts));
  });
}

test('an etag depends on the key of the deployment', () => {
  assert.notEqual(etagOf(new Uint8Array(32), parts), etagOf(KEY, parts));
});

test('different data have different etags', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
      const [one, other] = [a, b].map((x) => etagOf(KEY, { ...parts, data: { x } as JsonObject }));
      assert.equal(one === other, isDeepStrictEqual(asJson(a), asJson(b)));
    }),
  );
});

const note = 'She is well.';
const stored: StoredSource = {
  ...record({
    resourceType: 'DocumentReference',
    id: 'd',
    type: { text: 'Progress note' },
    content: [
      { attachment: { contentType: 'text/plain', data: Buffer.from(note).toString('base64') } },
    ],
  }),
  names: { 'Practitioner/p': 'Dr. Doe' },
  section: 'clinical',
  sensitive: false,
};

test('a source document holds the record, its source and names, and notes in plain text', () => {
  const { title, data, notices } = sourceDocument(stored, 'full');
  assert.equal(title, 'Document reference: Progress note');
  assert.deepEqual(data.resource, stored.resource);
  assert.deepEqual(data.provenance, { source: 'test' });
  assert.deepEqual(data.names, stored.names);
  assert.deepEqual(data.texts, [note]);
  assert.deepEqual(notices, []);
  assert.equal(sourceDocument(stored, 'general').notices.length, 1);
});

test('when a record was received is not part of its source document', () => {
  const later = { ...stored, provenance: { ...stored.provenance, recorded: '2030-01-01' } };
  assert.deepEqual(sourceDocument(later, 'full'), sourceDocument(stored, 'full'));
});

/** What is left of a value in JSON: no negative zero. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
