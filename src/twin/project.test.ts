import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Variant } from '../contract/documents.ts';
import { parseUri } from '../contract/uris.ts';
import { isObject, type Json, type JsonObject } from '../kernel/json.ts';
import { PRACTITIONER_DOCUMENTS } from './documents/practitioner/index.ts';
import { MEMBER_DOCUMENTS } from './documents/registry.ts';
import { sessionSchema } from './documents/session.ts';
import { record, sourceRecords, syntheaBundles } from './fhir/test/synthea.ts';
import type { ResourceJson, SourceRecord, Subject } from './ports.ts';
import { project } from './project.ts';
import type { Projection } from './projection.ts';

const EARLY = '2026-01-01T00:00:00.000Z';
const members = syntheaBundles().flatMap(({ bundle }) =>
  bundle.members.map(({ member }) => ({
    subject: { kind: 'member', id: member } as const,
    records: sourceRecords(bundle, EARLY),
  })),
);

function documentOf({ documents }: Projection, section: string, variant: Variant): JsonObject {
  const found = documents.find((one) => one.section === section && one.variant === variant);
  assert.ok(found !== undefined);
  return found.data;
}

function list(data: JsonObject, key: string): JsonObject[] {
  return data[key] as JsonObject[];
}

test('search has one row a record, a member row, and one a document; none holds PHI in its URI', () => {
  for (const { subject, records } of members) {
    const index = project(subject, records).index.filter(({ minimal }) => minimal !== true);
    const kinds = Map.groupBy(index, ({ kind }) => kind);
    assert.equal(kinds.get('member')?.length, 1);
    assert.equal(kinds.get('document')?.length, MEMBER_DOCUMENTS.length);
    assert.equal(kinds.get('fact')?.length, records.length - 1);
    for (const { uri, title } of index) {
      assert.ok(parseUri(uri) !== null, uri);
      assert.ok(title !== '');
    }
  }
});

const CANARY = 'CANARY';
/** References and what decides the kind of an element stay as they are. */
const KEPT = new Set(['reference', 'resourceType', 'system', 'contentType', 'data']);

test('nothing of a protected record, nor of what refers to it, is in anything general', () => {
  let planted = 0;
  for (const { subject, records } of members) {
    const chosen = records.find(({ type }) => type === 'Condition');
    const labelled = records.map((one) => (one === chosen ? withLabel(one) : one));
    const before = project(subject, labelled);
    planted += before.sensitive.size;
    const canaries = labelled.map((one) =>
      before.sensitive.has(`${one.type}/${one.id}`) ? withLabel(withCanary(one)) : one,
    );
    const { documents, index, sensitive, person } = project(subject, canaries);
    assert.deepEqual(sensitive, before.sensitive);
    const general = documents.filter(({ variant }) => variant === 'general');
    const rows = index.filter((row) => !row.sensitive);
    assert.ok(!JSON.stringify({ general, rows, person }).includes(CANARY));
    for (const key of sensitive) {
      assert.ok(!JSON.stringify({ general, rows }).includes(key), key);
    }
    const full = documents.filter(({ variant }) => variant === 'full');
    if (chosen !== undefined) assert.ok(JSON.stringify(full).includes(CANARY));
  }
  assert.ok(planted > 100);
});

test('general is the same whether a protected record exists or not', () => {
  const plain = [
    record({ resourceType: 'Patient', id: 'm', name: [{ family: 'Doe' }] }),
    condition('a', 'Asthma', '2020'),
  ];
  const hidden = withLabel(condition('b', 'Hidden', '2026'));
  const subject: Subject = { kind: 'member', id: 'm' };
  const general = (records: SourceRecord[]) =>
    project(subject, records).documents.filter(({ variant }) => variant === 'general');
  assert.deepEqual(general([...plain, hidden]), general(plain));
});

test('a protected patient is not found by name', () => {
  const patient = withLabel(
    record({ resourceType: 'Patient', id: 'm', name: [{ family: 'Doe' }] }),
  );
  const { person, index } = project({ kind: 'member', id: 'm' }, [patient]);
  assert.equal(person, undefined);
  assert.ok(index.filter((row) => !row.sensitive).every((row) => row.kind === 'document'));
});

