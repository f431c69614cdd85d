import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type ClientMessage, isEventFrame, type ServerMessage } from '../../contract/frames.ts';
import { clientMessageSchema } from '../../contract/frames-schema.ts';
import { connectRealtime } from './client.ts';
import { fakeGateway, settled } from './fake-gateway.rig.ts';
import type { Gap } from './types.ts';

/** The messages by which any SDK is tested. */
const { client, server } = JSON.parse(
  readFileSync(new URL('../../../schemas/realtime/golden.json', import.meta.url), 'utf8'),
) as {
  client: { message: ClientMessage }[];
  server: { name: string; message: ServerMessage }[];
};

const saying = (type: string) => client.filter(({ message }) => message.type === type);

test('B-GW-32: what the SDK says is what the gateway takes, to the letter', async () => {
  const gateway = fakeGateway();
  const { WebSocket } = gateway;
  const token = 'eyJhbGciOi.JFUzI1NiJ9.c2ln';
  const realtime = connectRealtime({
    url: 'https://t.example',
    token,
    fallback: 'none',
    WebSocket,
  });
  await settled();
  realtime.subscribe({ topics: ['twins', 'rte-completion'] });
  const second = realtime.subscribe({
    topics: ['twins', 'call-notifications'],
    member: ['demo-ana', 'demo-ben'],
    filters: {
      or: [{ field: 'type', prefix: 'call.' }, { not: { field: 'account', eq: 'a-1' } }],
    },
    since: {
      'member:demo-ana': { epoch: 'c5n3k7q2w4m6x3z5b7d2f4h6j3', offset: 1796076141161895 },
      'member:demo-ben': { epoch: 'q2w4m6x3z5b7d2f4h6j3c5n3k7', offset: 0, position: 'AWNy' },
    },
    include: 'document',
  });
  realtime.join('demo-ana');
  const { socket } = gateway;
  socket.welcome();
  socket.say({ type: 'token_expiring', at: '2026-11-30T23:02:20.000Z' });
  await settled();
  second.acknowledge();
  second.unsubscribe();
  for (const message of socket.heard) {
    assert.ok(clientMessageSchema.safeParse(message).success, JSON.stringify(message));
  }
  for (const type of ['hello', 'presence', 'refresh'] as const) {
    const [{ message } = {}] = saying(type);
    assert.deepEqual(socket.said(type).at(-1), message);
  }
  const [one, two] = saying('subscribe').map(({ message }) => message);
  assert.deepEqual(socket.said('subscribe'), [one, two]);
  assert.deepEqual(socket.said('unsubscribe'), [{ type: 'unsubscribe', id: 's2' }]);
  assert.equal(socket.said('ack').length, 2);
  realtime.close();
});

test('B-GW-32: each event that the server tells is told on', async () => {
  const events = server.map(({ message }) => message).filter(isEventFrame);
  assert.ok(events.length >= 3);
  for (const event of events) {
    const { realtime, socket } = await connected();
    const told: unknown[] = [];
    realtime.on('*', (one) => told.push(one));
    socket.say(event);
    realtime.close();
    assert.deepEqual(told, [event]);
  }
});

test('B-GW-32: whatever else the server says is understood for what it is', async () => {
  const { realtime, socket, subscriptions } = await connected();
  const gaps: Gap[] = [];
  const errors: string[] = [];
  realtime.onGap((gap) => gaps.push(gap));
  realtime.onError(({ code }) => errors.push(code));
  socket.say(...server.map(({ message }) => message).filter((one) => !isEventFrame(one)));
  const { status } = realtime.state;
  assert.equal(socket.said('subscribe').length, 4, 'a second welcome begins nothing anew');
  realtime.close();
  assert.equal(status, 'connected');
  assert.ok(gaps.length >= 2 && gaps.every(({ changes }) => changes?.startsWith('mcp://')));
  assert.equal((await subscriptions[1]?.ended)?.code, 'NOT_FOUND', 'revoked');
  assert.deepEqual(subscriptions[3]?.present('member:demo-ana'), [], 'who came has gone');
  assert.deepEqual(errors, ['NOT_FOUND']);
});

async function connected() {
  const gateway = fakeGateway();
  const { WebSocket } = gateway;
  const options = { url: 'https://t.example', token: 'T', fallback: 'none', WebSocket } as const;
  const realtime = connectRealtime(options);
  await settled();
  const subscriptions = [1, 2, 3, 4].map(() => realtime.subscribe({ topics: ['twins'] }));
  gateway.socket.welcome();
  return { realtime, socket: gateway.socket, subscriptions };
}
