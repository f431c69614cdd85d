import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startPusherServer } from '../src/gateway/rollout/pusher-server.rig.ts';
import { sleep } from '../src/kernel/clock.ts';
import {
  connectRealtime,
  type Gap,
  type Realtime,
  type RealtimeEvent,
  type SocketClass,
} from '../src/sdk/realtime/index.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';

/** The SDK, and the move from Pusher, against a real server. */
let server: TestServer;
let pusher: Awaited<ReturnType<typeof startPusherServer>>;
let backend: string;
let operator: string;

before(async () => {
  pusher = await startPusherServer('K', 'hush');
  const { port } = pusher.settings;
  const env = { PUSHER_BRIDGE_URL: `http://K:hush@127.0.0.1:${port}/apps/7` };
  server = await startServer({ env });
  const scope = ['call.join', 'call.ended'].map((type) => `events:publish:${type}`).join(' ');
  backend = await server.token('operator', { scope });
  operator = await server.token('operator', { scope: 'admin' });
});
after(async () => {
  await server.stop();
  await pusher.close();
});

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !holds(); tries += 1) {
    assert.ok(tries < 3_000, what);
    await sleep(5);
  }
}

const publish = async (type: string, id: string, data: object): Promise<void> => {
  const body = JSON.stringify({ type, member: 'demo-ana', id, data });
  const headers = { 'content-type': 'application/json' };
  const said = await server.fetch(backend, '/v1/events', { method: 'POST', headers, body });
  assert.equal(said.status, 201, await said.text());
};

interface Device {
  readonly realtime: Realtime;
  /** Cuts its socket, and keeps it from another one until the answer is called. */
  goOffline(): () => void;
}

async function device(as: string): Promise<Device> {
  let socket: WebSocket | undefined;
  let online = Promise.resolve();
  class Kept extends WebSocket {
    constructor(url: string, protocols: string[]) {
      super(url, protocols);
      socket = this;
    }
  }
  const token = async (): Promise<string> => {
    await online;
    return await server.token(as);
  };
  const realtime = connectRealtime({ url: server.url, token, WebSocket: Kept as SocketClass });
  const goOffline = (): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    online = promise;
    socket?.close();
    return resolve;
  };
  return { realtime, goOffline };
}

test('B-GW-32: a device that was cut off gets what was missed, once, and reads what it was told of', async () => {
  const { realtime, goOffline } = await device('ana');
  const told: RealtimeEvent[] = [];
  const gaps: Gap[] = [];
  realtime.onGap((gap) => gaps.push(gap));
  const topics = ['twins', 'call-notifications'] as const;
  const subscription = realtime.subscribe({ topics, member: 'demo-ana' });
  subscription.on('*', (event) => told.push(event));
  await subscription.ready;
  await publish('call.join', 'j-1', { callId: 'c-1', data: '{"n":1}' });
  await until(() => told.length === 1, 'the first event');
  const goOnline = goOffline();
  await until(() => realtime.state.status !== 'connected', 'the cut');
  await publish('call.ended', 'j-2', { callId: 'c-1', data: '{"n":2}' });
  const { product } = await changeCoverage(server);
  goOnline();
  realtime.retryNow();
  await until(() => told.some(({ uri }) => uri === ANA_COVERAGE), 'what was missed');
  assert.deepEqual(
    told.slice(0, 2).map(({ id, type, replayed = false }) => [id, type, replayed]),
    [
      ['j-1', 'call.join', false],
      ['j-2', 'call.ended', true],
    ],
  );
  assert.equal(new Set(told.map(({ id }) => id)).size, told.length);
  assert.deepEqual(gaps, []);
  const [, ended] = told;
  assert.ok(ended?.type === 'call.ended' && ended.data?.data === '{"n":2}');
  const change = told.find(({ uri }) => uri === ANA_COVERAGE);
  const document = await realtime.read(ANA_COVERAGE, { minPosition: change?.position });
  assert.match(JSON.stringify(document), new RegExp(product));
  realtime.close();
});

