import assert from 'node:assert/strict';
import { test } from 'node:test';
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
      assert.equal(one === other, JSON.stringify(sorted(a)) === JSON.stringify(sorted(b)));
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

/** The value with its members in one order; JSON has no `-0`. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, member]) => [key, sorted(member)] as const)
    .sort(([a], [b]) => (a < b ? -1 : 1));
}
