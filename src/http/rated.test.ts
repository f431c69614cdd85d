import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../kernel/limits.ts';
import { createRate } from '../kernel/rate.ts';
import type { Principal } from '../twin/ports.ts';
import type { Authenticator } from './parts.ts';
import { rated } from './rated.ts';

const PER_SECOND = 2;
const BURST = PER_SECOND * LIMITS.requestBurstSeconds;

function opened() {
  let nowMs = 0;
  const inner = {
    authenticate: ([subject, tenant]: readonly string[]) =>
      Promise.resolve({ subject, tenant, kind: 'user', clientId: 'c' } as unknown as Principal),
  } as Authenticator;
  const outer = rated(
    inner,
    (_, options) => createRate({ monotonic: () => nowMs }, options),
    PER_SECOND,
  );
  const passed = async (subject: string, tenant: string, times: number): Promise<number> => {
    let count = 0;
    for (let n = 0; n < times; n += 1) {
      const refused = await outer.authenticate([subject, tenant]).then(
        () => undefined,
        (error: { code?: string }) => error.code,
      );
      if (refused === undefined) count += 1;
      else assert.equal(refused, 'RATE_LIMITED');
    }
    return count;
  };
  return { passed, pass: (ms: number) => (nowMs += ms) };
}

test('B-MC-16: a principal in a loop is slowed down, and nobody else with it', async () => {
  const { passed, pass } = opened();
  assert.equal(await passed('ana', 'demo', BURST + 50), BURST);
  assert.equal(await passed('ben', 'demo', BURST), BURST);
  pass(1_000);
  assert.equal(await passed('ana', 'demo', 50), PER_SECOND);
});

test('B-MC-16: many principals of one tenant leave another tenant its share', async () => {
  const { passed } = opened();
  const whole = BURST * LIMITS.tenantRequestsFactor;
  let sum = 0;
  for (let n = 0; n < LIMITS.tenantRequestsFactor + 5; n += 1) {
    sum += await passed(`user-${n}`, 'demo', BURST);
  }
  assert.equal(sum, whole);
  assert.equal(await passed('ana', 'other', BURST), BURST);
});
