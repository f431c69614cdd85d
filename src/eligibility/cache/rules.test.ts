import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type KnownFact, PLAN_KINDS, standingOf } from './rules.ts';

const HOUR_MS = 3_600_000;
const at = (iso: string): number => Date.parse(iso);
const fact = (checkedAt: string, over: Partial<KnownFact> = {}): KnownFact => ({
  checkId: 'c',
  status: 'active',
  checkedAt: at(checkedAt),
  ...over,
});
const iso = (ms: number): string => new Date(ms).toISOString();

test('B-EL-26: an active answer is fresh for a day, and counts until its month ends', () => {
  const { freshUntil, keptUntil } = standingOf(fact('2026-11-10T12:00:00Z'), 'commercial');
  assert.equal(iso(freshUntil), '2026-11-11T12:00:00.000Z');
  assert.equal(iso(keptUntil), '2026-12-01T04:00:00.000Z', 'midnight at UTC-4');
  const medicaid = standingOf(fact('2026-11-10T12:00:00Z'), 'medicaid');
  assert.equal(iso(medicaid.freshUntil), '2026-11-10T20:00:00.000Z');
});

test('B-EL-26: at the start of a month what was said before it counts no longer, wherever midnight is', () => {
  const late = standingOf(fact('2026-11-30T23:30:00Z'), 'commercial');
  assert.equal(iso(late.freshUntil), '2026-12-01T04:00:00.000Z');
  // Already December in UTC, and still November in Hawaii.
  const between = standingOf(fact('2026-12-01T06:30:00Z'), 'commercial');
  assert.equal(iso(between.keptUntil), '2026-12-01T07:00:00.000Z');
  const after = standingOf(fact('2026-12-01T11:30:00Z'), 'commercial');
  assert.equal(iso(after.keptUntil), '2027-01-01T04:00:00.000Z');
});

test('B-EL-26: the end of a plan year ends it as well', () => {
  const { keptUntil } = standingOf(
    fact('2026-06-10T12:00:00Z', { planEnds: '2026-06-20' }),
    'commercial',
  );
  assert.equal(iso(keptUntil), '2026-06-21T04:00:00.000Z');
});

test('B-EL-26: bad news is kept briefly, no answer not at all, and nothing that was contradicted', () => {
  const checked = '2026-11-10T12:00:00Z';
  const of = (over: Partial<KnownFact>) => {
    const { freshUntil, keptUntil } = standingOf(fact(checked, over), 'commercial');
    const after = (ms: number): number => Math.max(0, (ms - at(checked)) / HOUR_MS);
    return [after(freshUntil), after(keptUntil)];
  };
  assert.deepEqual(of({ status: 'inactive' }), [1, 24]);
  assert.deepEqual(of({ status: 'unknown', refusal: 'not-found' }), [1 / 6, 1 / 6]);
  assert.deepEqual(of({ status: 'unknown', refusal: 'other' }), [0, 0]);
  assert.deepEqual(of({ status: 'unknown' }), [0, 0]);
  assert.deepEqual(of({ contradicted: true }), [0, 0]);
});

test('B-EL-26: no answer outlives its month, whatever it says', (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const facts = fc.record({
    checkId: fc.constant('c'),
    status: fc.constantFrom('active' as const, 'inactive' as const, 'unknown' as const),
    checkedAt: fc.integer({ min: at('2025-01-01T00:00:00Z'), max: at('2027-12-31T00:00:00Z') }),
  });
  const property = fc.property(facts, fc.constantFrom(...PLAN_KINDS), (one, kind) => {
    const { freshUntil, keptUntil } = standingOf(one, kind);
    assert.ok(freshUntil <= keptUntil);
    if (keptUntil === 0) return;
    const month = (ms: number, hours: number): string => iso(ms - hours * HOUR_MS).slice(0, 7);
    for (let hours = 4; hours <= 11; hours++) {
      assert.equal(month(keptUntil - 1, hours), month(one.checkedAt, hours));
    }
  });
  fc.assert(property, { seed, numRuns: 500 });
});
