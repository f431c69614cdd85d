import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { Fault } from '../../../../kernel/errors.ts';
import { canonicalQuery } from '../http-signature.ts';
import { APP, OTHER_APP, settled, World } from '../pusher.rig.ts';
import { type AppKeys, hmacHex } from '../signatures.ts';
import { createApi, type SaidOfCall } from './api.ts';

const SUCCEEDED = 'pusher_internal:subscription_succeeded';

async function opened() {
  const world = await new World().start();
  const said: SaidOfCall[] = [];
  const sayOfCall = async (_app: unknown, call: SaidOfCall): Promise<void> => {
    if (call.member !== 'ana') throw new Fault('NOT_FOUND');
    said.push(call);
    const { type, member, data: raw, callId } = call;
    await world.publish(type, { member, raw, data: { callId } });
  };
  const api = createApi({ ...world.parts, rate: () => true, sayOfCall });
  const ask = async (
    method: string,
    path: string,
    { body = '', query = {}, keys = APP as AppKeys, at = world.clock.now() }: Asked = {},
  ) => {
    const signed: Record<string, string> = {
      ...query,
      auth_key: keys.key,
      auth_timestamp: String(Math.floor(at / 1_000)),
      auth_version: '1.0',
      ...(body !== '' && { body_md5: createHash('md5').update(body).digest('hex') }),
    };
    const signature = hmacHex(keys.secret, `${method}\n${path}\n${canonicalQuery(signed)}`);
    const answered = await api.handle({
      ...{ method, path, body: Buffer.from(body) },
      query: new URLSearchParams({ ...signed, auth_signature: signature }),
    });
    await settled();
    return answered;
  };
  const publish = (event: object, path = '/apps/app/events') =>
    ask('POST', path, { body: JSON.stringify(event) });
  return { world, ask, publish, said };
}

interface Asked {
  readonly body?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly keys?: AppKeys;
  readonly at?: number;
}

test('B-GW-71: an app’s server publishes to its channels, past the one that it names', async () => {
  const { world, publish } = await opened();
  const [one, two, other] = [
    await world.connect(),
    await world.connect(),
    await world.connect(undefined, '/app/other-key', OTHER_APP),
  ];
  for (const client of [one, two]) await client.subscribe('private-a');
  await other.subscribe('private-a');
  const data = '{ "some":  "data" }';
  const told = { name: 'foo', data, channels: ['private-a', 'news'], socket_id: one.connection.id };
  assert.deepEqual(await publish(told), { status: 200, body: {} });
  assert.equal(one.count('foo'), 0, 'left out');
  const heard = two.connection.heard.at(-1);
  assert.equal(heard?.data, data, 'byte for byte');
  assert.equal(other.count('foo'), 0, 'of another app');
  await publish({ name: 'foo', data, channel: 'private-a' });
  assert.deepEqual([one.count('foo'), two.count('foo'), other.count('foo')], [1, 2, 0]);
});

test('B-GW-71: what may be said of channels is said with the answer', async () => {
  const { world, publish } = await opened();
  const client = await world.connect();
  await client.subscribe('presence-a', { channelData: '{"user_id":"u"}' });
  const info = 'user_count,subscription_count';
  const event = { name: 'foo', data: '{}' };
  assert.deepEqual(await publish({ ...event, channels: ['presence-a', 'presence-b'], info }), {
    status: 200,
    body: {
      channels: {
        'presence-a': { user_count: 1, subscription_count: 1 },
        'presence-b': { user_count: 0, subscription_count: 0 },
      },
    },
  });
  const batch = [
    { ...event, channel: 'presence-a', info: 'user_count' },
    { ...event, channel: 'news' },
  ];
  assert.deepEqual(await publish({ batch }, '/apps/app/batch_events'), {
    status: 200,
    body: { batch: [{ user_count: 1 }, {}] },
  });
  assert.equal(client.count('foo'), 2);
});

test('B-GW-71: channels and their users are told', async () => {
  const { world, ask, publish } = await opened();
  const [one, two] = [await world.connect(), await world.connect()];
  for (const client of [one, two]) {
    await client.subscribe('presence-a', { channelData: '{"user_id":7}' });
  }
  await one.subscribe('cache-b');
  await world.signIn(one, 'u');
  await one.subscribe('#server-to-user-u');
  const get = async (path: string, query = {}) => await ask('GET', `/apps/app/${path}`, { query });
  assert.deepEqual((await get('channels')).body, { channels: { 'presence-a': {}, 'cache-b': {} } });
  assert.deepEqual(
    (await get('channels', { filter_by_prefix: 'presence-', info: 'user_count' })).body,
    { channels: { 'presence-a': { user_count: 1 } } },
  );
  assert.deepEqual((await get('channels', { info: 'user_count' })).status, 400);
  assert.deepEqual(
    (await get('channels/presence-a', { info: 'user_count,subscription_count' })).body,
    {
      occupied: true,
      user_count: 1,
      subscription_count: 2,
    },
  );
  assert.deepEqual((await get('channels/nobody-there')).body, { occupied: false });
  assert.deepEqual((await get('channels/presence-a/users')).body, { users: [{ id: '7' }] });
  assert.equal((await get('channels/cache-b/users')).status, 400);
  assert.deepEqual((await get('channels/cache-b', { info: 'cache' })).body, {
    occupied: true,
    cache: null,
  });
  await publish({ name: 'foo', data: '1', channel: 'cache-b' });
  await world.clock.pass(60_000);
  assert.deepEqual((await get('channels/cache-b', { info: 'cache' })).body, {
    occupied: true,
    cache: { data: '1', ttl: 1_740 },
  });
  await two.gone();
  await one.gone();
  await world.clock.pass(5_000);
  assert.deepEqual((await get('channels')).body, { channels: {} });
});