test('B-GW-33: of a stream that began anew the SDK says which documents changed meanwhile', async () => {
  const { realtime } = await device('ana');
  const since = { 'member:demo-ana': { epoch: 'other', offset: 1 } };
  const subscription = realtime.subscribe({ topics: ['twins'], member: 'demo-ana', since });
  const gap = await new Promise<Gap>((resolve) => {
    subscription.onGap(resolve);
  });
  assert.equal(gap.reason, 'epoch_changed');
  const missed = await realtime.missed(gap);
  assert.ok(missed?.some(({ uri }) => uri === ANA_COVERAGE));
  realtime.close();
});

test('P1: who may not read is refused by the SDK as by the server, and each of both presences is seen', async () => {
  const [{ realtime: ana }, { realtime: ben }] = [await device('ana'), await device('ben')];
  const refused = ben.subscribe({ topics: ['twins'], member: 'demo-ana' });
  assert.equal((await refused.ended)?.code, 'NOT_FOUND');
  await assert.rejects(ben.info('demo-ana'), { code: 'NOT_FOUND' });
  await assert.rejects(ben.call('c-1'), { code: 'NOT_FOUND' });
  const watching = ana.subscribe({ topics: ['presence'], member: 'demo-ana' });
  await watching.ready;
  ana.join('demo-ana');
  await until(() => watching.present('member:demo-ana').length === 1, 'presence');
  ana.close();
  ben.close();
});

test('B-GW-39: an app that was away asks for its call, and does not ring', async () => {
  const { realtime } = await device('ana');
  const call = await realtime.call('c-1');
  const { at: _, ...rest } = call;
  assert.deepEqual(rest, {
    ...{ id: 'c-1', member: 'demo-ana', event: 'call.ended', current: false, data: '{"n":2}' },
  });
  await assert.rejects(realtime.call('none'), { code: 'NOT_FOUND' });
  realtime.close();
});

test('B-GW-31 B-GW-40: a member is moved, and taken back at once; each event went to Pusher as well', async () => {
  const { realtime } = await device('ana');
  const set = async (value: string): Promise<void> => {
    const body = JSON.stringify({ name: 'use-websocket-gateway', value });
    const headers = { 'content-type': 'application/json' };
    const said = await server.fetch(operator, '/v1/flags', { method: 'POST', headers, body });
    assert.equal(said.status, 200);
  };
  const before = await realtime.info('demo-ana');
  assert.deepEqual([before.use, before.pusher.port], ['pusher', pusher.settings.port]);
  await set('100');
  assert.equal((await realtime.info('demo-ana')).use, 'websocket');
  await set('0');
  assert.equal((await realtime.info('demo-ana')).use, 'pusher');
  await until(() => pusher.published.some(({ name }) => name === 'call_ended'), 'the bridge');
  const [joined] = pusher.published.filter(({ name }) => name === 'join_call');
  assert.equal(joined?.data, '{"n":1}');
  assert.equal(pusher.state.refused, 0);
  const status = await server.fetch(operator, '/v1/realtime/rollout');
  const { days, gates, flags } = (await status.json()) as {
    flags: { flag: string; percent: number; since?: string }[];
    days: { told: object; bridged: Record<string, number> }[];
    gates: { open: boolean }[];
  };
  assert.deepEqual(days[0]?.told, { pusher: 1, websocket: 0 });
  assert.ok((days[0]?.bridged.call_ended ?? 0) > 0);
  assert.ok(gates.every(({ open }) => !open));
  const [moved, other] = flags;
  assert.ok(moved?.percent === 0 && moved.since !== undefined, 'since it was taken back');
  assert.equal(other?.since, undefined);
  const ana = await server.token('ana', { scope: 'admin' });
  assert.equal((await server.fetch(ana, '/v1/realtime/rollout')).status, 404);
  realtime.close();
});
