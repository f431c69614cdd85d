import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../ports.ts';
import { PacedAdmission } from './admission.ts';

test('B-GW-12: T12 a crowd is let in at a steady rate, in its order, and who waits too long is told', async () => {
  let now = 0;
  let timers: { at: number; task: () => void }[] = [];
  const clock = {
    now: () => now,
    monotonic: () => now,
    after(delayMs: number, task: () => void) {
      timers.push({ at: now + delayMs, task });
      return { cancel: () => undefined };
    },
  };
  const pass = async (ms: number): Promise<void> => {
    for (const end = now + ms; now < end; ) {
      now += 10;
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { task } of due) task();
      await new Promise(setImmediate);
    }
  };
  const admission = new PacedAdmission(clock, 100);
  const admitted: string[] = [];
  const gone = { id: 'gone', isOpen: false } as Connection;
  const crowd = Array.from({ length: 300 }, (_, n) => ({ id: `${n}`, isOpen: true }) as Connection);
  for (const connection of [...crowd.slice(0, 20), gone, ...crowd.slice(20)]) {
    void admission.admit(connection, 2_000).then((may) => {
      if (may) admitted.push(connection.id);
    });
  }
  await pass(0);
  assert.equal(admitted.length, 10, 'a tenth of a second at once');
  await pass(1_000);
  assert.ok(Math.abs(admitted.length - 110) <= 2, `${admitted.length}`);
  await pass(5_000);
  assert.ok(Math.abs(admitted.length - 210) <= 3, `${admitted.length}: two seconds, then no more`);
  assert.deepEqual(
    admitted,
    crowd.slice(0, admitted.length).map(({ id }) => id),
  );
  assert.equal(admission.parked, 0);
});
