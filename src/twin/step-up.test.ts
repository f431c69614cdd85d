import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../kernel/errors.ts';
import { type NeededAuthentication, requireAuthentication } from './step-up.ts';

const NOW = Date.parse('2026-11-30T12:00:00Z');
const ago = (seconds: number): number => NOW - seconds * 1_000;

const refusal = (
  principal: Parameters<typeof requireAuthentication>[0],
  needed: NeededAuthentication,
): Fault | undefined => {
  try {
    requireAuthentication(principal, needed, NOW);
    return undefined;
  } catch (error) {
    assert.ok(error instanceof Fault);
    return error;
  }
};

test('B-OA-10: a login that is strong and new enough is let through', () => {
  assert.equal(refusal({ acr: 'mfa' }, { acrValues: ['mfa', 'phr'] }), undefined);
  assert.equal(refusal({ authTimeMs: ago(299) }, { maxAgeSeconds: 300 }), undefined);
  assert.equal(refusal({ authTimeMs: ago(4) }, { maxAgeSeconds: 0 }), undefined, 'clocks differ');
  assert.equal(
    refusal({ acr: 'phr', authTimeMs: ago(10) }, { acrValues: ['phr'], maxAgeSeconds: 60 }),
    undefined,
  );
  assert.equal(refusal({}, {}), undefined);
});

test('B-OA-10: another, an older and an unknown login are refused, with what would do', () => {
  const needed = { acrValues: ['mfa'], maxAgeSeconds: 300 };
  const principals = [
    {},
    { acr: 'mfa' },
    { acr: 'mfa', authTimeMs: ago(306) },
    { acr: 'pwd', authTimeMs: ago(1) },
    { authTimeMs: ago(1) },
    { acr: 'mfa mfa', authTimeMs: ago(1) },
  ];
  for (const principal of principals) {
    const fault = refusal(principal, needed);
    assert.equal(fault?.code, 'INSUFFICIENT_AUTHENTICATION', JSON.stringify(principal));
    assert.equal(fault.row.http, 401);
    assert.deepEqual(fault.data, needed);
  }
});
