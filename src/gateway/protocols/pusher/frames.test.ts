import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeFrame, encodeEvent, said } from './frames.ts';

const golden = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`golden/${name}.json`, import.meta.url), 'utf8')) as T;

test('B-GW-60: frames of each shipped SDK are understood', () => {
  const frames = golden<{ from: string; text: string; frame: object }[]>('client-frames');
  for (const { from, text, frame } of frames) assert.deepEqual(decodeFrame(text), frame, from);
});

test('B-GW-60: what the server says is what the golden file holds, byte for byte', () => {
  const bo = { id: 'b', info: { name: 'Bo' } };
  const event = { event: 'call_ended', channel: 'presence-a', data: '{ "kept":  1 }' };
  assert.deepEqual(
    {
      established: said.established('123.456', 120),
      error: said.error(null, 'Existing subscription to channel a'),
      clientEventRefused: said.error(4301, 'Rejected', 'private-a'),
      ping: said.ping(),
      pong: said.pong(),
      subscribed: said.subscribed('private-a'),
      subscribedPresence: said.subscribed('presence-a', [bo, { id: '__proto__' }]),
      subscriptionError: said.subscriptionError('private-a'),
      signedIn: said.signedIn('{"id":"1"}'),
      memberAdded: said.memberAdded('presence-a', bo),
      memberRemoved: said.memberRemoved('presence-a', 'b'),
      subscriptionCount: said.subscriptionCount('a', 3),
      cacheMiss: said.cacheMiss('cache-a'),
      event: encodeEvent(event),
      eventWithPlace: encodeEvent({
        ...{ event: 'call_ended', channel: 'private-a', data: '{}' },
        place: { epoch: 'abcdefgh', offset: 42 },
      }),
      clientEvent: encodeEvent({
        ...{ event: 'client-typing', channel: 'presence-a', data: '{}' },
        userId: 'b',
      }),
    },
    golden('server-frames'),
  );
});

test('B-GW-60: every frame but an error has data as text, an error as an object', () => {
  for (const text of Object.values(golden<Record<string, string>>('server-frames'))) {
    const { event, data } = JSON.parse(text) as { event: string; data: unknown };
    assert.equal(typeof data, event === 'pusher:error' ? 'object' : 'string', event);
  }
});

test('whatever is sent is understood or wrong, and nothing throws', () => {
  const pieces = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({
      event: fc.oneof(
        fc.constantFrom(
          'pusher:subscribe',
          'pusher:signin',
          'pusher:ping',
          'client-a',
          '__proto__',
        ),
        fc.anything(),
      ),
      channel: fc.oneof(fc.constant('__proto__'), fc.anything()),
      data: fc.oneof(fc.json(), fc.anything()),
    }),
  );
  fc.assert(
    fc.property(pieces, (piece) => {
      const text = typeof piece === 'string' ? piece : (textOf(piece) ?? '');
      const frame = decodeFrame(text);
      for (const [name, value] of Object.entries(frame)) {
        assert.equal(typeof value, 'string', name);
      }
    }),
    { numRuns: 2_000 },
  );
});

/** What `fc.anything` makes need not be JSON: a BigInt is none. */
function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

test('a frame that nests without end is wrong, not a fault', () => {
  const deep = `{"event":"client-a","channel":"private-a","data":${'['.repeat(9_000)}${']'.repeat(9_000)}}`;
  assert.equal(decodeFrame(deep).kind, 'wrong');
});
