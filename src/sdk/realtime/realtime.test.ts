import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { StreamStart } from '../../contract/frames.ts';
import { TwinError } from '../twin-error.ts';
import { connectRealtime } from './client.ts';
import { eventFrame, fakeGateway, settled } from './fake-gateway.rig.ts';
import type { Gap, Realtime, RealtimeOptions, SubscribeOptions } from './types.ts';

const STREAM = 'member:demo-ana';
const CALLS: SubscribeOptions = { topics: ['call-notifications'], member: 'demo-ana' };
let realtime: Realtime;
let gateway: ReturnType<typeof fakeGateway>;

beforeEach((t) => {
  assert.ok('mock' in t);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  t.mock.method(Math, 'random', () => 0.5);
});
afterEach(() => realtime.close());

async function connect(options: Partial<RealtimeOptions> = {}): Promise<void> {
  gateway = fakeGateway();
  const { WebSocket } = gateway;
  const given = { url: 'https://twin.example.org', token: 'T', fallback: 'none' as const };
  realtime = connectRealtime({ ...given, WebSocket, ...options });
  await settled();
}

const starting = (more: Partial<StreamStart> = {}) => ({
  type: 'subscribed' as const,
  id: 's1',
  streams: [{ stream: STREAM, epoch: 'one', offset: 10, recovered: true, ...more }],
});

test('B-GW-32: the token goes in the first message, then what is subscribed to', async () => {
  await connect();
  const subscription = realtime.subscribe({
    ...CALLS,
    filters: { field: 'type', prefix: 'call.' },
    include: 'document',
  });
  realtime.join('demo-ana');
  const { socket } = gateway;
  assert.equal(socket.url, 'wss://twin.example.org/v1/ws');
  assert.deepEqual(socket.protocols, ['digital-twin.v1']);
  socket.open();
  assert.deepEqual(socket.heard, [{ type: 'hello', token: 'T' }]);
  socket.welcome();
  const [hello, ...then] = socket.heard.slice(1);
  assert.equal(hello?.type, 'hello');
  assert.deepEqual(then, [
    { type: 'presence', member: 'demo-ana', action: 'join' },
    {
      type: 'subscribe',
      id: 's1',
      topics: ['call-notifications'],
      filters: {
        and: [
          { field: 'member', eq: 'demo-ana' },
          { field: 'type', prefix: 'call.' },
        ],
      },
      include: 'document',
    },
  ]);
  socket.say(starting());
  await subscription.ready;
  assert.deepEqual(realtime.state, { status: 'connected', connection: '1.1' });
});

test('B-GW-32: what is said offline is said once there is a connection, as it then holds', async () => {
  await connect();
  const given = realtime.subscribe(CALLS);
  realtime.subscribe({ ...CALLS, member: ['demo-ben', 'demo-cleo'] });
  given.unsubscribe();
  realtime.join('demo-ana');
  realtime.join('demo-ben');
  realtime.leave('demo-ana');
  gateway.socket.welcome();
  assert.deepEqual(gateway.socket.heard.slice(1), [
    { type: 'presence', member: 'demo-ben', action: 'join' },
    {
      type: 'subscribe',
      id: 's2',
      topics: ['call-notifications'],
      filters: { field: 'member', in: ['demo-ben', 'demo-cleo'] },
    },
  ]);
  realtime.leave('demo-ben');
  assert.deepEqual(gateway.socket.said('presence').at(-1)?.action, 'leave');
  assert.equal(await given.ended, undefined);
});

test('B-GW-32: after a drop each stream goes on from the last place, and nothing is told twice', async (t) => {
  await connect();
  const told: string[] = [];
  const subscription = realtime.subscribe(CALLS);
  subscription.on('call.join', ({ id }) => told.push(id));
  realtime.on('*', ({ id }) => told.push(`all ${id}`));
  gateway.socket.welcome();
  gateway.socket.say(starting(), eventFrame(11, { position: 'p11' }), eventFrame(15));
  gateway.socket.drop();
  await settled();
  t.mock.timers.tick(500);
  await settled();
  gateway.socket.welcome();
  const [subscribe] = gateway.socket.said('subscribe');
  const seen = { epoch: 'one', offset: 15, position: 'p11' };
  assert.deepEqual(subscribe?.since, { [STREAM]: seen });
  // The answer names the newest offset: what follows it still has to be told.
  gateway.socket.say(starting({ offset: 30 }), eventFrame(15), eventFrame(20, { replayed: true }));
  gateway.socket.drop();
  await settled();
  t.mock.timers.tick(1_000);
  await settled();
  gateway.socket.welcome();
  const place = { epoch: 'one', offset: 20, position: 'p11' };
  assert.deepEqual(gateway.socket.said('subscribe')[0]?.since, { [STREAM]: place });
  assert.deepEqual(subscription.places, { [STREAM]: place });
  subscription.acknowledge();
  assert.deepEqual(gateway.socket.said('ack'), [
    { type: 'ack', stream: STREAM, epoch: 'one', offset: 20 },
  ]);
  assert.deepEqual(told, ['e11', 'all e11', 'e15', 'all e15', 'e20', 'all e20']);
});

