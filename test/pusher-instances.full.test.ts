import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import type Pusher from 'pusher';
import { sleep } from '../src/kernel/clock.ts';
import { bundleOf, patient } from './support/changes.ts';
import { type Cluster, cluster } from './support/cluster.ts';
import { type RedisPart, redis, sharedKafka } from './support/parts.ts';
import {
  APP,
  backend,
  type Connected,
  connect,
  startOwnEndpoint,
  until,
} from './support/pusher.ts';
import { type Balancer, startBalancer } from './support/pusher-balancer.ts';
import type { TestServer } from './support/server.ts';

/** Two instances on one Kafka and one Redis, with stock SDKs (realtime.md §7 T8, T16, T17). */

const MEMBER = 'visit-1';
const CHANNEL = `private-member-${MEMBER}`;

let store: RedisPart;
let deployment: Cluster;
let first: TestServer;
let second: TestServer;
let endpoint: Awaited<ReturnType<typeof startOwnEndpoint>>;
let balancer: Balancer;
let hooks: Server;
const hooked: { body: string; headers: Record<string, string> }[] = [];
const open: Connected[] = [];

before(async () => {
  hooks = createServer(async (req, res) => {
    const body = Buffer.concat(await req.toArray()).toString();
    hooked.push({ body, headers: req.headers as Record<string, string> });
    res.end();
  });
  await new Promise<void>((resolve) => hooks.listen(0, '127.0.0.1', resolve));
  const hook = `http://127.0.0.1:${(hooks.address() as AddressInfo).port}/hook`;
  const [{ env }, redisPart] = await Promise.all([sharedKafka(), redis()]);
  store = redisPart;
  const apps = JSON.stringify([{ ...APP, webhooks: [hook] }]);
  deployment = await cluster({ ...env, ...store.env, PUSHER_APPS: apps });
  first = await deployment.start();
  assert.equal((await first.importBundle(bundleOf(patient(MEMBER)))).status, 201);
  await first.relations('touch', `member:${MEMBER}#self@user:vera`);
  second = await deployment.start();
  endpoint = await startOwnEndpoint(first);
  balancer = await startBalancer(second.url, first.url);
});
after(async () => {
  for (const { client } of open) client.disconnect();
  balancer.stop();
  endpoint.stop();
  hooks.close();
  await deployment.stop();
  await store.stop();
});

/** A person of the company's own channels, on one of the instances. */
async function person(server: TestServer, user: string): Promise<Connected> {
  const own = { endpoint: endpoint.url, userEndpoint: endpoint.url, params: { user } };
  const connected = await connect(server, own);
  open.push(connected);
  return connected;
}

const told = (one: Connected, channel: string, event: string) =>
  one.heard.filter((heard) => heard.channel === channel && heard.event === event);

test('B-GW-71: over two instances: who is left out, who is counted, and who is thrown out', async () => {
  const [ann, bob] = [await person(first, 'ann'), await person(second, 'bob')];
  const name = 'presence-both';
  await ann.join(name);
  await bob.join(name);
  const http = backend(first);
  await http.trigger(name, 'told', { n: 1 }, { socket_id: bob.client.connection.socket_id });
  await http.trigger(name, 'told', { n: 2 });
  await until(
    () => told(bob, name, 'told').length > 0 && told(ann, name, 'told').length > 1,
    'told',
  );
  assert.deepEqual(
    told(bob, name, 'told').map(({ data }) => data),
    [{ n: 2 }],
  );
  assert.deepEqual(
    told(ann, name, 'told').map(({ data }) => data),
    [{ n: 1 }, { n: 2 }],
  );
  const asked = { path: `/channels/${name}`, params: { info: 'user_count,subscription_count' } };
  await until(async () => {
    const { user_count: users, subscription_count: subscriptions } = (await (
      await backend(second).get(asked)
    ).json()) as Record<string, number>;
    return users === 2 && subscriptions === 2;
  }, 'both are counted');
  bob.client.signin?.();
  await until(async () => {
    await http.terminateUserConnections('bob');
    return bob.client.connection.state === 'disconnected';
  }, 'bob is thrown out by the other instance');
  assert.equal(ann.client.connection.state, 'connected');
});

