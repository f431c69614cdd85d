import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock } from '../kernel/clock.ts';
import type { EventLog } from '../twin/ports.ts';
import type { Batch } from './apply.ts';
import { createFeeder } from './feeder.ts';
import { memoryLog } from './test/memory-log.ts';
import { createWaiters } from './waiters.ts';

/** Time that passes at once, in the order of the delays. */
const impatient: Clock = {
  now: () => 0,
  monotonic: () => 0,
  after(_, task) {
    const handle = setImmediate(task);
    return { cancel: () => clearImmediate(handle) };
  },
};

function feederOf(log: EventLog, apply?: (batch: Batch) => Promise<void>) {
  const applied: number[] = [];
  const errors: unknown[] = [];
  const feeder = createFeeder({
    log,
    clock: impatient,
    batchSize: 2,
    places: [-1, -1, -1, -1],
    onError: (error) => errors.push(error),
    async apply(batch) {
      await apply?.(batch);
      applied.push(...batch.records.map(({ offset }) => offset));
    },
  });
  return { feeder, applied, errors };
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);

test('catches up, then follows, in order and once', async () => {
  const { log, append } = memoryLog();
  append(5);
  const { feeder, applied } = feederOf(log);
  await feeder.catchUp();
  assert.deepEqual(applied, upTo(5));
  append(1);
  feeder.follow();
  for (const count of [1, 3, 2]) append(count);
  await until(() => applied.length >= 12);
  await feeder.stop();
  assert.deepEqual(applied, upTo(12));
});

test('who follows is not asked where the log ends', async () => {
  const { log, append } = memoryLog();
  append(3);
  const asked: number[] = [];
  const far: EventLog = {
    ...log,
    read: (partition, offset, limit) => {
      asked.push(partition);
      return log.read(partition, offset, limit);
    },
    readTold: (partition, offset, limit) => log.read(partition, offset, limit),
  };
  const { feeder, applied } = feederOf(far);
  await feeder.catchUp();
  const before = asked.length;
  feeder.follow();
  for (const count of [1, 4]) append(count);
  await until(() => applied.length >= 8);
  await feeder.stop();
  assert.deepEqual([applied, asked.length], [upTo(8), before]);
});

test('an error is tried again from the same place, and told', async () => {
  const { log, append, fail } = memoryLog();
  let refusals = 3;
  const { feeder, applied, errors } = feederOf(log, async () => {
    if (refusals-- > 0) throw new Error('disk full');
  });
  feeder.follow();
  fail(2);
  append(4);
  await until(() => applied.length === 4);
  await feeder.stop();
  assert.deepEqual(applied, upTo(4));
  assert.ok(errors.length >= 4);
});

test('catching up fails when the log cannot be read', async () => {
  const { log, fail } = memoryLog();
  fail(1);
  await assert.rejects(feederOf(log).feeder.catchUp(), /log away/);
});

test('offsets that compaction removed at the end are not waited for', async () => {
  const { log, append } = memoryLog(7);
  append(3);
  const batches: Batch[] = [];
  const { feeder } = feederOf(log, async (batch) => {
    batches.push(batch);
  });
  await feeder.catchUp();
  assert.deepEqual([batches.at(-1)?.records, batches.at(-1)?.upTo], [[], 6]);
});

test('stopping ends a wait between two tries', async () => {
  const { log, append } = memoryLog();
  const never: Clock = { ...impatient, after: () => ({ cancel: () => undefined }) };
  const feeder = createFeeder({
    log,
    clock: never,
    batchSize: 2,
    places: [-1, -1, -1, -1],
    onError: () => undefined,
    apply: () => Promise.reject(new Error('disk full')),
  });
  feeder.follow();
  append(1);
  await new Promise((resolve) => setImmediate(resolve));
  await feeder.stop();
});

test('waiters are woken at their place, and give up in time', async () => {
  const patient: Clock = { ...impatient, after: () => ({ cancel: () => undefined }) };
  const waiters = createWaiters(patient);
  const first = waiters.wait({ partition: 1, offset: 3 }, 10);
  const second = waiters.wait({ partition: 1, offset: 9 }, 10);
  waiters.reached(0, 100);
  waiters.reached(1, 5);
  assert.equal(await first, true);
  waiters.end();
  assert.equal(await second, false);
  assert.equal(await createWaiters(impatient).wait({ partition: 1, offset: 0 }, 10), false);
});
