/** The documents of every member of the shared data; single rules are tested beside their files. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseUri } from '../contract/uris.ts';
import { isObject, type Json } from '../kernel/json.ts';
import { MEMBER_DOCUMENTS } from './documents/registry.ts';
import { allMembers } from './documents/test/members.ts';
import type { ResourceJson, SourceRecord } from './ports.ts';
import { project } from './project.ts';

const members = allMembers();
/** Every kind of record is among theirs. */
const some = members.filter(({ set }, index) => !set.startsWith('synthea') || index % 9 === 0);

test('all members of the four sets are here', () => {
  const sets = Object.fromEntries(
    [...Map.groupBy(members, ({ set }) => set)].map(([set, own]) => [set, own.length]),
  );
  assert.deepEqual(sets, {
    'synthea-3.3.0': 14,
    'synthea-2019': 20,
    'carin-bb-2.0.0': 2,
    'pdex-2.0.0': 3,
  });
});

test('every document fits its schema, in both variants, and every fact leads to its record', () => {
  for (const { set, subject, records } of members) {
    const { documents, sections } = project(subject, records);
    const whole = documents.filter(({ variant }) => variant !== 'minimal');
    assert.equal(whole.length, MEMBER_DOCUMENTS.length * 2);
    const least = MEMBER_DOCUMENTS.filter(({ minimal }) => minimal !== undefined);
    assert.equal(documents.length, whole.length + least.length);
    for (const { schema, section } of MEMBER_DOCUMENTS) {
      for (const document of whole.filter((one) => one.section === section)) {
        const { data, variant, notices } = document;
        assert.equal(notices.length, variant === 'general' ? 1 : 0);
        const { error } = schema.safeParse(data);
        assert.equal(error, undefined, `${set} ${subject.id} ${section} ${variant}: ${error}`);
        for (const { uri, source, asOf } of factsIn(data)) {
          assert.equal(source, 'synthea');
          assert.ok(asOf !== undefined);
          const parsed = parseUri(String(uri));
          assert.ok(parsed?.kind === 'source' && parsed.member === subject.id, String(uri));
          assert.equal(sections.get(`${parsed.type}/${parsed.id}`), parsed.section);
        }
      }
    }
  }
});

test('the order of records, and when they were received, never show', () => {
  for (const { subject, records } of some) {
    const wanted = project(subject, records);
    const later = records.map((one) => ({
      ...one,
      provenance: { ...one.provenance, recorded: '2030-01-01T00:00:00.000Z' },
    }));
    const order = fc.shuffledSubarray(later, { minLength: later.length });
    fc.assert(
      fc.property(order, (shuffled) => {
        const { documents, index } = project(subject, shuffled);
        assert.deepEqual(
          { documents, index },
          { documents: wanted.documents, index: wanted.index },
        );
      }),
      { numRuns: 2 },
    );
  }
});

const CANARY = 'CANARY';
/** References and what decides the kind of an element stay as they are. */
const KEPT = new Set(['reference', 'resourceType', 'system', 'contentType', 'data']);
/** Each kind of record that a section reads, protected in turn. */
const PROTECTED = [
  'Condition',
  'ExplanationOfBenefit',
  'Claim',
  'CarePlan',
  'CareTeam',
  'Coverage',
];

for (const type of PROTECTED) {
  test(`nothing of a protected ${type} is in anything general`, () => {
    let planted = 0;
    for (const { subject, records } of some) {
      const chosen = records.find((one) => one.type === type);
      if (chosen === undefined) continue;
      const labelled = records.map((one) => (one === chosen ? withLabel(one) : one));
      const before = project(subject, labelled);
      const canaries = labelled.map((one) =>
        before.sensitive.has(`${one.type}/${one.id}`) ? withLabel(withCanary(one)) : one,
      );
      const { documents, index } = project(subject, canaries);
      const general = JSON.stringify([
        documents.filter(({ variant }) => variant === 'general'),
        index.filter(({ sensitive }) => !sensitive),
      ]);
      assert.ok(!general.includes(CANARY));
      for (const key of before.sensitive) assert.ok(!general.includes(`/${key}"`), key);
      const without = records.filter((one) => !before.sensitive.has(`${one.type}/${one.id}`));
      const plain = project(subject, without).documents;
      assert.deepEqual(
        documents.filter(({ variant }) => variant === 'general'),
        plain.filter(({ variant }) => variant === 'general'),
      );
      planted += 1;
    }
    assert.ok(planted > 0);
  });
}

function withLabel(one: SourceRecord): SourceRecord {
  const meta = { security: [{ code: 'R' }] };
  return { ...one, resource: { ...one.resource, meta } as unknown as ResourceJson };
}

/** Every string, and every display name, replaced. */
function withCanary(one: SourceRecord): SourceRecord {
  const plant = (value: Json, key: string): Json => {
    if (typeof value === 'string') return KEPT.has(key) ? value : `${CANARY} ${value}`;
    if (Array.isArray(value)) return value.map((member) => plant(member, key));
    if (!isObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, plant(v as Json, k)]));
  };
  const names = Object.fromEntries(Object.keys(one.names).map((key) => [key, CANARY]));
  return { ...one, names, resource: plant(one.resource ?? {}, '') as ResourceJson };
}

function factsIn(value: unknown): Record<string, unknown>[] {
  if (Array.isArray(value)) return value.flatMap(factsIn);
  if (!isObject(value)) return [];
  const own = typeof value.title === 'string' ? [value] : [];
  return [...own, ...Object.values(value).flatMap(factsIn)];
}
