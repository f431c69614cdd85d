import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { systemClock } from '../kernel/clock.ts';
import { createChangeBus } from '../twin/change-bus.ts';
import type { EventLog } from '../twin/ports.ts';
import { createView } from './embedded.ts';
import { memoryLog } from './test/memory-log.ts';
import { PARTITION } from './test/records.ts';

const DAY_MS = 24 * 3_600_000;
const PROJECTION = new URL('./test/projection.ts?version=1', import.meta.url).href;

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'twin-view-'));
});
afterEach(() => rm(dataDir, { recursive: true }));

/** A view by a clock of its own, whose timers end when the test says so. */
async function open(log: EventLog, nowMs: number) {
  const readFrom: number[] = [];
  const timers: (() => void)[] = [];
  let now = nowMs;
  const view = createView({
    dataDir,
    log: {
      ...log,
      read(partition, offset, limit) {
        readFrom[partition] ??= offset;
        return log.read(partition, offset, limit);
      },
    },
    bus: createChangeBus(assert.ifError),
    etagKey: new Uint8Array(32),
    clock: {
      ...systemClock,
      now: () => now,
      after(_delayMs, task) {
        timers.push(task);
        return { cancel: () => void timers.splice(timers.indexOf(task), 1) };
      },
    },
    onError: (error) => assert.fail(String(error)),
    projection: PROJECTION,
  });
  await view.start();
  return {
    anew: readFrom[PARTITION] === 0,
    timers,
    wait(ms: number) {
      now += ms;
      for (const task of timers.splice(0)) task();
    },
    stop: () => view.stop(),
  };
}

test('B-LV-10: a view is as new as its last look at the end of a log where nothing happens', async () => {
  const { log, append } = memoryLog();
  append(3);
  const first = await open(log, 100 * DAY_MS);
  assert.equal(first.anew, true);
  await first.stop();
  const second = await open(log, 122 * DAY_MS);
  assert.equal(second.anew, false);
  assert.equal(second.timers.length, 1);
  second.wait(20 * DAY_MS);
  assert.equal(second.timers.length, 1);
  await second.stop();
  const third = await open(log, 164 * DAY_MS);
  assert.equal(third.anew, false);
  await third.stop();
  const fourth = await open(log, 187 * DAY_MS);
  assert.equal(fourth.anew, true);
  await fourth.stop();
});
