import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { sleep, systemClock } from '../../kernel/clock.ts';
import type { GatewayEvent } from '../ports.ts';
import { MemoryLog } from '../streams/memory-log.ts';
import { Bridge, bridged, FormerWatch } from './bridge.ts';
import { createFormer, placeOfClients } from './former.ts';
import { startPusherServer } from './pusher-server.rig.ts';

let server: Awaited<ReturnType<typeof startPusherServer>>;
const STREAM = 'member:demo-ana';

beforeEach(async () => {
  server = await startPusherServer('K', 'hush');
});
afterEach(() => server.close());

function rig(more: { secret?: string } = {}, waitingMax = 1_000) {
  const [names, failures]: string[][] = [[], []];
  const counts = {
    bridged: (name: string) => void names?.push(name),
    failed: (reason: string) => void failures?.push(reason),
  };
  // Pauses between tries last until the test says.
  const paused: { readonly ms: number; readonly end: () => void }[] = [];
  const clock = {
    ...systemClock,
    after(ms: number, end: () => void) {
      if (ms >= 5_000) return systemClock.after(ms, end);
      paused.push({ ms, end });
      return { cancel: () => undefined };
    },
  };
  const bridge = new Bridge({
    former: createFormer({ ...server.settings, ...more }),
    counts,
    clock,
    waitingMax,
  });
  return { bridge, names: names ?? [], failures: failures ?? [], paused };
}

const event = (type: string, more: Partial<GatewayEvent> = {}): GatewayEvent => ({
  ...{ id: type, type, topic: 'call-notifications', tenant: 'demo', member: 'demo-ana' },
  ...{ time: '2026-11-30T10:00:00Z', raw: '{"a" : 1}' },
  ...more,
});

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries += 1) {
    assert.ok(tries < 2_000, 'it does not come');
    await sleep(5);
  }
}

test('B-GW-40: each event goes to Pusher as well, by its name and bytes there, in order, signed', async () => {
  const { bridge, names, failures } = rig();
  const log = bridged(new MemoryLog({ clock: systemClock }), bridge);
  const types = ['call.accepted', 'call.ready', 'call.join', 'call.extend', 'call.ended'];
  for (const type of types) await log.append(STREAM, event(type), [type]);
  await log.append(STREAM, event('call.ended'), ['call.ended']);
  const uri = 'mcp://twins/member/demo-ana/care';
  await log.append(STREAM, event('twins.resource-updated', { uri, topic: 'twins' }), ['t']);
  await bridge.stop();
  const channels = ['private-member-demo-ana', 'presence-member-demo-ana'];
  const calls = ['call_accepted', 'appointment_ready', 'join_call', 'paid_extend_call_request'];
  assert.deepEqual(
    server.published.slice(0, 5),
    [...calls, 'call_ended'].map((name) => ({ channels, name, data: '{"a" : 1}' })),
  );
  assert.equal(server.published.length, 6, 'a duplicate has no second effect');
  const [news] = server.published.slice(5);
  assert.deepEqual([news?.name, news?.channels], ['twin.updated', [channels[0]]]);
  assert.equal(names.length, 6);
  assert.deepEqual(failures, []);
});

test('B-GW-40: an app’s own channels go there too, what clients and instances say does not', async () => {
  const { bridge } = rig();
  const said = (stream: string, type = 'news') =>
    bridge.offer(stream, event(type, { topic: 'pusher' }));
  said('pusher:7:my-channel');
  for (const stream of ['pusher:7:my-channel:client', 'pusher:7:!control', 'pusher:7:#user:x']) {
    said(stream);
  }
  said('pusher:7:private-encrypted-x');
  said('pusher:7:my-channel', 'client-typing');
  said('session:abc', 'sessions.session.started');
  await bridge.stop();
  assert.deepEqual(server.published, [
    { channels: ['my-channel'], name: 'news', data: '{"a" : 1}' },
  ]);
});

test('B-GW-40: a Pusher that is away is tried again, in order; one that refuses is not', async () => {
  const { bridge, failures, names, paused } = rig();
  const endPause = async (nth: number): Promise<void> => {
    await until(() => paused.length === nth);
    paused.at(-1)?.end();
  };
  server.state.answer = 503;
  bridge.offer(STREAM, event('call.join'));
  bridge.offer(STREAM, event('call.ended'));
  await endPause(1);
  await until(() => paused.length === 2);
  server.state.answer = 200;
  await endPause(2);
  await until(() => names.length === 2);
  assert.deepEqual(
    server.published.map(({ name }) => name),
    ['join_call', 'call_ended'],
  );
  server.state.answer = 413;
  bridge.offer(STREAM, event('call.join'));
  await until(() => failures.length === 1);
  server.state.answer = 503;
  bridge.offer(STREAM, event('call.join'));
  for (const nth of [3, 4, 5]) await endPause(nth);
  await until(() => failures.length === 2);
  assert.deepEqual(failures, ['refused', 'unreachable']);
  assert.deepEqual(
    paused.map(({ ms }) => ms),
    [500, 1_000, 500, 1_000, 2_000],
  );
  await bridge.stop();
});

test('B-GW-40: what must not be told any more is not told late', async () => {
  const { bridge, failures } = rig();
  bridge.offer(STREAM, event('call.join', { validUntil: '2020-01-01T00:00:00Z' }));
  await bridge.stop();
  assert.deepEqual([server.published, failures], [[], ['expired']]);
});

test('B-GW-40: a Pusher that answers nothing holds up nobody, and more than is held is counted', async () => {
  const { bridge, failures } = rig({}, 30);
  const { promise, resolve } = Promise.withResolvers<void>();
  server.state.waits = promise;
  for (let n = 0; n < 50; n += 1) bridge.offer(`member:m${n}`, event('call.join'));
  assert.deepEqual(failures, Array(4).fill('queue_full'));
  resolve();
  await bridge.stop();
  assert.equal(server.published.length, 46, '16 under way and 30 that waited');
  bridge.offer(STREAM, event('call.join'));
  assert.equal(failures.at(-1), 'stopped');
});

test('P9: what Pusher says, and the address with its signature, stand in no error', async () => {
  const { bridge, failures } = rig({ secret: 'wrong' });
  bridge.offer(STREAM, event('call.join'));
  await bridge.stop();
  assert.equal(server.state.refused, 1);
  assert.deepEqual(failures, ['refused']);
  const former = createFormer({ ...server.settings, secret: 'wrong' });
  const error = await former.channels().then(
    () => assert.fail(),
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Error && error.cause === undefined);
  assert.equal(error.message, 'Pusher answers 401');
});

test('B-GW-41: who is subscribed there is looked at again and again', async () => {
  server.state.channels = ['private-member-demo-ana', 'news'];
  const former = createFormer(server.settings);
  const seen: string[][] = [];
  const clock = {
    ...systemClock,
    after: (_: number, task: () => void) => systemClock.after(1, task),
  };
  const look = async (): Promise<void> => void seen.push(await former.channels());
  const watch = new FormerWatch(look, clock, () => assert.fail());
  await watch.start();
  await until(() => seen.length >= 2);
  await watch.stop();
  assert.deepEqual(seen[0], ['private-member-demo-ana', 'news']);
});

test('B-GW-41: clients of a cluster connect to another host than backends', () => {
  const of = (host: string) => placeOfClients({ ...server.settings, host, port: 443 }).host;
  assert.equal(of('api-eu.pusher.com'), 'ws-eu.pusher.com');
  assert.equal(of('api.pusherapp.com'), 'ws.pusherapp.com');
  assert.equal(of('pusher.example.org'), 'pusher.example.org');
});
