import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSchedules, checkShares } from './properties.rig.ts';
import { type Arrival, Simulation } from './schedule.rig.ts';
import { Scheduler } from './scheduler.ts';
import { SCHEDULER_DEFAULTS, type SchedulerSettings, type Ticket } from './types.ts';

const FOREVER = Number.POSITIVE_INFINITY;

function ticket(id: string, over: Partial<Ticket> = {}): Ticket {
  return { id, class: 'live', tenant: 't', payer: 'p', since: 0, until: FOREVER, ...over };
}

function scheduler(over: Partial<SchedulerSettings> = {}): Scheduler {
  return new Scheduler({ ...SCHEDULER_DEFAULTS, payerShare: 1, liveShare: 0, ...over });
}

const ids = (tickets: readonly Ticket[]): string[] => tickets.map(({ id }) => id);

test('B-EL-21: some schedules; 10,000 stand in the full suite', (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  checkSchedules({ seed, runs: 300 });
  checkShares({ seed, runs: 150 });
});

test('a clearinghouse that refuses is asked for less, and for more again when it went well', () => {
  const s = scheduler({ slots: 4 });
  for (const id of 'abcdefgh') s.offer(ticket(id), 0);
  assert.deepEqual(ids(s.next(0)), ['a', 'b', 'c', 'd']);
  s.settle('d', 'throttled', 10);
  assert.equal(s.status(10).slots, 3);
  s.settle('c', 'throttled', 11);
  assert.equal(s.status(11).slots, 2);
  assert.deepEqual(s.next(12), []);
  const { afterMs } = SCHEDULER_DEFAULTS.recovery;
  assert.equal(s.wakeAt(12), 11 + afterMs);
  assert.equal(s.next(11 + afterMs).length, 1);
  // The slot more was refused: the next try comes after twice the time.
  s.settle('e', 'throttled', 12 + afterMs);
  assert.equal(s.status(12 + afterMs).slots, 2);
  assert.equal(s.wakeAt(13 + afterMs), 12 + 3 * afterMs);
});

test('a payer that does not answer is left alone, then asked once, and others go on', () => {
  const s = scheduler({ slots: 2 });
  const { least, openMs } = SCHEDULER_DEFAULTS.breaker;
  for (let i = 0; i < least; i++) {
    s.offer(ticket(`dead${i}`, { payer: 'dead' }), 0);
    s.next(0);
    s.settle(`dead${i}`, 'payer-failed', 0);
  }
  for (const id of ['x', 'y']) s.offer(ticket(id, { payer: 'dead' }), 1);
  s.offer(ticket('z', { payer: 'well' }), 1);
  assert.deepEqual(ids(s.next(1)), ['z']);
  assert.equal(s.wakeAt(1), openMs);
  assert.deepEqual(ids(s.next(openMs)), ['x'], 'one probe');
  s.settle('x', 'answered', openMs + 1);
  assert.deepEqual(ids(s.next(openMs + 1)), ['y']);
});

test('one payer never takes all slots', () => {
  const s = scheduler({ slots: 10, payerShare: 0.6 });
  for (let i = 0; i < 10; i++) s.offer(ticket(`slow${i}`, { payer: 'slow' }), 0);
  assert.equal(s.next(0).length, 6);
  s.offer(ticket('other', { payer: 'other' }), 1);
  assert.deepEqual(ids(s.next(1)), ['other']);
});

test('some slots wait for people while there have been any lately, and for nobody else', () => {
  const s = scheduler({ slots: 10, liveShare: 0.2, liveWindowMs: 1_000 });
  for (let i = 0; i < 20; i++) s.offer(ticket(`b${i}`, { class: 'batch' }), 0);
  s.offer(ticket('person', {}), 0);
  assert.equal(s.next(0).length, 9, 'eight of a batch and a person');
  assert.equal(s.wakeAt(0), 1_000);
  assert.equal(s.next(1_000).length, 1, 'nobody came: nothing stands idle');
});

test('a batch under a flood of people is served all the same', () => {
  const flood: Arrival[] = Array.from({ length: 900 }, (_, index) => ({
    at: index,
    ticket: { class: 'live', tenant: `t${index % 5}`, payer: 'p', until: FOREVER },
    calls: [{ ms: 1_000, ending: 'answered' }],
  }));
  const one: Arrival = {
    at: 500,
    ticket: { class: 'batch', tenant: 'b', payer: 'p', until: FOREVER },
    calls: [{ ms: 1_000, ending: 'answered' }],
  };
  const waitMsMax = { live: FOREVER, async: FOREVER, batch: FOREVER };
  const settings = { ...SCHEDULER_DEFAULTS, slots: 4, payerShare: 1, waitMsMax };
  const trace = new Simulation(settings, [...flood, one]).run();
  const after = [...trace.startedAt.values()].filter((at) => at > 30_000).length;
  assert.ok((trace.startedAt.get('501') ?? FOREVER) < 30_000, 'it waited for the whole flood');
  assert.ok(after > 100, 'the flood was no flood');
});

test('whoever would wait too long is told so at once, with how long', () => {
  const s = scheduler({ slots: 1, waitMsMax: { live: 10_000, async: FOREVER, batch: FOREVER } });
  const answers = Array.from({ length: 9 }, (_, i) => s.offer(ticket(`c${i}`), 0));
  const refused = answers.filter(({ taken }) => !taken);
  assert.ok(refused.length > 0);
  for (const { expectedWaitMs } of refused) assert.ok(expectedWaitMs > 10_000);
  const bounded = scheduler({ tenantWaitingMax: 1 });
  bounded.offer(ticket('a'), 0);
  const second = bounded.offer(ticket('b'), 0);
  assert.ok(!second.taken && second.why === 'tenant-full');
  assert.ok(bounded.offer(ticket('c', { tenant: 'u' }), 0).taken);
});

test('a promoted check stands where its age belongs', () => {
  const s = scheduler({ slots: 1 });
  const old = ticket('old', { class: 'batch', since: 0 });
  s.offer(old, 0);
  s.offer(ticket('young', { since: 5 }), 5);
  assert.equal(s.promote(old, 'live', 6)?.class, 'live');
  assert.deepEqual(ids(s.next(6)), ['old']);
  assert.equal(s.promote(old, 'live', 7), undefined, 'it waits no longer');
});

test('slots that a former broker holds count until they are settled', () => {
  const s = scheduler({ slots: 2 });
  s.hold('theirs', 'p', 'live', 0);
  for (const id of 'ab') s.offer(ticket(id), 0);
  assert.deepEqual(ids(s.next(0)), ['a']);
  s.settle('theirs', 'unsaid', 1);
  assert.deepEqual(ids(s.next(1)), ['b']);
});
