import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { connectRealtime } from './client.ts';
import { eventFrame, fakeGateway, settled } from './fake-gateway.rig.ts';
import type { Realtime, Subscription } from './types.ts';

const STREAM = 'member:demo-ana';
let realtime: Realtime;
let gateway: ReturnType<typeof fakeGateway>;
let subscription: Subscription;

beforeEach(async () => {
  gateway = fakeGateway();
  const { WebSocket } = gateway;
  realtime = connectRealtime({
    ...{ url: 'http://localhost:1', token: 'T', fallback: 'none', queueMax: 3, WebSocket },
  });
  await settled();
  subscription = realtime.subscribe({ topics: ['call-notifications'], member: 'demo-ana' });
  gateway.socket.welcome();
  const streams = [{ stream: STREAM, epoch: 'one', offset: 10, recovered: true }];
  gateway.socket.say({ type: 'subscribed', id: 's1', streams });
});
afterEach(() => realtime.close());

const offset = (): number | undefined => subscription.places[STREAM]?.offset;

test('B-GW-32: a loop gets each event in order, and a place moves once it asks for the next', async () => {
  const loop = subscription[Symbol.asyncIterator]();
  gateway.socket.say(eventFrame(11), eventFrame(12));
  assert.equal(offset(), 10);
  assert.equal((await loop.next()).value?.offset, 11);
  assert.equal(offset(), 10, 'in hand is not handled');
  const second = loop.next();
  assert.equal((await second).value?.offset, 12);
  assert.equal(offset(), 11);
  const third = loop.next();
  assert.equal(offset(), 12);
  gateway.socket.say(eventFrame(13));
  assert.equal((await third).value?.offset, 13);
  await loop.return?.();
  assert.equal(offset(), 13, 'whoever leaves the loop has handled what it had');
});

test('B-GW-32: of two loops the one that is behind says how far it is handled', async () => {
  const [fast, slow] = [subscription, subscription].map((one) => one[Symbol.asyncIterator]());
  gateway.socket.say(eventFrame(11), eventFrame(12));
  for (let turn = 0; turn < 2; turn += 1) await fast?.next();
  assert.equal(offset(), 10);
  for (let turn = 0; turn < 2; turn += 1) await slow?.next();
  assert.equal(offset(), 11);
});

test('B-GW-33: a loop that is too slow loses what waits, is told so, and goes on', async () => {
  const gaps: string[] = [];
  subscription.onGap(({ reason }) => gaps.push(reason));
  const loop = subscription[Symbol.asyncIterator]();
  for (let n = 11; n <= 14; n += 1) gateway.socket.say(eventFrame(n));
  assert.deepEqual(gaps, ['queue_full']);
  gateway.socket.say(eventFrame(15));
  assert.equal((await loop.next()).value?.offset, 15);
});

test('B-GW-32: a loop ends with its subscription, after what waits, and throws where that was refused', async () => {
  const offsets: number[] = [];
  const looping = (async () => {
    for await (const event of subscription) offsets.push(event.offset);
  })();
  gateway.socket.say(eventFrame(11));
  subscription.unsubscribe();
  await looping;
  assert.deepEqual(offsets, [11]);
  assert.deepEqual(await subscription[Symbol.asyncIterator]().next(), {
    ...{ done: true, value: undefined },
  });
  const other = realtime.subscribe({ topics: ['twins'] });
  const next = other[Symbol.asyncIterator]().next();
  gateway.socket.say({ type: 'unsubscribed', id: 's2', reason: 'revoked' });
  await assert.rejects(next, { code: 'NOT_FOUND' });
});