test('B-GW-33: what cannot be told whole is a gap, with where to read on from', async (t) => {
  await connect();
  const gaps: Gap[] = [];
  const since = { [STREAM]: { epoch: 'zero', offset: 3 } };
  const subscription = realtime.subscribe({ ...CALLS, since });
  subscription.onGap((gap) => gaps.push(gap));
  realtime.onGap((gap) => gaps.push({ ...gap, reason: `all ${gap.reason}` }));
  gateway.socket.welcome();
  assert.deepEqual(gateway.socket.said('subscribe')[0]?.since, since);
  gateway.socket.say(
    starting({ recovered: false, reason: 'epoch_changed', changes: 'mcp://twins/changes/c7' }),
    eventFrame(11),
    {
      ...{ type: 'gap', id: 's1', stream: STREAM, epoch: 'two', offset: 2 },
      ...{ recovered: false, reason: 'trimmed' },
    },
  );
  assert.deepEqual(gaps, [
    { stream: STREAM, reason: 'epoch_changed', changes: 'mcp://twins/changes/c7' },
    { stream: STREAM, reason: 'all epoch_changed', changes: 'mcp://twins/changes/c7' },
    { stream: STREAM, reason: 'trimmed' },
    { stream: STREAM, reason: 'all trimmed' },
  ]);
  assert.deepEqual(subscription.places, { [STREAM]: { epoch: 'two', offset: 2 } });
  // Of another epoch, so that a smaller offset is no repetition.
  const told: number[] = [];
  subscription.on('*', ({ offset }) => told.push(offset));
  gateway.socket.say(eventFrame(3, { epoch: 'two' }));
  assert.deepEqual(told, [3]);
  t.mock.timers.tick(0);
});

test('B-GW-34: pauses double from 1 s to 30 s, all of each left to chance, for ever', async (t) => {
  const random = t.mock.method(Math, 'random', () => 0.999);
  await connect();
  const most: number[] = [];
  realtime.onState((state) => {
    if (state.status === 'waiting') most.push(state.retryInMs);
  });
  for (let attempt = 1; attempt <= 12; attempt += 1) {
    gateway.socket.drop();
    await settled();
    const opened = gateway.sockets.length;
    t.mock.timers.tick(0.99 * Math.min(1_000 * 2 ** (attempt - 1), 30_000));
    await settled();
    assert.equal(gateway.sockets.length, opened, `${attempt}: too early`);
    t.mock.timers.tick(300);
    await settled();
    assert.equal(gateway.sockets.length, opened + 1, `${attempt}: not at all`);
  }
  assert.deepEqual(most.slice(0, 7), [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  random.mock.mockImplementation(() => 0);
  gateway.socket.drop();
  await settled();
  t.mock.timers.tick(0);
  await settled();
  assert.equal(gateway.sockets.length, 14, 'full jitter: no part of a pause is certain');
});

test('B-GW-34: a connection that held ends the row of failures, one that was closed at once does not', async (t) => {
  await connect();
  const attempts: number[] = [];
  realtime.onState((state) => {
    if (state.status === 'waiting') attempts.push(state.attempts);
  });
  for (const heldMs of [0, 0, 6_000, 0]) {
    gateway.socket.welcome();
    t.mock.timers.tick(heldMs);
    gateway.socket.drop(1012);
    await settled();
    t.mock.timers.tick(30_000);
    await settled();
  }
  assert.deepEqual(attempts, [1, 2, 1, 2]);
});

test('B-GW-34: maxAttempts ends it, and so does what the server refuses for good', async (t) => {
  await connect({ maxAttempts: 2 });
  const subscription = realtime.subscribe(CALLS);
  gateway.socket.drop();
  await settled();
  t.mock.timers.tick(1_000);
  await settled();
  gateway.socket.drop();
  await settled();
  assert.equal(realtime.state.status, 'failed');
  assert.equal((await subscription.ended)?.code, 'UNREACHABLE');
  assert.equal((await realtime.subscribe(CALLS).ended)?.code, 'SHUTTING_DOWN');
  for (const [code, error] of [
    [4400, 'INVALID_REQUEST'],
    [4403, 'INSUFFICIENT_SCOPE'],
    [4404, 'NOT_FOUND'],
  ] as const) {
    await connect();
    gateway.socket.welcome();
    gateway.socket.drop(code);
    await settled();
    const { state } = realtime;
    assert.ok(state.status === 'failed' && state.error.code === error, String(code));
    t.mock.timers.tick(60_000);
    await settled();
    assert.equal(gateway.sockets.length, 1);
  }
});

test('B-GW-34: the network is back, or somebody asks: it connects at once and begins with 1 s', async (t) => {
  await connect();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    gateway.socket.drop();
    await settled();
    t.mock.timers.tick(30_000);
    await settled();
  }
  gateway.socket.drop();
  await settled();
  realtime.retryNow();
  await settled();
  assert.equal(gateway.sockets.length, 7);
  gateway.socket.drop();
  await settled();
  assert.ok(realtime.state.status === 'waiting' && realtime.state.retryInMs === 1_000);
});

test('B-GW-32: silence of two heartbeats is an end, and the client never is silent itself', async (t) => {
  await connect();
  const { socket } = gateway;
  socket.welcome(10_000);
  t.mock.timers.tick(7_500);
  assert.equal(socket.said('ping').length, 1);
  socket.say({ type: 'pong' });
  t.mock.timers.tick(7_500);
  assert.equal(socket.said('ping').length, 2);
  assert.equal(realtime.state.status, 'connected');
  t.mock.timers.tick(12_500);
  await settled();
  assert.equal(realtime.state.status, 'waiting');
  assert.equal(socket.readyState, 3);
});

test('B-GW-32: a parked welcome is waited for, of a dead peer not for ever', async (t) => {
  await connect();
  gateway.socket.open();
  t.mock.timers.tick(16_000);
  assert.equal(realtime.state.status, 'connecting');
  t.mock.timers.tick(14_000);
  await settled();
  assert.equal(realtime.state.status, 'waiting');
});

test('B-GW-32: what is refused or revoked ends one subscription, what may come later is said again', async (t) => {
  await connect();
  const errors: TwinError[] = [];
  realtime.onError((error) => errors.push(error));
  const [first, second, third] = [1, 2, 3].map(() => realtime.subscribe(CALLS));
  gateway.socket.welcome();
  gateway.socket.say(
    { type: 'error', code: 'NOT_FOUND', message: 'not for you', id: 's1' },
    { ...starting(), id: 's2' },
    { type: 'unsubscribed', id: 's2', reason: 'revoked' },
    { type: 'error', code: 'ACCESS_UNAVAILABLE', message: 'later', id: 's3' },
    { type: 'error', code: 'RATE_LIMITED', message: 'slower' },
  );
  assert.equal((await first?.ended)?.message, 'not for you');
  await assert.rejects(first?.ready ?? Promise.resolve(), TwinError);
  assert.equal((await second?.ended)?.code, 'NOT_FOUND');
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['RATE_LIMITED'],
  );
  t.mock.timers.tick(5_000);
  await settled();
  assert.deepEqual(gateway.socket.said('subscribe').slice(3), [
    gateway.socket.said('subscribe')[2],
  ]);
  gateway.socket.say({ ...starting(), id: 's3' });
  await third?.ready;
});

