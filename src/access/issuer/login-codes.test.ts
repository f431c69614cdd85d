import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../../kernel/errors.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { ManualClock } from '../decisions.rig.ts';
import { createLoginCodes } from './login-codes.ts';

test('B-AS-9: a code is for one login of one person, and ends by itself', () => {
  const clock = new ManualClock();
  const codes = createLoginCodes(clock);
  const { code, as } = codes.make({ as: 'user:ben' });
  assert.equal(as, 'ben');
  assert.match(code, /^[a-z2-7]{4}-[a-z2-7]{4}-[a-z2-7]{4}$/);
  const typed = ` ${code.toUpperCase().replaceAll('-', ' ')}`;
  assert.deepEqual(codes.take(typed), { subject: 'ben', tenant: 'demo' });
  assert.equal(codes.take(code), undefined);
  const late = codes.make({ as: 'ben', tenant: 'acme' });
  clock.advance(LIMITS.issuer.codeTtlMs);
  assert.equal(codes.take(late.code), undefined);
});

test('B-AS-9: who guesses ends what is open, and few are open at once', () => {
  const codes = createLoginCodes(new ManualClock());
  const { code } = codes.make({ as: 'ben' });
  for (let n = 0; n < LIMITS.issuer.codeTriesMax; n += 1) codes.take('aaaa-bbbb-cccc');
  assert.equal(codes.take(code), undefined);
  for (let n = 0; n < LIMITS.issuer.codesMax; n += 1) codes.make({ as: `p${n}` });
  assert.throws(
    () => codes.make({ as: 'one-more' }),
    (error) => error instanceof Fault && error.code === 'RATE_LIMITED',
  );
});

test('B-AS-9: a code is for a subject and a tenant as tokens have them', () => {
  const codes = createLoginCodes(new ManualClock());
  for (const request of [
    {},
    { as: '' },
    { as: 'a b' },
    { as: 'x', tenant: 'a/b' },
    { as: 'x', y: 1 },
  ]) {
    assert.throws(() => codes.make(request), Fault, JSON.stringify(request));
  }
});