const ANY_TYPES = [
  ...['Patient', 'Observation', 'Condition', 'MedicationRequest', 'Device', 'SupplyDelivery'],
  ...['Coverage', 'CoverageEligibilityResponse', 'ExplanationOfBenefit', 'Claim'],
  ...['CarePlan', 'CareTeam', 'Goal', 'Appointment', 'Task', 'ServiceRequest', 'DetectedIssue'],
  ...['Practitioner', 'PractitionerRole', 'Schedule', 'Slot'],
];
const ANY_ELEMENTS = [
  ...['code', 'name', 'status', 'period', 'meta', 'valueQuantity', 'component', 'class'],
  ...['effectiveDateTime', 'dosageInstruction', 'clinicalStatus', 'created', 'link', 'birthDate'],
  ...['insurance', 'error', 'costToBeneficiary', 'benefitBalance', 'total', 'item', 'payment'],
  ...['billablePeriod', 'claim', 'participant', 'activity', 'target', 'restriction', 'start'],
  ...['practitioner', 'organization', 'actor', 'availableTime', 'telecom', 'suppliedItem'],
];

/** Names and values as FHIR has them, put together as FHIR never would. */
const NAMES = [
  ...['coding', 'code', 'system', 'value', 'amount', 'category', 'adjudication', 'reference'],
  ...['display', 'text', 'start', 'end', 'detail', 'member', 'actor', 'role', 'benefit', 'type'],
  ...['allowedMoney', 'usedMoney', 'currency', 'inforce', 'item', 'period', 'extension', 'url'],
];
const VALUES = [
  ...['active', '2026-01-01', 'Patient/m', 'submitted', 'copay', '75', 'CAREGAP', '__proto__', ''],
  ...[5, -1, 1e300, 0.1, null, true, false],
];
const { element } = fc.letrec<{ element: Json }>((tie) => ({
  element: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom(...VALUES),
    fc.array(tie('element'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie('element'), { maxKeys: 5 }),
  ) as fc.Arbitrary<Json>,
}));

test('any JSON in accepted records is projected without a fault', () => {
  const value = fc.oneof(element, fc.jsonValue());
  const elements = Object.fromEntries(ANY_ELEMENTS.map((name) => [name, value]));
  const resource = fc.record(
    {
      ...elements,
      resourceType: fc.constantFrom(...ANY_TYPES),
      id: fc.constantFrom('m', 'a', 'b'),
    },
    { requiredKeys: ['resourceType', 'id'] },
  );
  fc.assert(
    fc.property(fc.array(resource, { maxLength: 5 }), (resources) => {
      const records = resources.map((one) =>
        record(one as unknown as ResourceJson & { id: string }),
      );
      for (const [kind, all] of Object.entries(DOCUMENTS)) {
        const { documents } = project({ kind: kind as Subject['kind'], id: 'm' }, records);
        for (const { section, schema } of all) {
          const whole = documents.filter((one) => one.variant !== 'minimal');
          for (const { data } of whole.filter((one) => one.section === section)) {
            assert.equal(schema.safeParse(data).error, undefined);
          }
        }
      }
    }),
    { numRuns: 200 },
  );
});

const DOCUMENTS = { member: MEMBER_DOCUMENTS, practitioner: PRACTITIONER_DOCUMENTS };

test('coverage is told from records, and from claims where no record describes it', () => {
  const payor = [{ display: 'Blue Plan' }];
  const contained = [{ resourceType: 'Coverage', id: 'c', type: { text: 'PPO' }, payor }];
  const eob = (id: string, start: string) =>
    record({ resourceType: 'ExplanationOfBenefit', id, contained, billablePeriod: { start } });
  const coverage = record({
    resourceType: 'Coverage',
    id: 'v',
    status: 'active',
    subscriberId: 'S1',
    period: { start: '2024-01-01' },
    payor: [{ reference: 'Organization/o' }],
    class: [{ type: { coding: [{ code: 'plan' }] }, value: 'G', name: 'Gold' }],
  });
  const named = { ...coverage, names: { 'Organization/o': 'Green Payer' } };
  const projection = project({ kind: 'member', id: 'm' }, [
    eob('1', '2020-05-01'),
    eob('2', '2022-07-01'),
    named,
  ]);
  const data = documentOf(projection, 'coverage', 'general');
  const plans = list(data, 'plans').map(({ title, payer, status, basis, claims }) => ({
    title,
    payer,
    status,
    basis,
    claims,
  }));
  assert.deepEqual(plans, [
    {
      title: 'Gold',
      payer: 'Green Payer',
      status: 'active',
      basis: 'coverage record',
      claims: undefined,
    },
    {
      title: 'Blue Plan',
      payer: 'Blue Plan',
      status: undefined,
      basis: 'named in claims',
      claims: { count: 2, first: '2020-05-01', last: '2022-07-01' },
    },
  ]);
  assert.equal((data.eligibility as JsonObject).status, 'unknown');
  assert.deepEqual(data.benefits, []);
});

