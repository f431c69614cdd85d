import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer, Benefit } from '../model.ts';
import { differences } from './compare.ts';

const benefit = (over: Partial<Benefit>): Benefit => ({
  ...{ path: 'p', code: '1', serviceTypes: ['30'], dates: [], messages: [], deliveries: [] },
  ...{ places: [], related: [], ...over },
});
const answer = (...benefits: Benefit[]): Answer => ({
  ...{ shape: 'json-2024-04-01', raw: '', traceIds: [], payer: {}, dates: [], benefits },
  ...{ rejections: [], faults: [] },
});

test('two answers differ in what they say, not in how', () => {
  const deductible = { code: 'C', level: 'IND', period: '23' };
  const one = answer(
    benefit({ serviceTypes: ['30', '98'] }),
    benefit({ ...deductible, amount: '500' }),
  );
  const same = answer(
    benefit({ ...deductible, amount: '500.00', path: 'elsewhere' }),
    ...['98', '30'].map((service) => benefit({ serviceTypes: [service] })),
  );
  assert.deepEqual(differences(one, same, ['30']), []);
  const other = answer(benefit({ code: '6' }), benefit({ ...deductible, amount: '600' }));
  assert.deepEqual(differences(one, other, ['30']).sort(), [
    ...['benefit.1', 'benefit.6', 'benefit.C', 'status'],
  ]);
  const dated = { ...one, dates: [{ qualifier: '291', start: '2026-01-01', end: '2026-12-31' }] };
  assert.deepEqual(differences(one, dated, ['30']), ['period']);
});
