import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decided, type Said } from './decide.ts';
import { enrollingOf, resourceOf } from './record.ts';

const CASES: readonly (readonly [Said, string, boolean])[] = [
  [{ status: 'processing' }, 'pending waiting-for-payer', false],
  [{ status: 'cached', eligibility: 'active' }, 'enrolled coverage-active', false],
  [{ status: 'completed', eligibility: 'inactive' }, 'declined coverage-inactive', false],
  [{ status: 'completed', eligibility: 'unknown' }, 'review payer-could-not-say', false],
  [{ status: 'failed', reason: '75', followUp: 'C' }, 'review AAA 75', false],
  [{ status: 'failed', reason: '42', followUp: 'R' }, 'review AAA 42', true],
  [{ status: 'failed', reason: 'NO_ANSWER' }, 'review payer-could-not-say', true],
  [{ status: 'timed-out' }, 'review no-answer', true],
];
for (const [said, expected, again] of CASES) {
  test(`a check that is ${said.status} ${said.eligibility ?? said.reason ?? ''}: ${expected}`, () => {
    const { state, reason, askAgain = false } = decided(said);
    assert.deepEqual([`${state} ${reason}`, askAgain], [expected, again]);
  });
}

test('an enrollment comes out of its record as it went in', () => {
  const enrolling = {
    ...{ member: 'demo-ana', program: 'Diabetes prevention', coverage: 'c', checkId: 'a' },
    earlier: ['b'],
    steps: [
      { at: '2026-11-30T12:00:00.000Z', state: 'pending', reason: 'waiting-for-payer' },
      { at: '2026-11-30T12:05:00.000Z', state: 'enrolled', reason: 'coverage-active' },
    ] as const,
  };
  assert.deepEqual(enrollingOf(resourceOf('x', enrolling)), enrolling);
  assert.equal(enrollingOf({ resourceType: 'EnrollmentRequest' }), undefined);
});
