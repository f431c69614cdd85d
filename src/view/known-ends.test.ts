import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Clock, systemClock } from '../kernel/clock.ts';
import { createKnownEnds } from './known-ends.ts';

/** A log whose answers come when the test gives them. */
function slowLog() {
  const asked: PromiseWithResolvers<number[]>[] = [];
  return {
    asked,
    ends(): Promise<number[]> {
      const answer = Promise.withResolvers<number[]>();
      asked.push(answer);
      return answer.promise;
    },
  };
}

/** No time passes between the two looks. */
const clock: Clock = {
  ...systemClock,
  after(_delayMs, task) {
    task();
    return { cancel: () => undefined };
  },
};

const at = (offset: number) => ({ partition: 0, offset });
const turn = () => new Promise((resolve) => setImmediate(resolve));

async function answer(log: ReturnType<typeof slowLog>, which: number, ends: number[]) {
  assert.ok(log.asked[which], 'the log was asked');
  log.asked[which].resolve(ends);
  await turn();
}

test('the log is asked only for a place past all that is known', async () => {
  const log = slowLog();
  const ends = createKnownEnds(log, clock);
  const first = ends.isPast(at(4));
  log.asked[0]?.resolve([5]);
  assert.equal(await first, false);
  assert.equal(await ends.isPast(at(4)), false);
  assert.equal(log.asked.length, 1);
  const past = ends.isPast(at(5));
  await answer(log, 1, [5]);
  await answer(log, 2, [5]);
  assert.equal(await past, true);
  const unknown = ends.isPast({ partition: 9, offset: 0 });
  await answer(log, 3, [5]);
  await answer(log, 4, [5]);
  assert.equal(await unknown, true);
});

test('a commit that the log shows a moment after it was acknowledged is not past its end', async () => {
  const log = slowLog();
  const own = createKnownEnds(log, clock).isPast(at(7));
  await answer(log, 0, [7]);
  await answer(log, 1, [8]);
  assert.equal(await own, false);
});

test('who comes during a question shares the next one: its answer may be too old for them', async () => {
  const log = slowLog();
  const ends = createKnownEnds(log, clock);
  const early = ends.isPast(at(6));
  // The log grows while the first question is under way.
  const late = [ends.isPast(at(7)), ends.isPast(at(8))];
  await answer(log, 0, [7]);
  assert.equal(await early, false);
  assert.equal(log.asked.length, 2);
  await answer(log, 1, [9]);
  assert.deepEqual(await Promise.all(late), [false, false]);
  assert.equal(log.asked.length, 2);
});

test('while the log is away no place is said to be past its end', async () => {
  const log = slowLog();
  const ends = createKnownEnds(log, clock);
  const both = [ends.isPast(at(1)), ends.isPast(at(2))];
  log.asked[0]?.reject(new Error('log away'));
  await turn();
  log.asked[1]?.reject(new Error('log away'));
  assert.deepEqual(await Promise.all(both), [false, false]);
  const again = ends.isPast(at(1));
  await answer(log, 2, [1]);
  await answer(log, 3, [1]);
  assert.equal(await again, true);
});
