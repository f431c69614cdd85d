import assert from 'node:assert/strict';
import { test } from 'node:test';
import { renewingToken } from './development.ts';

function issuer(lifeSeconds: number) {
  let issued = 0;
  let nowMs = 0;
  let failing = false;
  const token = renewingToken(
    async () => {
      await Promise.resolve();
      if (failing) throw new Error('away');
      issued += 1;
      return {
        access_token: `t${issued}`,
        token_type: 'Bearer',
        expires_in: lifeSeconds,
        scope: '',
      };
    },
    () => nowMs,
  );
  const at = (minutes: number): Promise<string> => {
    nowMs = minutes * 60_000;
    return token();
  };
  return { at, fail: (now: boolean) => (failing = now) };
}

test('a token of an hour is renewed after 50 minutes, and not before', async () => {
  const { at } = issuer(3600);
  assert.equal(await at(0), 't1');
  assert.equal(await at(49.9), 't1');
  assert.equal(await at(50), 't2');
  assert.equal(await at(99.9), 't2');
});

test('requests at the same time share one renewal', async () => {
  const { at } = issuer(60);
  assert.deepEqual(await Promise.all([at(0), at(0), at(0)]), ['t1', 't1', 't1']);
});

test('a renewal that failed is tried again by the next request', async () => {
  const { at, fail } = issuer(60);
  fail(true);
  await assert.rejects(at(0), /away/);
  fail(false);
  assert.equal(await at(0), 't1');
});
