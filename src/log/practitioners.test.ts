import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PRACTITIONER_DOCUMENTS } from '../twin/documents/practitioner/index.ts';
import { practitionerProfileSchema } from '../twin/documents/practitioner/profile.ts';
import { practitionerScheduleSchema } from '../twin/documents/practitioner/schedule.ts';
import { addressBundle, addressEach } from '../twin/fhir/resolve.ts';
import { readSubmission } from '../twin/fhir/submission.ts';
import { bundleBytes, bundleFiles } from '../twin/fhir/test/synthea.ts';
import type { SourceRecord } from '../twin/ports.ts';
import { project } from '../twin/project.ts';
import { openLogDatabase } from './schema.ts';
import { openLogStore } from './store.ts';
import { bundleOf, deletionOf, patient, practitioner, submission } from './test/bundles.ts';

type Store = ReturnType<typeof open>;
type Resource = ReturnType<typeof patient>;

function open() {
  const reader = { readSubmission, addressBundle, addressEach };
  const rules = {
    memberIds: 'patient-id',
    memberIdKey: new Uint8Array(32),
    etagKey: new Uint8Array(32),
  } as const;
  return openLogStore({
    db: openLogDatabase(':memory:'),
    rules,
    reader,
    onGrown: () => undefined,
  });
}

/** The latest records of a practitioner, as a view would hold them, by `Type/id`. */
function recordsOf(store: Store, id: string): Map<string, SourceRecord> {
  const all = store.ends().flatMap((_, partition) => store.read(partition, 0, 10_000));
  const own = all.filter(({ subject }) => subject.kind === 'practitioner' && subject.id === id);
  return new Map(own.map((record) => [`${record.type}/${record.id}`, record]));
}

function presentOf(store: Store, id: string): string[] {
  const present = [...recordsOf(store, id)].filter(([, { resource }]) => resource !== null);
  return present.map(([key]) => key).sort();
}

const NPI = { system: 'http://hl7.org/fhir/sid/us-npi', value: 'npi-dr' };
const reference = (to: string) => ({ reference: to });
const role: Resource = {
  resourceType: 'PractitionerRole',
  id: 'r',
  practitioner: { identifier: NPI },
  organization: reference('Organization/o'),
  specialty: [{ text: 'Family medicine' }],
};
const organization: Resource = { resourceType: 'Organization', id: 'o', name: 'North Clinic' };
const schedule: Resource = {
  resourceType: 'Schedule',
  id: 's',
  actor: [reference('PractitionerRole/r')],
};
const slot: Resource = {
  resourceType: 'Slot',
  id: 'f',
  schedule: reference('Schedule/s'),
  status: 'free',
  start: '2026-12-01T09:00:00Z',
  end: '2026-12-01T09:30:00Z',
};
const SECRET = 'SECRET';
const appointment = (id: string, ...actors: string[]): Resource => ({
  resourceType: 'Appointment',
  id,
  status: 'booked',
  description: SECRET,
  reasonCode: [{ text: SECRET }],
  start: '2026-12-01T10:00:00Z',
  participant: ['Patient/ana', ...actors].map((actor) => ({ actor: reference(actor) })),
});

const ALL: readonly Resource[] = [
  practitioner('dr', 'Moss'),
  role,
  organization,
  schedule,
  slot,
  appointment('a', 'Practitioner/dr'),
];
const WANTED = ['Appointment/a', 'Practitioner/dr', 'PractitionerRole/r', 'Schedule/s', 'Slot/f'];

test('a practitioner’s records are told as their own, in whatever order they come', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray([...ALL], { minLength: ALL.length }), (order) => {
      const store = open();
      store.submitBundle(submission(bundleOf(patient('ana'))), 0);
      for (const resource of order) store.submitBundle(submission(bundleOf(resource)), 0);
      assert.deepEqual(presentOf(store, 'dr'), WANTED);
      const { names } = recordsOf(store, 'dr').get('PractitionerRole/r') ?? { names: {} };
      assert.deepEqual(names, { 'Organization/o': 'North Clinic' });
    }),
    { numRuns: 12 },
  );
});

test('with a practitioner an appointment says neither whom it is with nor what for', () => {
  const store = open();
  store.submitBundle(submission(bundleOf(patient('ana'), ...ALL)), 0);
  const records = [...recordsOf(store, 'dr').values()];
  assert.ok(!JSON.stringify(records).includes(SECRET));
  assert.ok(!JSON.stringify(records).includes('Patient/'));
  const { documents } = project({ kind: 'practitioner', id: 'dr' }, records);
  const found = documents.find(({ section }) => section === 'schedule');
  const { appointments, free } = practitionerScheduleSchema.parse(found?.data);
  assert.deepEqual(
    appointments.map(({ starts, status }) => [starts, status]),
    [['2026-12-01T10:00:00Z', 'booked']],
  );
  assert.equal(free.length, 1);
});

test('what moves, or is deleted, leaves the practitioner; what a member’s records mean stays', () => {
  const store = open();
  store.submitBundle(submission(bundleOf(patient('ana'), ...ALL)), 0);
  store.submitBundle(submission(bundleOf(appointment('a', 'Practitioner/other'))), 0);
  assert.ok(!presentOf(store, 'dr').includes('Appointment/a'));
  assert.deepEqual(presentOf(store, 'other'), ['Appointment/a']);
  store.submitBundle(submission(deletionOf('PractitionerRole/r', 'Appointment/a')), 0);
  assert.deepEqual(presentOf(store, 'other'), []);
  assert.deepEqual(presentOf(store, 'dr'), ['Practitioner/dr']);
  // Its identifier still means the practitioner.
  const again = store.submitBundle(submission(bundleOf({ ...role, id: 'r2' })), 0);
  assert.equal(again.accepted, 1);
  assert.ok(presentOf(store, 'dr').includes('PractitionerRole/r2'));
});

test('the same again has no effect, and another tenant’s records are not mixed in', () => {
  const store = open();
  store.submitBundle(submission(bundleOf(patient('ana'), ...ALL)), 0);
  const ends = store.ends();
  const same = store.submitBundle(submission(bundleOf(patient('ana'), ...ALL)), 0);
  assert.deepEqual([same.accepted, store.ends()], [0, ends]);
  const foreign = { ...practitioner('dr', 'Impostor') };
  store.submitBundle(submission(bundleOf(foreign), { tenant: 'other' }), 0);
  assert.deepEqual(store.ends(), ends);
});

test('every practitioner of the shared data has a profile with a role that fits its schema', () => {
  const store = open();
  const files = bundleFiles('synthea-3.3.0').filter((file) =>
    /(hospital|practitioner)I/.test(file),
  );
  for (const file of files) store.submitBundle(submission(bundleBytes(file)), 0);
  const all = store.ends().flatMap((_, partition) => store.read(partition, 0, 10_000));
  const practitioners = Map.groupBy(all, ({ subject }) => subject.id);
  assert.equal(practitioners.size, 85);
  for (const [id, records] of practitioners) {
    const { documents } = project({ kind: 'practitioner', id }, records);
    assert.deepEqual(
      documents.map(({ variant }) => variant),
      ['general', 'general'],
    );
    for (const { section, schema } of PRACTITIONER_DOCUMENTS) {
      const found = documents.find((one) => one.section === section);
      assert.equal(schema.safeParse(found?.data).error, undefined);
    }
    const profile = practitionerProfileSchema.parse(documents[0]?.data);
    assert.equal(profile.roles.length, 1);
    assert.equal(profile.identity?.numbers?.length, 1);
  }
});
