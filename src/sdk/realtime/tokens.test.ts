import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { TwinError } from '../twin-error.ts';
import { connectRealtime } from './client.ts';
import { fakeGateway, settled } from './fake-gateway.rig.ts';
import type { Realtime } from './types.ts';

/** Races of refresh and reconnection, as met by centrifuge-dart#129 and centrifuge-js#435. */
let realtime: Realtime;
let gateway: ReturnType<typeof fakeGateway>;
let asked: PromiseWithResolvers<string>[];

beforeEach((t) => {
  assert.ok('mock' in t);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  asked = [];
});
afterEach(() => realtime.close());

const token = (): Promise<string> => {
  const question = Promise.withResolvers<string>();
  asked.push(question);
  return question.promise;
};
const answer = async (index: number, value: string): Promise<void> => {
  asked[index]?.resolve(value);
  await settled();
};
async function connect(source: string | (() => Promise<string>) = token): Promise<void> {
  gateway = fakeGateway();
  const { WebSocket } = gateway;
  realtime = connectRealtime({
    ...{ url: 'https://twin.example.org', token: source, fallback: 'none', WebSocket },
  });
  await settled();
}
const EXPIRING = { type: 'token_expiring', at: '2026-11-30T12:00:00Z' } as const;
/** Past any pause. */
const PAUSE_MS = 30_000;

test('B-GW-35: a token is taken in place, however often its end is announced meanwhile', async () => {
  await connect();
  await answer(0, 'T1');
  gateway.socket.welcome();
  gateway.socket.say(EXPIRING, EXPIRING);
  assert.equal(asked.length, 2, 'one question at a time');
  await answer(1, 'T2');
  assert.deepEqual(
    gateway.socket.said('refresh').map((one) => one.token),
    ['T2', 'T2'],
  );
  assert.equal(gateway.sockets.length, 1);
  assert.equal(realtime.state.status, 'connected');
});

test('B-GW-35: a refresh that is under way when the connection drops serves the next one', async (t) => {
  await connect();
  await answer(0, 'T1');
  gateway.socket.welcome();
  gateway.socket.say(EXPIRING);
  gateway.socket.drop();
  await settled();
  t.mock.timers.tick(PAUSE_MS);
  await settled();
  assert.equal(asked.length, 2, 'the reconnection waits for the same answer');
  assert.equal(gateway.sockets.length, 1, 'and opens nothing with the token before');
  await answer(1, 'T2');
  gateway.socket.welcome();
  assert.deepEqual(gateway.socket.heard[0], { type: 'hello', token: 'T2' });
  assert.deepEqual(gateway.socket.said('refresh'), [], 'its own token is that one already');
  assert.deepEqual(gateway.sockets[0]?.said('refresh'), []);
});

test('B-GW-35: a connection that ends while its refresh fails comes back with another token', async (t) => {
  await connect();
  const errors: string[] = [];
  realtime.onError(({ code }) => errors.push(code));
  await answer(0, 'T1');
  gateway.socket.welcome();
  gateway.socket.say(EXPIRING);
  asked[1]?.reject(new TwinError('UNREACHABLE'));
  await settled();
  assert.deepEqual(errors, ['UNREACHABLE']);
  gateway.socket.drop(4401);
  await settled();
  t.mock.timers.tick(PAUSE_MS);
  await settled();
  assert.equal(asked.length, 3, 'the refresh of a connection that is gone asks no more');
  await answer(2, 'T2');
  gateway.socket.welcome();
  assert.deepEqual(gateway.socket.said('hello').at(-1)?.token, 'T2');
  assert.equal(realtime.state.status, 'connected');
});

test('B-GW-35: a refresh that failed is tried again while the connection holds', async (t) => {
  await connect();
  await answer(0, 'T1');
  gateway.socket.welcome();
  gateway.socket.say(EXPIRING);
  asked[1]?.reject(new Error('offline'));
  await settled();
  t.mock.timers.tick(5_000);
  await settled();
  await answer(2, 'T3');
  assert.deepEqual(
    gateway.socket.said('refresh').map((one) => one.token),
    ['T3'],
  );
});

test('B-GW-35: a source that cannot answer at first is asked again', async (t) => {
  await connect();
  asked[0]?.reject(new Error('offline'));
  await settled();
  assert.equal(realtime.state.status, 'waiting');
  t.mock.timers.tick(PAUSE_MS);
  await settled();
  await answer(1, 'T1');
  gateway.socket.welcome();
  assert.equal(realtime.state.status, 'connected');
});

test('B-GW-35: the same token refused twice, or three different ones, is the end; a better one is not', async (t) => {
  const rounds = [
    { tokens: ['T1', 'T1'], status: 'failed' },
    { tokens: ['T1', 'T2', 'T3'], status: 'failed' },
    { tokens: ['T1', 'T2'], status: 'waiting' },
  ];
  for (const { tokens, status } of rounds) {
    asked = [];
    await connect();
    for (const [index, one] of tokens.entries()) {
      await answer(index, one);
      gateway.socket.open();
      gateway.socket.drop(4401);
      await settled();
      if (index < tokens.length - 1) {
        t.mock.timers.tick(PAUSE_MS);
        await settled();
      }
    }
    assert.equal(realtime.state.status, status, tokens.join());
    realtime.close();
  }
});

test('B-GW-35: nothing is opened after the end, whatever the source answers then', async (t) => {
  await connect();
  realtime.close();
  await answer(0, 'T1');
  t.mock.timers.tick(PAUSE_MS);
  await settled();
  assert.equal(gateway.sockets.length, 0);
  assert.equal(realtime.state.status, 'closed');
  await connect('T');
  gateway.socket.welcome();
  realtime.close();
  await settled();
  assert.equal(gateway.socket.readyState, 3);
  t.mock.timers.tick(PAUSE_MS);
  await settled();
  assert.equal(gateway.sockets.length, 1);
});
