import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../kernel/clock.ts';
import type { AuditEntry } from '../../twin/ports.ts';
import type { Caller } from '../../twin/reader/index.ts';
import type { GatewayEvent } from '../ports.ts';
import { MemoryLog } from '../streams/memory-log.ts';
import { type CallDeskParts, createCallDesk } from './desk.ts';
import { MemoryCallStates } from './memory-states.ts';
import { notingCalls } from './noting-log.ts';
import { CALL_KEPT_MS, callKey } from './states.ts';

const CALLER = { principal: { tenant: 'demo', subject: 'ana' }, correlationId: 'c' } as Caller;
const NEEDS = 'mcp://twins/member/demo-ana/care';

function eventOf(type: string, at: string, more: Partial<GatewayEvent> = {}): GatewayEvent {
  return {
    ...{ id: `${type} ${at}`, type, topic: 'call-notifications', tenant: 'demo', needs: NEEDS },
    ...{ member: 'demo-ana', time: `2026-11-30T10:${at}:00Z`, data: { callId: 'call-1' } },
    ...{ raw: `{"a":"${type}"}` },
    ...more,
  };
}

function rig(more: Partial<CallDeskParts> = {}) {
  let nowMs = Date.parse('2026-11-30T10:30:00Z');
  const clock = { ...systemClock, now: () => nowMs, monotonic: () => nowMs };
  const calls = new MemoryCallStates(clock, 3);
  const reported: unknown[] = [];
  const log = notingCalls(new MemoryLog({ clock }), calls, (error) => reported.push(error));
  const audited: AuditEntry[] = [];
  const asked: string[] = [];
  const desk = createCallDesk({
    ...{ calls, clock },
    reader: {
      readable: (_, uris) => {
        asked.push(...uris);
        return Promise.resolve(uris.map((uri) => uri === NEEDS));
      },
    },
    audit: { append: (entry) => Promise.resolve(void audited.push(entry)) },
    ...more,
  });
  const say = (event: GatewayEvent) => log.append('member:demo-ana', event, [event.id]);
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { calls, log, desk, say, audited, asked, reported, pass };
}

test('B-GW-39: the last that was said of a call is told, byte for byte, and recorded before', async () => {
  const { say, desk, audited } = rig();
  await say(eventOf('call.join', '01', { validUntil: '2026-11-30T10:31:00Z' }));
  const joined = { id: 'call-1', member: 'demo-ana', event: 'call.join', current: true };
  assert.deepEqual(await desk.call(CALLER, 'call-1'), {
    ...joined,
    at: '2026-11-30T10:01:00Z',
    validUntil: '2026-11-30T10:31:00Z',
    data: '{"a":"call.join"}',
  });
  assert.deepEqual(
    audited.map(({ action, outcome, what }) => [action, outcome, what]),
    [['read', 'success', [{ uri: NEEDS }]]],
  );
});

test('B-GW-39: what is over or late is said to be so, and never rings again', async () => {
  const { say, desk, pass } = rig();
  await say(eventOf('call.join', '01', { validUntil: '2026-11-30T10:31:00Z' }));
  pass(60_001);
  assert.equal((await desk.call(CALLER, 'call-1')).current, false);
  await say(eventOf('call.ended', '03'));
  await say(eventOf('call.join', '02'));
  const { event, current } = await desk.call(CALLER, 'call-1');
  assert.deepEqual([event, current], ['call.ended', false], 'what comes late changes nothing');
});

test('P1: of others, of another tenant, and of no call the answer is one, and each is in the audit', async () => {
  const { say, desk, audited, asked } = rig();
  const foreign = 'mcp://twins/member/demo-ben/care';
  await say(eventOf('call.join', '01'));
  await say(eventOf('call.join', '01', { id: 'x', data: { callId: 'of-ben' }, needs: foreign }));
  const elsewhere = { ...CALLER, principal: { ...CALLER.principal, tenant: 'acme' } };
  for (const [caller, id] of [
    [CALLER, 'of-ben'],
    [elsewhere, 'call-1'],
    [CALLER, 'none'],
    [CALLER, 'x'.repeat(129)],
    [CALLER, 'with space'],
  ] as const) {
    await assert.rejects(desk.call(caller, id), { code: 'NOT_FOUND' });
  }
  assert.equal(asked.length, 5, 'each asks once, so that none is quicker');
  assert.ok(audited.length === 5 && audited.every(({ outcome }) => outcome === 'denied'));
});

test('B-GW-39: what is no call leaves nothing, and neither bounds nor faults keep events back', async () => {
  const { say, calls, reported, log } = rig();
  for (const odd of [{ type: 'call.later' }, { data: {} }, { data: { callId: 7 } }]) {
    await say(eventOf('call.join', '01', { id: JSON.stringify(odd), ...odd }));
  }
  assert.equal(await calls.last('demo', 'call-1'), undefined);
  for (let n = 0; n < 4; n += 1) {
    await say(eventOf('call.join', '01', { id: `n${n}`, data: { callId: `n${n}` } }));
  }
  assert.equal(await calls.last('demo', 'n0'), undefined);
  assert.equal((await calls.last('demo', 'n3'))?.id, 'n3');
  calls.note = () => Promise.reject(new Error('away'));
  await say(eventOf('call.ended', '09'));
  assert.equal(reported.length, 1);
  assert.equal((await log.read('member:demo-ana')).recovered, true);
});

test('B-GW-39: a call that names no time is over when Pusher’s face would not tell it any more', async () => {
  const { say, desk, pass } = rig();
  await say(eventOf('call.join', '30'));
  const current = async () => (await desk.call(CALLER, 'call-1')).current;
  pass(60_000);
  assert.equal(await current(), true);
  pass(1);
  assert.equal(await current(), false);
});

test('B-GW-39: a call is kept for a day', async () => {
  const { say, calls, pass } = rig();
  await say(eventOf('call.join', '01'));
  pass(CALL_KEPT_MS);
  assert.ok(await calls.last('demo', 'call-1'));
  pass(1);
  assert.equal(await calls.last('demo', 'call-1'), undefined);
});

test('P9: of a member who is forgotten no call is left', async () => {
  const { say, calls } = rig();
  await say(eventOf('call.join', '01'));
  await say(eventOf('call.join', '01', { id: 'b', member: 'demo-ben', data: { callId: 'b' } }));
  calls.forget((member) => member !== 'demo-ana');
  assert.equal(await calls.last('demo', 'call-1'), undefined);
  assert.ok(await calls.last('demo', 'b'));
});

test('P9: a producer’s id stands in no key', () => {
  assert.match(callKey('demo', 'Jane Doe 1980-01-01'), /^[a-z2-7]{26}$/);
  assert.notEqual(callKey('a', 'bc'), callKey('ab', 'c'));
});
