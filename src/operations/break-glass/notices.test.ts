import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Clock, Timer } from '../../kernel/clock.ts';
import { type BreakGlassNotice, type Kept, stepRecord } from '../../twin/break-glass.ts';
import type { SourceRecord, View } from '../../twin/ports.ts';
import { createNotices } from './notices.ts';

/** A clock that is moved by hand, its timers in order. */
function handClock(startMs: number) {
  let nowMs = startMs;
  const timers = new Map<object, { atMs: number; task: () => void }>();
  const clock: Clock = {
    now: () => nowMs,
    monotonic: () => nowMs,
    after(delayMs, task): Timer {
      const key = {};
      timers.set(key, { atMs: nowMs + delayMs, task });
      return { cancel: () => void timers.delete(key) };
    },
  };
  const to = async (atMs: number): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    for (;;) {
      const [next] = [...timers].sort(([, a], [, b]) => a.atMs - b.atMs);
      if (next === undefined || next[1].atMs > atMs) break;
      timers.delete(next[0]);
      nowMs = Math.max(nowMs, next[1].atMs);
      next[1].task();
      await new Promise((resolve) => setImmediate(resolve));
    }
    nowMs = atMs;
  };
  return { clock, to, waiting: () => timers.size };
}

const START = Date.parse('2026-11-30T12:00:00Z');
const MINUTE_MS = 60_000;
const at = (minutes: number): string => new Date(START + minutes * MINUTE_MS).toISOString();

function caseAt(id: string, from: number, until: number): Kept {
  const who = { tenant: 'demo', member: 'ana', person: 'eve', client: 'cli' };
  return { ...who, id, reason: 'BTG', text: 'why', opened: at(from), until: at(until) };
}

function recordOf(of: Kept): SourceRecord {
  const { person, client, reason, text, opened, until } = of;
  const says = { person, client, reason, text, opened, until };
  const record = stepRecord('opened', of, says, 'eve');
  return { ...record, provenance: { ...record.provenance, recorded: of.opened } };
}

function room(...kept: Kept[]) {
  const hand = handClock(START);
  const told: string[] = [];
  const troubles: unknown[] = [];
  let away = false;
  const shard = { controls: () => kept.map(recordOf) };
  const notices = createNotices({
    view: { shards: () => [shard] } as unknown as Pick<View, 'shards'> & View,
    clock: hand.clock,
    async tell({ step, of, at: when, by }: BreakGlassNotice) {
      if (away) throw new Error('away');
      told.push(`${of.id} ${step} ${when.slice(11, 16)} ${by ?? ''}`.trim());
    },
    onTrouble: (error) => troubles.push(error),
  });
  const setAway = (now: boolean): void => {
    away = now;
  };
  return { notices, told, troubles, setAway, ...hand };
}

test('B-BG-5: opening is told at once, and the end by its own time at that instant', async () => {
  const { notices, told, to } = room();
  notices.opened(caseAt('c1', 0, 60));
  await to(START + 59 * MINUTE_MS);
  assert.deepEqual(told, ['c1 opened 12:00 eve']);
  await to(START + 60 * MINUTE_MS);
  assert.deepEqual(told.slice(1), ['c1 ended 13:00']);
});

test('B-BG-5: an end before its time is told once, with who ended it', async () => {
  const { notices, told, to, waiting } = room();
  const opened = caseAt('c1', 0, 60);
  notices.opened(opened);
  notices.ended({ ...opened, ended: at(5), endedBy: 'olaf' });
  await to(START + 90 * MINUTE_MS);
  assert.deepEqual(told, ['c1 opened 12:00 eve', 'c1 ended 12:05 olaf']);
  assert.equal(waiting(), 0);
});

test('B-BG-5: what could not be told is told again until it is', async () => {
  const { notices, told, troubles, to, setAway } = room();
  setAway(true);
  notices.opened(caseAt('c1', 0, 60));
  await to(START + 10_000);
  assert.ok(troubles.length > 2);
  setAway(false);
  await to(START + 2 * MINUTE_MS);
  assert.deepEqual(told, ['c1 opened 12:00 eve']);
});

test('B-BG-5: a start tells again of the last day, and takes up what is open', async () => {
  const day = 24 * 60;
  const { notices, told, to } = room(
    caseAt('open', -30, 30),
    caseAt('ended', -120, -60),
    caseAt('old', -3 * day, -2 * day),
  );
  await notices.start();
  await to(START + 31 * MINUTE_MS);
  const wanted = ['open opened 11:30 eve', 'ended opened 10:00 eve', 'ended ended 11:00'];
  assert.deepEqual(told, [...wanted, 'open ended 12:30']);
  await notices.stop();
});
