import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Outcome } from '../ports.ts';
import {
  ANSWERED,
  brokerOn,
  MemoryJournal,
  Payers,
  plainSettings,
  rejected,
  SILENT,
  THROTTLED,
  VirtualClock,
} from './broker.rig.ts';
import { checkJoins } from './joins.rig.ts';
import { checkKills } from './kills.rig.ts';

async function rig(more: Parameters<typeof brokerOn>[3] = {}) {
  const [clock, journal] = [new VirtualClock(), new MemoryJournal()];
  const payers = new Payers(clock);
  const one = await brokerOn(journal, payers, clock, more);
  return { clock, journal, payers, ...one };
}

const states = (journal: MemoryJournal, checkId: string): string[] =>
  journal.steps.filter((step) => step.checkId === checkId).map(({ state }) => state);

test('a check goes its way: accepted, queued, running, completed, with its events after the fact', async () => {
  const { clock, journal, accept, recorded } = await rig();
  await accept('a');
  await clock.advance(2_000);
  assert.deepEqual(states(journal, 'a'), ['accepted', 'queued', 'running', 'completed']);
  assert.deepEqual(recorded, [{ checkId: 'a', kind: 'answered' }]);
  assert.deepEqual(
    journal.events.map(({ kind }) => kind),
    ['processing', 'completed'],
  );
  const running = journal.steps.find(({ state }) => state === 'running');
  assert.ok((running?.runningUntil ?? 0) >= (running?.at ?? 0) + 95_000, 'until T');
});

test('B-EL-23: equal questions share one call; a fresh one only a call that began after it', async () => {
  const settings = plainSettings({ slots: 1 });
  const { clock, journal, accept, payers, shared } = await rig({ settings });
  await accept('a');
  await accept('b');
  await accept('fresh', { mode: 'REQUIRE_FRESH' });
  await accept('other', { dedupeKey: 'another' });
  await accept('late', { mode: 'REQUIRE_FRESH' });
  await clock.advance(5_000);
  assert.equal(payers.asked.length, 3, 'a with b, fresh with late, other');
  assert.equal(shared(), 2);
  for (const id of ['a', 'b', 'fresh', 'other', 'late']) {
    assert.equal(states(journal, id).at(-1), 'completed', id);
  }
  assert.equal(
    journal.steps.find((s) => s.checkId === 'b' && s.state === 'running'),
    undefined,
  );
  assert.equal(journal.terminals('b')[0]?.flight, 'a');
});

test('B-EL-23: singleflight joins exactly those it may; 10,000 schedules in the full suite', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  await checkJoins({ seed, runs: 30 });
});

test('a person who waits for what a batch asked makes it urgent', async () => {
  const { clock, accept, payers } = await rig({ settings: plainSettings({ slots: 1 }) });
  await accept('blocking', { dedupeKey: 'x' });
  for (let i = 0; i < 5; i++) await accept(`b${i}`, { class: 'batch', dedupeKey: `b${i}` });
  await accept('person', { class: 'live', dedupeKey: 'b4' });
  await clock.advance(1_500);
  assert.equal(payers.asked[1]?.question.reference, 'b4');
});

test('B-EL-24: what each refusal and silence leads to', async () => {
  const cases: readonly [Outcome[], string, number][] = [
    [[rejected('42', 'R'), ANSWERED], 'completed', 2],
    [[rejected('42', 'R')], 'failed', 3],
    [[rejected('42', 'N')], 'failed', 1],
    [[rejected('75')], 'failed', 1],
    [[rejected('79'), rejected('79')], 'failed', 2],
    [[THROTTLED, THROTTLED, THROTTLED, ANSWERED], 'completed', 4],
    [[SILENT, ANSWERED], 'completed', 2],
    [[SILENT], 'timed-out', 3],
    [
      [{ kind: 'misconfigured', why: 'forbidden', reached: 'no', status: 403, fields: [] }],
      'failed',
      1,
    ],
  ];
  for (const [outcomes, state, calls] of cases) {
    const { clock, journal, accept, payers } = await rig();
    payers.answer = (_, call) => ({
      ms: 100,
      outcome: outcomes[Math.min(call, outcomes.length) - 1] ?? ANSWERED,
    });
    await accept('a', { class: 'live', until: clock.now() + 3_600_000 });
    await clock.advance(1_800_000);
    assert.deepEqual([journal.terminals('a')[0]?.state, payers.asked.length], [state, calls]);
    assert.equal(journal.terminals('a').length, 1);
  }
});

test('B-EL-25: what may have reached the payer is asked again only after T, and marked so', async () => {
  const { clock, journal, accept, payers } = await rig();
  payers.answer = (_, call) => ({ ms: 10, outcome: call === 1 ? SILENT : ANSWERED });
  await accept('a', { until: clock.now() + 3_600_000 });
  await clock.advance(90_000);
  assert.equal(payers.asked.length, 1);
  await clock.advance(20_000 + 120_000);
  assert.equal(payers.asked.length, 2);
  assert.ok((payers.asked[1]?.at ?? 0) >= 95_000);
  assert.equal(journal.terminals('a')[0]?.mayHaveReachedPayer, true);
});

test('whoever’s time is over is told; the call goes on, and its late answer is in the twin', async () => {
  const { clock, journal, accept, payers, recorded } = await rig();
  payers.answer = () => ({ ms: 30_000, outcome: ANSWERED });
  await accept('short', { until: clock.now() + 10_000 });
  await accept('long', { until: clock.now() + 60_000 });
  await clock.advance(12_000);
  assert.deepEqual(states(journal, 'short').at(-1), 'timed-out');
  const told = journal.events.find(({ kind }) => kind === 'timed-out');
  assert.ok(told?.kind === 'timed-out' && told.mayStillArrive);
  await clock.advance(20_000);
  assert.equal(states(journal, 'long').at(-1), 'completed');
  assert.equal(journal.terminals('short').length, 1);
  assert.equal(payers.asked.length, 1);
  assert.deepEqual(recorded, [{ checkId: 'short', kind: 'answered' }]);
  const late = journal.events.find((one) => one.checkId === 'short' && one.kind === 'completed');
  assert.ok(late?.kind === 'completed' && late.late);
});

test('a broker that was paused between commit and socket does not call', async () => {
  const { clock, journal, accept, payers } = await rig();
  let paused = false;
  journal.beforeCommit = (steps) => {
    if (paused || !steps.some(({ state }) => state === 'running')) return;
    paused = true;
    clock.skip(200_000);
  };
  await accept('a', { until: clock.now() + 900_000 });
  assert.equal(payers.asked.length, 0);
  await clock.advance(3_000);
  assert.equal(states(journal, 'a').at(-1), 'completed');
  assert.ok(states(journal, 'a').includes('retrying'));
});

test('answers that come while the journal is away can be polled, and are said once it is back', async () => {
  const { clock, journal, accept, broker } = await rig();
  await accept('a');
  journal.away = true;
  await clock.advance(1_500);
  assert.equal(broker.unsaid('a')?.state, 'completed');
  assert.equal(journal.terminals('a').length, 0);
  journal.away = false;
  await clock.advance(10_000);
  assert.equal(journal.terminals('a').length, 1);
  assert.equal(broker.unsaid('a'), undefined);
});

test('P8: killed at some commits, each accepted check ends once; 80 such lives in the full suite', async (t) => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  await checkKills({ seed, runs: 8 });
});