test('B-GW-72: over two instances: each change is told by webhook once, and Pusher’s library takes it', async () => {
  const name = 'private-hooked';
  const [ann, bob] = [await person(first, 'ann'), await person(second, 'bob')];
  await ann.join(name);
  await bob.join(name);
  const library = backend(first);
  const events = () =>
    hooked.flatMap(({ body, headers }) => {
      const hook = library.webhook({ headers, rawBody: body });
      assert.ok(hook.isValid());
      return hook.getEvents().filter(({ channel }) => channel === name);
    });
  await until(() => events().length > 0, 'occupied');
  ann.client.disconnect();
  bob.client.disconnect();
  await until(() => events().length > 1, 'vacated');
  await sleep(1_500);
  assert.deepEqual(
    events().map((event) => event.name),
    ['channel_occupied', 'channel_vacated'],
  );
});

test('B-GW-76: T8, T17: a killed instance costs its clients nothing: what they missed is told, and nothing rings late', async () => {
  const phone = await connect(first, {
    ...{ token: await first.token('vera'), port: balancer.port },
    params: { device: 'phone' },
  });
  const tablet = await connect(first, {
    ...{ token: await first.token('vera'), params: { device: 'tablet' } },
  });
  open.push(phone, tablet);
  await phone.join(CHANNEL);
  await tablet.join(CHANNEL);
  const http: Pusher = backend(first);
  const say = (name: string, callId: string) => http.trigger(CHANNEL, name, { callId });
  await say('call_accepted', 'a');
  await until(() => phone.events(CHANNEL).length === 1, 'the first');
  // Told and acknowledged: the ping after it has its pong.
  await sleep(2_500);
  balancer.use();
  await second.kill();
  await say('join_call', 'b');
  await say('call_ended', 'b');
  await say('appointment_ready', 'c');
  await until(() => tablet.events(CHANNEL).includes('appointment_ready'), 'all is said');
  assert.ok(tablet.events(CHANNEL).includes('join_call'), 'it rang where somebody was');
  balancer.use(first.url);
  await until(() => phone.events(CHANNEL).includes('appointment_ready'), 'what was missed');
  assert.deepEqual(phone.events(CHANNEL), ['call_accepted', 'call_ended', 'appointment_ready']);
  const metrics = await first.fetch(await first.token('operator', { scope: 'admin' }), '/metrics');
  assert.match(await metrics.text(), /websocket_events_dropped_total\{reason="superseded"\} [1-9]/);
  // Wi-Fi to cellular: another address, the same device; and once more on another instance.
  second = await deployment.start();
  balancer.use(second.url);
  await sleep(1_500);
  balancer.cut();
  await say('call_ended', 'd');
  await until(() => phone.events(CHANNEL).length === 4, 'what came while it moved');
  assert.deepEqual(phone.events(CHANNEL).slice(3), ['call_ended']);
});

test('B-GW-65: T16: one person by two tabs on two instances comes once and goes once', async () => {
  const name = 'presence-two-tabs';
  const watcher = await person(first, 'walt');
  const room = await watcher.join(name);
  const [one, two] = [await person(first, 'tess'), await person(second, 'tess')];
  await one.join(name);
  const theirs = await two.join(name);
  assert.equal(theirs.members?.count, 2);
  await until(() => room.members?.count === 2, 'tess came');
  one.client.disconnect();
  await sleep(4_500);
  assert.equal(room.members?.count, 2, 'still there by the other tab');
  const killedAt = performance.now();
  await second.kill();
  await until(() => room.members?.count === 1, 'tess is gone', 15_000);
  assert.ok(performance.now() - killedAt < 15_000);
  two.client.disconnect();
  assert.equal(told(watcher, name, 'pusher:member_added').length, 1);
  assert.equal(told(watcher, name, 'pusher:member_removed').length, 1);
});
