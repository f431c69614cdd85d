import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROLLOUT_FLAGS, type RolloutFlag } from '../../contract/rollout.ts';
import type { Caller } from '../../twin/reader/index.ts';
import { type InfoParts, realtimeInfo } from './info.ts';

const CALLER = { principal: { tenant: 'demo' }, correlationId: 'c' } as Caller;
const FORMER = { appKey: 'K', host: 'ws-eu.pusher.com', port: 443 };

function partsOf(percent: Partial<Record<RolloutFlag, number>>, more: Partial<InfoParts> = {}) {
  const seen: string[] = [];
  const parts: InfoParts = {
    reader: { readable: (_, uris) => Promise.resolve(uris.map(() => true)) },
    rollout: (flag) => percent[flag] ?? 0,
    appKeyOf: () => 'K',
    former: FORMER,
    publicUrl: () => 'https://twin.example.org',
    seen: (member, path) => seen.push(`${member} ${path}`),
    ...more,
  };
  return { parts, seen };
}

const { events, videoVisits } = ROLLOUT_FLAGS;

test('B-GW-31: each member is told where to connect, by the flags that hold at that moment', async () => {
  const percent: Partial<Record<RolloutFlag, number>> = {};
  const { parts, seen } = partsOf(percent);
  const ask = () => realtimeInfo(parts, CALLER, 'demo-ana');
  assert.deepEqual(await ask(), {
    pusher: {
      ...FORMER,
      presenceChannelName: 'presence-member-demo-ana',
      authURL: 'https://twin.example.org/v1/realtime/auth',
    },
    websocket: {
      url: 'wss://twin.example.org/v1/ws',
      topics: ['twins', 'rte-completion', 'call-notifications', 'session-events', 'presence'],
      authURL: 'https://twin.example.org/v1/realtime/auth',
      protocolVersion: 1,
    },
    use: 'pusher',
    useForVideoVisits: 'pusher',
  });
  percent[events] = 100;
  const half = await ask();
  assert.deepEqual([half.use, half.useForVideoVisits], ['websocket', 'pusher']);
  assert.equal(half.pusher.host, 'ws-eu.pusher.com', 'for the part that is not moved yet');
  percent[videoVisits] = 100;
  const whole = await ask();
  assert.equal(whole.useForVideoVisits, 'websocket');
  assert.deepEqual([whole.pusher.host, whole.pusher.port], ['twin.example.org', 443]);
  percent[events] = 0;
  assert.equal((await ask()).use, 'pusher', 'and back at once');
  assert.deepEqual(
    seen.map((one) => one.split(' ')[1]),
    ['pusher', 'pusher', 'websocket', 'pusher'],
  );
});

test('B-GW-31: without a former Pusher its SDKs are told of this gateway', async () => {
  const { parts } = partsOf({}, { former: undefined, publicUrl: () => 'http://localhost:3333' });
  const { pusher, websocket } = await realtimeInfo(parts, CALLER, 'demo-ana');
  assert.deepEqual([pusher.host, pusher.port, pusher.appKey], ['localhost', 3333, 'K']);
  assert.equal(websocket.url, 'ws://localhost:3333/v1/ws');
});

test('P1: who may read nothing of a member is told what they are told of nobody', async () => {
  const reader = {
    readable: (_: unknown, uris: readonly string[]) => Promise.resolve(uris.map(() => false)),
  };
  const { parts, seen } = partsOf({}, { reader });
  await assert.rejects(realtimeInfo(parts, CALLER, 'demo-ana'), { code: 'NOT_FOUND' });
  await assert.rejects(realtimeInfo(parts, CALLER, '../x'), { code: 'INVALID_ARGUMENT' });
  assert.deepEqual(seen, []);
});