test('B-GW-32: who is there is known after each change, and anew after each connection', async () => {
  await connect();
  const subscription = realtime.subscribe({ topics: ['presence'], member: 'demo-ana' });
  const changes: string[] = [];
  subscription.onPresence(({ event }) => changes.push(event));
  gateway.socket.welcome();
  const of = { type: 'presence', subscription: 's1', stream: STREAM } as const;
  gateway.socket.say(
    { ...of, event: 'state', users: [{ id: 'ana' }, { id: 'eve', info: { name: 'Dr Eve' } }] },
    { ...of, event: 'member_added', users: [{ id: 'ben' }] },
    { ...of, event: 'member_removed', users: [{ id: 'ana' }] },
  );
  assert.deepEqual(subscription.present(STREAM), [
    { id: 'eve', info: { name: 'Dr Eve' } },
    { id: 'ben' },
  ]);
  gateway.socket.say({ ...of, event: 'state', users: [{ id: 'cleo' }] });
  assert.deepEqual(subscription.present(STREAM), [{ id: 'cleo' }]);
  assert.deepEqual(changes, ['state', 'member_added', 'member_removed', 'state']);
});

test('B-GW-32: what is no message, or of a later version, changes nothing', async () => {
  await connect();
  realtime.subscribe(CALLS);
  gateway.socket.welcome();
  const odd = [
    '',
    '{',
    '[]',
    'null',
    '7',
    '{"type":7}',
    '{"type":"later"}',
    '{"type":"__proto__"}',
  ];
  for (const text of [
    ...odd,
    new Uint8Array(3),
    '{"type":"subscribed","id":"nobody","streams":[]}',
  ]) {
    gateway.socket.sayText(text);
  }
  gateway.socket.say(eventFrame(1, { subscription: 'nobody' }));
  assert.equal(realtime.state.status, 'connected');
});

test('P10: what would end the whole connection is refused for the one call alone', async () => {
  await connect();
  gateway.socket.welcome();
  for (const wrong of [
    { topics: [] },
    { ...CALLS, member: '../x' },
    { ...CALLS, member: '' },
    { ...CALLS, session: 'x'.repeat(65) },
    { ...CALLS, member: Array.from({ length: 101 }, (_, n) => `m${n}`) },
  ]) {
    assert.throws(() => realtime.subscribe(wrong), { code: 'INVALID_ARGUMENT' });
  }
  assert.throws(() => realtime.join('a b'), { code: 'INVALID_ARGUMENT' });
  assert.equal(gateway.socket.heard.length, 1);
  assert.equal(realtime.state.status, 'connected');
});
