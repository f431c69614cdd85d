import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LIMITS } from '../../kernel/limits.ts';
import type { CheckQuery, Consistency } from './engine.ts';
import { gatheredChecks } from './gathered.ts';

const NEWEST: Consistency = { kind: 'at-least', zedToken: 'z1' };
const FULL: Consistency = { kind: 'full' };

function question(user: string, member: string): CheckQuery {
  const subject = { type: 'user', id: user };
  return { subject, permission: 'view_profile', object: { type: 'member', id: member } };
}

/** Each user may read the member of the same name; whoever asks for `bad` is refused. */
function stage(refusal: object = { code: 3 }) {
  const calls: { items: number; consistency: string }[] = [];
  const check = gatheredChecks({
    async check(items, consistency) {
      calls.push({ items: items.length, consistency: consistency.kind });
      if (items.some(({ object }) => object.id === 'bad')) {
        throw Object.assign(new Error('refused'), refusal);
      }
      const allowed = items.map(({ subject, object }) => subject.id === object.id);
      return { allowed, zedToken: `at ${calls.length}` };
    },
  });
  return { check, calls };
}

test('what is asked at one moment is one call, and each gets the answers to its own', async () => {
  const { check, calls } = stage();
  const answers = await Promise.all([
    check([question('ana', 'ana'), question('ana', 'ben')], NEWEST),
    check([question('ben', 'ana')], NEWEST),
    check([question('ben', 'ben'), question('ana', 'ana')], NEWEST),
  ]);
  const allowed = answers.map((one) => one.allowed);
  assert.deepEqual(allowed, [[true, false], [false], [true, true]]);
  assert.deepEqual(calls, [{ items: 4, consistency: 'at-least' }]);
  assert.deepEqual((await check([question('ben', 'ana')], NEWEST)).allowed, [false]);
  assert.equal(calls.length, 2);
});

test('questions that must be fresher are asked by themselves', async () => {
  const { check, calls } = stage();
  await Promise.all([
    check([question('ana', 'ana')], NEWEST),
    check([question('ben', 'ben')], FULL),
    check([question('eva', 'eva')], { kind: 'at-least', zedToken: 'z2' }),
  ]);
  const kinds = calls.map(({ consistency }) => consistency);
  assert.deepEqual(kinds, ['at-least', 'full', 'at-least']);
});

test('a question that is refused fails nobody else’s', async () => {
  const { check, calls } = stage();
  const [good, bad] = await Promise.allSettled([
    check([question('ana', 'ana')], NEWEST),
    check([question('ben', 'bad')], NEWEST),
  ]);
  assert.deepEqual(good.status === 'fulfilled' && good.value.allowed, [true]);
  assert.equal(bad.status, 'rejected');
  assert.equal(calls.length, 3);
});

test('where nothing answers, nobody asks again', async () => {
  const { check, calls } = stage({ code: 14 });
  const asked = [check([question('ana', 'ana')], NEWEST), check([question('ben', 'bad')], NEWEST)];
  const settled = (await Promise.allSettled(asked)).map(({ status }) => status);
  assert.deepEqual(settled, ['rejected', 'rejected']);
  assert.equal(calls.length, 1);
});

test('no call has more questions than SpiceDB takes', async () => {
  const { check, calls } = stage();
  const half = LIMITS.checkItemsMax / 2;
  const many = (user: string): CheckQuery[] =>
    Array.from({ length: half }, (_, index) => question(user, `m${index}`));
  await Promise.all(['a', 'b', 'c'].map((user) => check(many(user), NEWEST)));
  assert.deepEqual(
    calls.map(({ items }) => items),
    [2 * half, half],
  );
});

test('while the engine is busy, whatever comes waits and goes together', async () => {
  const calls: number[] = [];
  const open: (() => void)[] = [];
  const check = gatheredChecks({
    checksAtOnce: 1,
    async check(items) {
      calls.push(items.length);
      await new Promise<void>((resolve) => open.push(resolve));
      return { allowed: items.map(() => true), zedToken: 'z' };
    },
  });
  const first = check([question('ana', 'ana')], NEWEST);
  await Promise.resolve();
  const others = ['ben', 'eva', 'dov'].map(async (name) => {
    await new Promise(setImmediate);
    return await check([question(name, name)], NEWEST);
  });
  const fresh = check([question('cleo', 'cleo')], FULL);
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  assert.deepEqual(calls, [1], 'one is under way');
  for (const done of [first, fresh]) {
    open.shift()?.();
    await done;
    await new Promise(setImmediate);
  }
  open.shift()?.();
  await Promise.all(others);
  assert.deepEqual(calls, [1, 1, 3]);
});
