import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type Pusher from 'pusher';
import { sleep } from '../src/kernel/clock.ts';
import {
  backend,
  type Connected,
  connect,
  startOwnEndpoint,
  startPusher,
  until,
} from './support/pusher.ts';
import { type Balancer, startBalancer } from './support/pusher-balancer.ts';
import { type JavaClient, javaClient } from './support/pusher-java.ts';
import type { TestServer } from './support/server.ts';

/**
 * realtime.md §7 T3: the SDK that Android apps ship. It speaks protocol 5, answers no `pusher:ping`,
 * hears nothing of the activity timeout, and gives up after six tries. (Silence: pusher-waits.)
 */

let server: TestServer;
let endpoint: Awaited<ReturnType<typeof startOwnEndpoint>>;
let balancer: Balancer;
let http: Pusher;
let java: JavaClient;
let phone: JavaClient;
let bob: Connected;

before(async () => {
  server = await startPusher();
  endpoint = await startOwnEndpoint(server);
  balancer = await startBalancer(server.url);
  http = backend(server);
  const token = await server.token('ana');
  java = await javaClient(server, { endpoint: `${endpoint.url}?user=ann` });
  phone = await javaClient(server, { token, port: balancer.port });
  const own = { endpoint: endpoint.url, userEndpoint: endpoint.url };
  bob = await connect(server, { ...own, params: { user: 'bob' } });
});
after(async () => {
  for (const one of [java, phone]) one.stop();
  bob.client.disconnect();
  balancer.stop();
  endpoint.stop();
  await server.stop();
});

test('B-GW-77: Java: public channels, and what servers publish', async () => {
  java.say('public news');
  await java.hears('subscribed', 'news');
  await http.trigger('news', 'told', { n: 1 });
  await java.hears('event', 'news', 'told', '{"n":1}');
  java.say('unsubscribe news');
  java.say('public after');
  await java.hears('subscribed', 'after');
  await http.trigger('news', 'told', { n: 2 });
  await http.trigger('after', 'told', {});
  await java.hears('event', 'after', 'told');
  assert.deepEqual(java.events('news'), ['told {"n":1}']);
});

test('B-GW-77: Java: members come once and go once, and client events reach the others', async () => {
  java.say('presence presence-room');
  await java.hears('subscribed', 'presence-room');
  const [, , users] = await java.hears('users', 'presence-room');
  assert.equal(users, 'ann');
  const room = await bob.join('presence-room');
  assert.equal(room.members?.count, 2);
  await java.hears('came', 'presence-room', 'bob', '{"name":"bob"}');
  java.say('trigger-presence presence-room client-hi {"n":1}');
  await until(() => bob.events('presence-room').includes('client-hi'), 'hi');
  room.trigger('client-ho', { n: 2 });
  const [, , , data, from] = await java.hears('event', 'presence-room', 'client-ho');
  assert.deepEqual([data, from], ['{"n":2}', 'bob']);
  bob.client.unsubscribe('presence-room');
  await java.hears('went', 'presence-room', 'bob');
  assert.equal(java.heard.filter(([kind]) => kind === 'came').length, 1);
});

test('B-GW-77: Java: a user signs in and is reached', async () => {
  java.say('signin');
  await until(async () => {
    await http.sendToUser('ann', 'hello', { n: 1 });
    return java.heard.some(([kind, , name]) => kind === 'event' && name === 'hello');
  }, 'reached');
});

test('B-GW-77: Java: a member’s channel is opened by our endpoint, and another member’s is not', async () => {
  phone.say('private private-member-demo-ben');
  await phone.hears('refused');
  phone.say('private private-member-demo-ana');
  await phone.hears('subscribed', 'private-member-demo-ana');
  await http.trigger('private-member-demo-ana', 'call_accepted', { callId: 'a' });
  await phone.hears('event', 'private-member-demo-ana', 'call_accepted', '{"callId":"a"}');
});

test('B-GW-69: Java: what was missed is told after a drop, and nothing that is over rings', async () => {
  const channel = 'private-member-demo-ana';
  // The ping after the first event has its pong.
  await sleep(2_500);
  const connections = () =>
    phone.heard.filter(([kind, state]) => kind === 'state' && state === 'CONNECTED');
  const before = connections().length;
  balancer.cut();
  await http.trigger(channel, 'join_call', { callId: 'b' });
  await http.trigger(channel, 'call_ended', { callId: 'b' });
  await http.trigger(channel, 'appointment_ready', { callId: 'c' });
  await phone.hears('event', channel, 'appointment_ready');
  assert.ok(connections().length > before);
  assert.deepEqual(phone.events(channel), [
    'call_accepted {"callId":"a"}',
    'call_ended {"callId":"b"}',
    'appointment_ready {"callId":"c"}',
  ]);
});
