import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../decisions.rig.ts';
import { CircuitBreaker } from './breaker.ts';

const AWAY = new Error('away');
const NO = new Error('not in the schema');

function breaker() {
  const clock = new ManualClock();
  const breaker = new CircuitBreaker(clock);
  let asked = 0;
  const call = (outcome: Error | undefined) =>
    breaker
      .run(
        async () => {
          asked++;
          if (outcome !== undefined) throw outcome;
          return 'answer';
        },
        (error) => error === AWAY,
      )
      .catch((error: unknown) => error);
  return { clock, breaker, call, asked: () => asked };
}

test('F5: after five calls without an answer one is let through in half a second', async () => {
  const { clock, breaker: one, call, asked } = breaker();
  for (let index = 0; index < 5; index++) assert.equal(await call(AWAY), AWAY);
  assert.equal(one.open, true);
  const storm = await Promise.all(Array.from({ length: 1_000 }, () => call(AWAY)));
  assert.equal(asked(), 6, 'one of a thousand');
  assert.equal(storm.filter((error) => error === AWAY).length, 1);
  clock.advance(499);
  await call(AWAY);
  assert.equal(asked(), 6);
  clock.advance(1);
  await call(AWAY);
  assert.equal(asked(), 7);
});

test('one answer closes it for all', async () => {
  const { clock, call } = breaker();
  for (let index = 0; index < 5; index++) await call(AWAY);
  await call(AWAY);
  clock.advance(500);
  assert.equal(await call(undefined), 'answer');
  assert.deepEqual(await Promise.all([call(undefined), call(undefined)]), ['answer', 'answer']);
});

test('a no is an answer, and failures must follow each other', async () => {
  const { breaker: one, call } = breaker();
  for (let index = 0; index < 20; index++) await call(NO);
  for (let index = 0; index < 20; index++) await call(index % 5 === 4 ? undefined : AWAY);
  assert.equal(one.open, false);
});
