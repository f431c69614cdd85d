import assert from 'node:assert/strict';
import { test } from 'node:test';
import { record } from '../fhir/test/synthea.ts';
import type { ResourceJson, SourceRecord } from '../ports.ts';
import { careData, careSchema } from './care.ts';
import { monthsBefore } from './newest.ts';
import { memberRecords, recordSet } from './records.ts';

type Resource = Record<string, unknown> & { resourceType: string; id: string };

function made(resource: Resource, names: Record<string, string> = {}): SourceRecord {
  return { ...record(resource as ResourceJson & { id: string }), names };
}

function careOn(reached: string | undefined, ...records: readonly SourceRecord[]) {
  return careSchema.parse(careData(recordSet(memberRecords('m', records), reached)));
}

function careOf(...records: readonly SourceRecord[]) {
  return careOn(undefined, ...records);
}

const coded = (system: string, code: string, text: string) => ({
  coding: [{ system, code }],
  text,
});
const diabetes = made({
  resourceType: 'Condition',
  id: 'd',
  clinicalStatus: { coding: [{ code: 'active' }] },
  code: coded('http://snomed.info/sct', '44054006', 'Type 2 diabetes'),
  onsetDateTime: '2019-05-06',
});
const a1c = (id: string, date: string, more: Record<string, unknown> = {}) =>
  made({
    resourceType: 'Observation',
    id,
    status: 'final',
    code: coded('http://loinc.org', '4548-4', 'A1c'),
    effectiveDateTime: date,
    ...more,
  });
const visit = (date: string) =>
  made({ resourceType: 'Encounter', id: 'e', status: 'finished', period: { start: date } });

function gapOf(what: RegExp, ...records: readonly SourceRecord[]) {
  return careOf(...records).careGaps.find(({ title }) => what.test(title));
}

const A1C: readonly (readonly [string, readonly SourceRecord[], string, string])[] = [
  ['none at all', [diabetes, visit('2026-06-30')], 'open', 'never in this record'],
  [
    'one of 13 months ago',
    [diabetes, visit('2026-06-30'), a1c('1', '2025-05-30')],
    'open',
    '2025-05-30',
  ],
  [
    'one of 11 months ago',
    [diabetes, visit('2026-06-30'), a1c('1', '2025-07-30')],
    'met',
    '2025-07-30',
  ],
  [
    'one entered in error',
    [diabetes, visit('2026-06-30'), a1c('1', '2026-06-01', { status: 'entered-in-error' })],
    'open',
    'never in this record',
  ],
];

for (const [name, records, status, lastDone] of A1C) {
  test(`a diabetic with ${name}: the A1c is ${status}, counted from the newest date`, () => {
    const gap = gapOf(/A1c/, ...records);
    assert.deepEqual(
      [gap?.status, gap?.lastDone, gap?.because],
      [status, lastDone, 'Type 2 diabetes'],
    );
    assert.equal(gap?.basis, 'derived');
  });
}

test('who is no diabetic any more has no gap, and without any date nothing is derived', () => {
  const resolved = { ...diabetes.resource, clinicalStatus: { coding: [{ code: 'resolved' }] } };
  const over = { ...diabetes, resource: resolved as ResourceJson };
  assert.equal(gapOf(/A1c/, over, visit('2026-06-30')), undefined);
  assert.deepEqual(careOf(made({ resourceType: 'Patient', id: 'm' })).careGaps, []);
});

test('age and gender decide by the newest date of the record', () => {
  const patient = (birthDate: string, gender = 'female') =>
    made({ resourceType: 'Patient', id: 'm', birthDate, gender });
  assert.equal(gapOf(/mammogram/, patient('1976-07-01'), visit('2026-06-30')), undefined);
  assert.equal(gapOf(/mammogram/, patient('1976-06-30'), visit('2026-06-30'))?.status, 'open');
  assert.equal(gapOf(/mammogram/, patient('1970', 'male'), visit('2026-06-30')), undefined);
});

test('gaps that a source recorded come before the derived ones', () => {
  const recorded = made({
    resourceType: 'DetectedIssue',
    id: 'g',
    status: 'registered',
    code: { coding: [{ code: 'CAREGAP' }] },
    detail: 'No foot exam',
    identifiedDateTime: '2026-06-30',
  });
  const [first, second] = careOf(diabetes, recorded).careGaps;
  assert.deepEqual([first?.title, first?.basis], ['No foot exam', 'recorded']);
  assert.match(first?.uri ?? '', /\/care\/DetectedIssue\/g$/);
  assert.equal(second?.basis, 'derived');
});

test('a care team tells its people with their roles, and leaves out the member', () => {
  const team = made(
    {
      resourceType: 'CareTeam',
      id: 't',
      name: 'Blue team',
      status: 'active',
      participant: [
        { member: { reference: 'Patient/m' }, role: [{ text: 'Patient' }] },
        {
          member: { reference: 'Practitioner/p' },
          role: [{ text: 'Physician' }],
          onBehalfOf: { reference: 'Organization/o' },
        },
      ],
    },
    { 'Practitioner/p': 'Dr. Eve', 'Organization/o': 'Clinic' },
  );
  assert.deepEqual(careOf(team).careTeam[0]?.members, [
    { name: 'Dr. Eve', role: 'Physician', organization: 'Clinic' },
  ]);
});

test('tasks: what is to be done by its due date, then what is done', () => {
  const task = (id: string, status: string, due?: string) =>
    made({
      resourceType: 'Task',
      id,
      status,
      description: id,
      authoredOn: '2026-01-01',
      ...(due !== undefined && { restriction: { period: { end: due } } }),
    });
  const { tasks } = careOf(
    task('done', 'completed', '2026-01-05'),
    task('some day', 'requested'),
    task('later', 'in-progress', '2026-12-01'),
    task('soon', 'requested', '2026-07-01'),
  );
  assert.deepEqual(
    tasks.map(({ title }) => title),
    ['soon', 'later', 'some day', 'done'],
  );
});

test('appointments: the next one first, counted from the day that has come, then the newest', () => {
  const appointment = (id: string, start: string, status = 'booked') =>
    made({ resourceType: 'Appointment', id, status, start, description: id });
  const records = [
    appointment('next year', '2027-01-10T09:00:00Z'),
    appointment('kept', '2026-03-01T09:00:00Z', 'fulfilled'),
    appointment('missed', '2026-06-29T09:00:00Z'),
    appointment('next', '2026-07-05T09:00:00Z'),
    appointment('called off', '2026-08-01T09:00:00Z', 'cancelled'),
  ];
  const { appointments } = careOn('2026-06-30', ...records);
  assert.deepEqual(
    appointments.map(({ title, now }) => [title, now]),
    [
      ['next', undefined],
      ['next year', undefined],
      ['called off', undefined],
      ['missed', 'past'],
      ['kept', undefined],
    ],
  );
});

const MONTHS: readonly (readonly [string, number, string])[] = [
  ['2026-03-31', 1, '2026-02-28'],
  ['2024-03-31', 1, '2024-02-29'],
  ['2026-01-15', 12, '2025-01-15'],
  ['2026-06', 6, '2025-12-01'],
];

for (const [date, months, wanted] of MONTHS) {
  test(`${months} months before ${date} is ${wanted}`, () => {
    assert.equal(monthsBefore(date, months), wanted);
  });
}
