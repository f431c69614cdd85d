import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { GatewayEvent } from '../../ports.ts';
import { CALL_NAMES, namedOnMember } from './events.ts';
import { isTooLate, type Missed, REPLAY_RULES, suppressedOf } from './replay.ts';

const NOW = Date.parse('2026-11-30T12:00:00Z');

function event(type: string, agoMs: number, more: Partial<GatewayEvent> = {}): GatewayEvent {
  const time = new Date(NOW - agoMs).toISOString();
  return { id: 'e', type, topic: 'call-notifications', tenant: 'demo', time, ...more };
}

let offset = 0;
function missed(type: string, agoMs: number, more: Partial<GatewayEvent> = {}): Missed {
  const of = event(type, agoMs, more);
  const named = namedOnMember(of, 'private');
  assert.ok(named);
  offset += 1;
  return { stream: 'member:ana', entry: { offset, prev: offset - 1, event: of }, named };
}

const reasons = (...all: Missed[]) => {
  const suppressed = suppressedOf(all, NOW);
  return all.map((one) => suppressed.get(one) ?? 'told');
};
const call = (id: string) => ({ data: { callId: id } });

test('B-GW-62: the five events of a visit keep their names and bytes', () => {
  const raw = '{ "room": "r1" , "n": 1.0 }';
  for (const [type, name] of Object.entries(CALL_NAMES)) {
    for (const access of ['private', 'presence'] as const) {
      assert.deepEqual(namedOnMember(event(type, 0, { raw }), access), { name, data: raw });
    }
  }
  assert.equal(namedOnMember(event('constructor', 0), 'private'), undefined);
  assert.equal(namedOnMember(event('twins.resource-updated', 0), 'presence'), undefined);
});

test('B-GW-63: a call that was asked for a minute ago does not ring', () => {
  assert.deepEqual(reasons(missed('call.join', 59_000)), ['told']);
  assert.deepEqual(reasons(missed('call.join', 61_000)), ['expired']);
});

test('B-GW-63: what its producer says of how long it holds is what counts', () => {
  const until = (ms: number) => ({ validUntil: new Date(NOW + ms).toISOString() });
  assert.deepEqual(reasons(missed('call.join', 90_000, until(1_000))), ['told']);
  assert.deepEqual(reasons(missed('call.join', 1_000, until(-1))), ['expired']);
  assert.deepEqual(reasons(missed('call.ended', 1_000, until(-1))), ['expired']);
});

test('B-GW-63: a time that nobody can read does not ring', () => {
  assert.ok(isTooLate(event('call.join', 0, { time: 'soon' }), 'join_call', NOW));
  assert.ok(isTooLate(event('call.join', 0, { validUntil: 'soon' }), 'join_call', NOW));
});

test('B-GW-63: an end voids what came before of the same call, and nothing of another', () => {
  assert.deepEqual(
    reasons(
      missed('call.join', 20_000, call('a')),
      missed('call.join', 19_000, call('b')),
      missed('call.accepted', 18_000, call('a')),
      missed('call.ended', 10_000, call('a')),
      missed('call.join', 5_000, call('a')),
    ),
    ['superseded', 'told', 'superseded', 'told', 'told'],
  );
});

test('B-GW-63: an end that names no call ends every one before it', () => {
  const raw = '{"reason":"over"}';
  assert.deepEqual(
    reasons(missed('call.join', 9_000, call('a')), missed('call.ended', 8_000, { raw })),
    ['superseded', 'told'],
  );
});

test('an end on the other stream of the channel counts by its time', () => {
  const join = missed('call.join', 9_000, call('a'));
  const ended = {
    ...missed('call.ended', 8_000, call('a')),
    stream: 'pusher:1:private-member-ana',
  };
  assert.deepEqual(reasons(ended, join), ['told', 'superseded']);
});

test('of several changes of one document the last is told', () => {
  const of = (uri: string) => missed('twins.resource-updated', 1_000, { uri });
  assert.deepEqual(reasons(of('a'), of('b'), of('a')), ['conflated', 'told', 'told']);
});

test('B-GW-63: whatever was missed in whatever order, nothing of a call that ended rings', () => {
  const one = fc.record({
    type: fc.constantFrom(...Object.keys(CALL_NAMES)),
    agoMs: fc.nat(400_000),
    id: fc.constantFrom('a', 'b'),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 12 }), (given) => {
      const sorted = given.toSorted((a, b) => b.agoMs - a.agoMs);
      const all = sorted.map(({ type, agoMs, id }) => missed(type, agoMs, call(id)));
      const suppressed = suppressedOf(all, NOW);
      all.forEach((earlier, index) => {
        const told = !suppressed.has(earlier);
        const rule = REPLAY_RULES[earlier.named.name] ?? {};
        const age = sorted[index]?.agoMs ?? 0;
        if (rule.ttlMs !== undefined && age > rule.ttlMs) assert.ok(!told);
        const after = sorted.slice(index + 1).filter(({ id }) => id === sorted[index]?.id);
        const ended = after.some(({ type }) => type === 'call.ended');
        if (earlier.named.name === 'join_call' && ended) assert.ok(!told);
        if (earlier.named.name === 'call_ended') assert.ok(told);
      });
    }),
    { numRuns: 500 },
  );
});
