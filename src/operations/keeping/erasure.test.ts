import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../kernel/clock.ts';
import { createErasure } from './erasure.ts';

/** An instance whose view knows of somebody who was forgotten, elsewhere perhaps. */
function instance(start: { forgotten?: string; done?: string }) {
  const state = { ...start, runs: 0, failing: false };
  const timers: (() => void)[] = [];
  const errors: unknown[] = [];
  const erasure = createErasure({
    log: {
      async purge() {
        state.runs += 1;
        if (state.failing) throw new Error('a reader holds the file');
      },
    },
    outbox: { purge: () => Promise.resolve() },
    view: { purge: () => Promise.resolve({ snapshotsRemoved: 1 }) },
    forgottenAt: () => state.forgotten,
    done: {
      read: () => Promise.resolve(state.done),
      async write(at) {
        state.done = at;
      },
    },
    clock: {
      ...systemClock,
      after(_delayMs, task) {
        timers.push(task);
        return { cancel: () => void timers.splice(0) };
      },
    },
    onError: (error) => errors.push(error),
  });
  const later = async (): Promise<void> => {
    for (const task of timers.splice(0)) task();
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return { erasure, state, errors, later };
}

test('B-RT-1: an instance that hears of it writes its files anew once, however many were forgotten', async () => {
  const { erasure, state, later } = instance({});
  await erasure.start();
  state.forgotten = '2026-11-30T10:00:00Z';
  for (let times = 0; times < 3; times += 1) erasure.heard();
  await later();
  assert.deepEqual([state.runs, state.done], [1, state.forgotten]);
  erasure.heard();
  await later();
  assert.equal(state.runs, 1, 'it is done already');
  await erasure.stop();
});

test('B-RT-1: what was not ended is ended at the next start, and an error is told', async () => {
  const { erasure, state, errors, later } = instance({
    ...{ forgotten: '2026-11-30T10:00:00Z', done: '2026-11-29T00:00:00Z' },
  });
  state.failing = true;
  await erasure.start();
  await later();
  assert.deepEqual([state.runs, errors.length, state.done], [1, 1, '2026-11-29T00:00:00Z']);
  state.failing = false;
  await erasure.start();
  await later();
  assert.deepEqual([state.runs, state.done], [2, '2026-11-30T10:00:00Z']);
  assert.deepEqual(await erasure.run(), { snapshotsRemoved: 1 });
  await erasure.stop();
});

test('who asks while it runs gets the run after it: nothing that came meanwhile is left', async () => {
  const { erasure, state } = instance({});
  await Promise.all([erasure.run(), erasure.run()]);
  const first = state.runs;
  const running = erasure.run();
  await Promise.resolve();
  await Promise.resolve();
  await Promise.all([running, erasure.run()]);
  assert.ok(state.runs > first);
});
