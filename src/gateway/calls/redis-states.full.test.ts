import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { type RedisPart, redis } from '../../../test/support/parts.ts';
import { createRedisLink } from '../redis-link.ts';
import { RedisCallStates } from './redis-states.ts';
import { CALL_KEPT_MS, callKey, type LastOfCall } from './states.ts';

let server: RedisPart;
let clients: Redis[];
let one: RedisCallStates;
let other: RedisCallStates;

before(async () => {
  server = await redis();
  clients = Array.from({ length: 4 }, () => new Redis(`redis://${server.address}`));
  await Promise.all(clients.map((client) => client.ping()));
  const states = (first: number): RedisCallStates => {
    const [commands, listening] = clients.slice(first, first + 2).map((client) => ({
      ...{ client, prefix: 'calls', ready: true, onReconnected: () => undefined },
    }));
    assert.ok(commands && listening);
    return new RedisCallStates(createRedisLink(commands, listening, () => assert.fail()));
  };
  [one, other] = [states(0), states(2)];
});
after(async () => {
  for (const client of clients) client.disconnect();
  await server.stop();
});

const last = (more: Partial<LastOfCall> = {}): LastOfCall => ({
  ...{ id: 'call 1', tenant: 'demo', member: 'demo-ana', event: 'call.join' },
  ...{ needs: 'mcp://twins/member/demo-ana/care', at: '2026-11-30T10:00:00.500Z', raw: '{"a": 1}' },
  ...more,
});

test('B-GW-39: what one instance was told of a call another one knows, the newest for good', async () => {
  assert.equal(await other.last('demo', 'call 1'), undefined);
  await one.note(last());
  assert.deepEqual(await other.last('demo', 'call 1'), last());
  assert.equal(await other.last('acme', 'call 1'), undefined);
  const ended = last({ event: 'call.ended', at: '2026-11-30T10:00:01Z' });
  await other.note(ended);
  await one.note(last());
  assert.deepEqual(await one.last('demo', 'call 1'), ended);
});

test('P9: a call is kept under a hash, and for a day', async () => {
  const [client] = clients;
  const keys = (await client?.keys('*')) ?? [];
  assert.deepEqual(keys, [`calls:gateway:call:${callKey('demo', 'call 1')}`]);
  const left = (await client?.pttl(keys[0] ?? '')) ?? 0;
  assert.ok(left > CALL_KEPT_MS - 60_000 && left <= CALL_KEPT_MS);
});
