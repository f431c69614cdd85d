import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ResourceJson } from '../ports.ts';
import { dueDates, nowOf } from './time.ts';

const coverage = (start?: string, end?: string, status = 'active') =>
  ({
    resourceType: 'Coverage',
    id: 'v',
    status,
    period: { start, end },
  }) as unknown as ResourceJson;
const task = (end: string, status = 'requested') =>
  ({ resourceType: 'Task', id: 't', status, restriction: { period: { end } } }) as ResourceJson;

const DAYS: readonly (readonly [string | undefined, string | undefined, readonly string[]])[] = [
  ['2026-01-01', '2026-12-31', ['2026-01-01', '2027-01-01']],
  ['2026', '2026', ['2026-01-01', '2027-01-01']],
  ['2026-02', '2026-02', ['2026-02-01', '2026-03-01']],
  ['2026-01-01T20:00:00-05:00', '2026-12-31T23:59:59Z', ['2026-01-02', '2027-01-01']],
  ['2026-01-01', '9999-12-31', ['2026-01-01']],
  [undefined, '2024-02-28', ['2024-02-29']],
  ['soon', undefined, []],
  ['2026-01-01Tmorning', 'T', []],
];

for (const [start, end, days] of DAYS) {
  test(`a plan from ${start} to ${end} changes on ${days.join(', ') || 'no day'}`, () => {
    assert.deepEqual(dueDates(coverage(start, end)), days);
  });
}

test('what the day makes of a plan: its last day belongs to it', () => {
  const plan = coverage('2026-01-01', '2026-12-31');
  const said = ['2025-12-31', '2026-01-01', '2026-12-31', '2027-01-01'].map((day) =>
    nowOf(plan, day),
  );
  assert.deepEqual(said, ['not begun', undefined, undefined, 'ended']);
  assert.equal(nowOf(plan, undefined), undefined);
  assert.equal(nowOf(coverage('2020', '2020', 'cancelled'), '2026-01-01'), undefined);
});

test('what the day makes of tasks, goals, appointments and consents', () => {
  const late = '2026-06-02';
  assert.equal(nowOf(task('2026-06-01'), '2026-06-01'), undefined);
  assert.equal(nowOf(task('2026-06-01'), late), 'overdue');
  assert.equal(nowOf(task('2026-06-01', 'completed'), late), undefined);
  const goal = {
    resourceType: 'Goal',
    lifecycleStatus: 'active',
    target: [{ dueDate: '2026-06-01' }],
  };
  assert.equal(nowOf(goal, late), 'overdue');
  const visit = { resourceType: 'Appointment', status: 'booked', start: '2026-06-01T09:00:00Z' };
  assert.equal(nowOf(visit, '2026-06-01'), undefined);
  assert.equal(nowOf(visit, late), 'past');
  assert.equal(nowOf({ ...visit, status: 'cancelled' }, late), undefined);
  const period = { end: '2026-06-01' };
  const consent = { resourceType: 'Consent', status: 'active', provision: { period } };
  assert.equal(nowOf(consent, late), 'ended');
});

test('whatever a day is, what is said changes only on days that are told', () => {
  const plan = coverage('2026-02', '2026-04-10T23:30:00-02:00');
  const days = dueDates(plan);
  let before = nowOf(plan, '2026-01-01');
  for (let ms = Date.UTC(2026, 0, 2); ms < Date.UTC(2026, 11, 31); ms += 86_400_000) {
    const day = new Date(ms).toISOString().slice(0, 10);
    const now = nowOf(plan, day);
    if (now !== before) assert.ok(days.includes(day), day);
    before = now;
  }
  assert.equal(before, 'ended');
});
