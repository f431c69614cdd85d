import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PresenceChange } from '../ports.ts';
import { GRACE_MS, MemoryPresence } from './memory-presence.ts';

function room() {
  let now = 0;
  const timers = new Set<{ at: number; task: () => void }>();
  const clock = {
    now: () => now,
    monotonic: () => now,
    after(delayMs: number, task: () => void) {
      const timer = { at: now + delayMs, task };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
  };
  const pass = (ms: number): void => {
    now += ms;
    for (const timer of [...timers].filter(({ at }) => at <= now)) {
      timers.delete(timer);
      timer.task();
    }
  };
  const presence = new MemoryPresence({ clock });
  const told: string[] = [];
  presence.onChange(({ kind, user }: PresenceChange) => told.push(`${kind} ${user.id}`));
  return { presence, told, pass };
}

test('B-GW-8: T16 two connections of one user are one; a return within the grace shows no flap', async () => {
  const { presence, told, pass } = room();
  await presence.join('c', { id: 'ana' }, '1', 100);
  await presence.join('c', { id: 'ana' }, '2', 100);
  await presence.leave('c', '1');
  pass(2 * GRACE_MS);
  await presence.leave('c', '2');
  pass(GRACE_MS - 1);
  await presence.join('c', { id: 'ana' }, '3', 100);
  pass(2 * GRACE_MS);
  assert.deepEqual(told, ['member_added ana']);
  await presence.leave('c', '3');
  pass(GRACE_MS);
  assert.deepEqual(told, ['member_added ana', 'member_removed ana']);
  assert.deepEqual(await presence.users('c'), []);
});

test('T16 past the most that may be present nobody new is let in', async () => {
  const { presence } = room();
  for (const id of ['1', '2', '3']) await presence.join('c', { id }, id, 3);
  await assert.rejects(presence.join('c', { id: '4' }, '4', 3), { code: 'RATE_LIMITED' });
  assert.equal((await presence.join('c', { id: '3' }, 'another', 3)).length, 3);
});