test('B-GW-71: a user is reached, and thrown out, on all connections that are signed in', async () => {
  const { world, ask, publish } = await opened();
  const [one, two, foreign] = [
    await world.connect(),
    await world.connect(),
    await world.connect(undefined, '/app/other-key', OTHER_APP),
  ];
  await world.signIn(one, 'u');
  await world.signIn(foreign, 'u', OTHER_APP);
  for (const client of [one, foreign]) await client.subscribe('#server-to-user-u');
  await publish({ name: 'hi', data: '{}', channels: ['#server-to-user-u'] });
  assert.deepEqual([one.count('hi'), foreign.count('hi')], [1, 0]);
  const path = '/apps/app/users/u/terminate_connections';
  assert.deepEqual(await ask('POST', path), { status: 200, body: {} });
  assert.equal(one.connection.closedWith, 4009);
  assert.equal(two.connection.closedWith, undefined, 'not signed in');
  assert.equal(foreign.connection.closedWith, undefined, 'of another app');
});

test('B-GW-71: a wrong request is refused by its rule, and nothing of it is said', async () => {
  const { world, publish, ask } = await opened();
  const client = await world.connect();
  await client.subscribe('news');
  const good = { name: 'foo', data: '{}', channels: ['news'] };
  const wrong: [object, number][] = [
    [{ ...good, name: '' }, 400],
    [{ ...good, name: 'a'.repeat(201) }, 400],
    [{ ...good, name: undefined }, 400],
    [{ ...good, data: {} }, 400],
    [{ ...good, data: 'x'.repeat(10 * 1024 + 1) }, 413],
    [{ ...good, data: 'ä'.repeat(5 * 1024 + 1) }, 413],
    [{ ...good, channels: [] }, 400],
    [{ ...good, channels: Array.from({ length: 101 }, (_, n) => `news-${n}`) }, 400],
    [{ ...good, channels: ['news', 'a b'] }, 400],
    [{ ...good, channels: 'news' }, 400],
    [{ ...good, channel: 'news' }, 400],
    [{ ...good, socket_id: '1.1:private-a' }, 400],
    [{ ...good, info: 'everything' }, 400],
    [{ ...good, info: 'user_count' }, 400],
    [{ ...good, more: 1 }, 400],
    [[good], 400],
  ];
  for (const [event, status] of wrong) {
    assert.equal((await publish(event)).status, status, JSON.stringify(event).slice(0, 80));
  }
  const batch = (events: unknown) => publish({ batch: events }, '/apps/app/batch_events');
  const one = { name: 'foo', data: '{}', channel: 'news' };
  assert.equal((await batch([])).status, 400);
  assert.equal((await batch(Array.from({ length: 11 }, () => one))).status, 400);
  assert.equal((await batch([one, { ...one, channel: 'a b' }])).status, 400);
  assert.equal((await batch({})).status, 400);
  assert.equal((await ask('POST', '/apps/app/events', { body: '{' })).status, 400);
  assert.equal((await ask('GET', '/apps/app/channels', { query: { more: '1' } })).status, 400);
  assert.equal((await ask('GET', '/apps/app/events')).status, 404);
  assert.equal((await ask('POST', '/apps/app/nothing', { body: '{}' })).status, 404);
  assert.equal((await ask('GET', '/apps/app/channels/%zz')).status, 400);
  assert.equal(client.count('foo'), 0);
});

test('B-GW-61: a request that is not its app’s, or too old, is refused before it is read', async () => {
  const { world, ask } = await opened();
  const body = '{"name":"foo","data":"{}","channels":["news"]}';
  const path = '/apps/app/events';
  const at = (ms: number) => ask('POST', path, { body, at: world.clock.now() + ms });
  assert.equal((await at(-601_000)).status, 401);
  assert.equal((await at(602_000)).status, 401);
  assert.equal((await ask('POST', path, { body, keys: OTHER_APP })).status, 401);
  assert.equal((await ask('POST', path, { body, keys: { ...APP, secret: 'x' } })).status, 401);
  assert.equal((await ask('POST', '/apps/nobody/events', { body })).status, 401);
  assert.equal(
    (await ask('POST', '/apps/nobody/events', { body, keys: { key: '', secret: '' } })).status,
    401,
  );
  assert.equal((await ask('POST', path, { body })).status, 200);
});

test('B-GW-71: an event of a visit that a server publishes is one of the log, once a member', async () => {
  const { world, publish, said } = await opened();
  const client = await world.connect();
  await client.subscribe('presence-member-ana', { grant: {} });
  assert.equal(client.count(SUCCEEDED), 1);
  const event = { name: 'join_call', data: '{"callId":"c"}', channels: ['presence-member-ana'] };
  await publish({ ...event, channels: ['presence-member-ana', 'private-member-ana', 'news'] });
  assert.equal(client.count('join_call'), 1);
  const call = { type: 'call.join', member: 'ana', callId: 'c', data: event.data };
  assert.deepEqual(said, [call]);
  assert.equal((await publish({ ...event, channels: ['private-member-ben'] })).status, 400);
  await publish({ ...event, name: 'own_event', data: '{}' });
  assert.equal(client.count('own_event'), 1);
  await client.gone();
  await publish({ ...event, data: '{"callId":"d"}' });
  await publish({ ...event, name: 'call_ended', data: '{"callId":"d"}' });
  const again = await world.connect();
  await again.subscribe('presence-member-ana', { grant: {} });
  assert.deepEqual(
    again.take().filter((name) => !name.startsWith('pusher')),
    ['join_call', 'call_ended', 'own_event'],
    'c was not acknowledged, and d is over',
  );
});