test('measurements come with unit, what came before, and the direction', () => {
  const a1c = (id: string, date: string, value: number) =>
    record({
      resourceType: 'Observation',
      id,
      status: 'final',
      category: [{ coding: [{ code: 'laboratory' }] }],
      code: { coding: [{ system: 'http://loinc.org', code: '4548-4' }], text: 'A1c' },
      effectiveDateTime: date,
      valueQuantity: { value, unit: '%' },
    });
  const projection = project({ kind: 'member', id: 'm' }, [
    a1c('1', '2024-01-01', 6.1),
    a1c('2', '2025-01-01T00:00:00Z', 7.25),
    {
      ...a1c('3', '2026-01-01', 99),
      resource: { ...a1c('3', '2026', 9).resource, status: 'entered-in-error' } as ResourceJson,
    },
  ]);
  const [lab, ...others] = list(documentOf(projection, 'clinical', 'full'), 'labs');
  assert.deepEqual(others, []);
  assert.deepEqual(
    [lab?.value, lab?.date, lab?.trend, lab?.codes, lab?.previous],
    ['7.25 %', '2025-01-01', 'rising', ['LOINC 4548-4'], [{ value: '6.1 %', date: '2024-01-01' }]],
  );
});

test('what is in force comes first, then the newest; what is cut is counted', () => {
  const resolved = Array.from({ length: 60 }, (_, i) =>
    condition(`r${i}`, `Old ${i}`, `20${String(i % 25).padStart(2, '0')}-01-01`, 'resolved'),
  );
  const records = [...resolved, condition('x', 'Asthma', '1999-01-01', 'active')];
  const data = documentOf(project({ kind: 'member', id: 'm' }, records), 'clinical', 'general');
  const conditions = list(data, 'conditions');
  assert.equal(conditions[0]?.title, 'Asthma');
  const dates = conditions.slice(1).map(({ date }) => String(date));
  assert.deepEqual(dates, dates.toSorted().reverse());
  const [left] = list(data, 'leftOut');
  assert.deepEqual([left?.what, left?.count], ['conditions', 61 - conditions.length]);
});

test('a session is one document without its owner', () => {
  const id = 'abcdefghijklmnopqrstuvwxy2';
  const session = record({
    resourceType: 'Session',
    id,
    owner: { subject: CANARY },
    member: 'm',
    startedAt: EARLY,
    turns: 2,
    sources: ['mcp://twins/member/m/clinical'],
  });
  const { documents, index } = project({ kind: 'session', id }, [session]);
  assert.deepEqual(index, []);
  const [document, ...others] = documents;
  assert.deepEqual(others, []);
  assert.equal(document?.uri, `mcp://sessions/${id}`);
  assert.equal(sessionSchema.safeParse(document?.data).error, undefined);
  assert.ok(!JSON.stringify(document).includes(CANARY));
});

function condition(id: string, text: string, onset: string, status = 'active'): SourceRecord {
  return record({
    resourceType: 'Condition',
    id,
    code: { text },
    clinicalStatus: { coding: [{ code: status }] },
    onsetDateTime: onset,
  });
}

function withLabel(one: SourceRecord): SourceRecord {
  const resource = {
    ...one.resource,
    meta: { security: [{ code: 'R' }] },
  } as unknown as ResourceJson;
  return { ...one, resource };
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
