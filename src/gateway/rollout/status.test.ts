import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { type ComparisonReport, ROLLOUT_FLAGS, type RolloutGate } from '../../contract/rollout.ts';
import { systemClock } from '../../kernel/clock.ts';
import { createRolloutDesk, type RolloutDesk } from './desk.ts';
import { RolloutRecords } from './records.ts';

const HOUR_MS = 3_600_000;
const FORMER = { appKey: 'K', host: 'ws-eu.pusher.com', port: 443 };
const { events } = ROLLOUT_FLAGS;
let nowMs: number;
let percent: number;
let records: RolloutRecords;
let desk: RolloutDesk;

beforeEach(() => {
  nowMs = Date.parse('2026-11-30T10:00:00Z');
  percent = 0;
  const clock = { ...systemClock, now: () => nowMs };
  records = new RolloutRecords(':memory:', clock);
  const rollout = (flag: string): number => (flag === events ? percent : 0);
  desk = createRolloutDesk({ records, clock, rollout, former: FORMER });
});
afterEach(() => records.close());

const report = (more: Partial<ComparisonReport> = {}): ComparisonReport => ({
  ...{ from: '2026-11-30T09:00:00Z', to: '2026-11-30T09:10:00Z', both: 100 },
  ...{ onlyGateway: 0, onlyPusher: 0, repeated: { gateway: 0, pusher: 0 } },
  latencyMs: { gateway: { p50: 5, p99: 20 }, pusher: { p50: 60, p99: 200 } },
  ...more,
});

function gate(): RolloutGate {
  const found = desk.status().gates.find(({ flag }) => flag === events);
  assert.ok(found);
  return found;
}
const shut = (): string[] =>
  gate()
    .checks.filter(({ passed }) => !passed)
    .map(({ name }) => name);

test('B-GW-41: who and what is still on Pusher stands by day, each member once', () => {
  for (const member of ['demo-ana', 'demo-ana', 'demo-ben']) records.told(member, 'pusher');
  records.told('demo-cleo', 'websocket');
  for (const name of ['join_call', 'join_call', 'call_ended']) records.bridged(name);
  records.failed('unreachable');
  const channels = ['private-member-demo-ana', 'presence-member-demo-ana', 'news', 'private-x'];
  records.seenThere(channels);
  records.seenThere(['news', 'other']);
  nowMs += 24 * HOUR_MS;
  records.told('demo-ana', 'websocket');
  const { days, members, former } = desk.status();
  assert.deepEqual(former, FORMER);
  assert.deepEqual(members, ['demo-ana']);
  assert.deepEqual(
    days.map(({ day }) => day),
    ['2026-12-01', '2026-11-30'],
  );
  assert.deepEqual(days[1], {
    ...{ day: '2026-11-30', told: { pusher: 2, websocket: 1 }, formerMembers: 1 },
    formerChannels: { private: 1, public: 2 },
    bridged: { call_ended: 1, join_call: 2 },
    failed: { unreachable: 1 },
  });
});

test('B-GW-41: a step’s gate opens with evidence of both ways, and with nothing less', () => {
  assert.deepEqual(shut(), ['compared', 'nothing lost', 'as fast']);
  desk.compared(report({ both: 99 }));
  assert.deepEqual(shut(), ['compared']);
  desk.compared(report());
  assert.deepEqual(gate(), { ...gate(), open: true, from: 0, to: 1 });
  desk.compared(report({ onlyPusher: 1 }));
  assert.deepEqual(shut(), ['nothing lost']);
  nowMs += 24 * HOUR_MS + 1;
  assert.deepEqual(shut(), ['compared', 'nothing lost', 'as fast'], 'of a day, not of yesterday');
  desk.compared(
    report({ latencyMs: { gateway: { p50: 90, p99: 201 }, pusher: { p50: 9, p99: 200 } } }),
  );
  assert.deepEqual(shut(), ['as fast']);
});

test('B-GW-41: a step holds for a day, and what does not arrive at Pusher shuts the next one', () => {
  desk.status();
  percent = 10;
  desk.compared(report());
  assert.deepEqual(shut(), ['held']);
  nowMs += 23 * HOUR_MS;
  assert.deepEqual(shut(), ['held']);
  nowMs += HOUR_MS;
  desk.compared(report());
  assert.deepEqual(shut(), []);
  assert.deepEqual([gate().from, gate().to], [10, 25]);
  for (let n = 0; n < 999; n += 1) records.bridged('join_call');
  records.failed('refused');
  assert.deepEqual(shut(), []);
  records.failed('refused');
  assert.deepEqual(shut(), ['bridge']);
});

test('B-GW-41: Pusher may be switched off after a week in which nobody was there', () => {
  percent = 100;
  assert.deepEqual([gate().to, shut()], ['off', ['empty']]);
  records.looked();
  records.seenThere(['private-member-demo-ana']);
  nowMs += 7 * 24 * HOUR_MS;
  records.looked();
  assert.equal(gate().open, false, 'seven days ago somebody was');
  nowMs += 24 * HOUR_MS;
  assert.equal(gate().open, true);
});

test('P10: neither names nor days grow without a bound', () => {
  for (let n = 0; n < 300; n += 1) records.bridged(`name-${n}`);
  const [day] = desk.status().days;
  assert.ok(Object.keys(day?.bridged ?? {}).length <= 201);
  assert.equal(
    Object.values(day?.bridged ?? {}).reduce((all, n) => all + n),
    300,
  );
  nowMs += 61 * 24 * HOUR_MS;
  records.seenThere([]);
  assert.deepEqual(desk.status().days, []);
});

test('P9: of a member who is forgotten nothing is left', () => {
  records.seenThere(['private-member-demo-ana', 'private-member-demo-ben']);
  records.told('demo-ana', 'pusher');
  records.forget((member) => member !== 'demo-ana');
  records.forget((member) => member !== 'demo-ana');
  assert.deepEqual(desk.status().members, ['(forgotten)', 'demo-ben']);
  assert.equal(desk.status().days[0]?.told.pusher, 1, 'somebody was');
  assert.equal(desk.status().days[0]?.formerMembers, 2);
});
