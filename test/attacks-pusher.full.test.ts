import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import { APP, connect, OTHER_APP, rawClient, startPusher, until } from './support/pusher.ts';
import { rawRequest } from './support/raw.ts';
import type { TestServer } from './support/server.ts';

/** security.md §6, 79, 106 and 107, and realtime.md §7 T19: the gateway's Pusher face. */

let server: TestServer;
let ana: string;
let tried = 0;

before(async () => {
  server = await startPusher();
  ana = await server.token('ana');
});
after(async () => {
  console.log(`# ${tried} attacks tried`);
  await server.stop();
});

const UPGRADE: readonly (readonly [string, string])[] = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
  ['Cookie', 't=1'],
];

test('B-FM-6: 79: a page from elsewhere opens no WebSocket, and from here a cookie is no token', async () => {
  const { host } = new URL(server.url);
  for (const path of ['/v1/ws', `/app/${APP.key}?protocol=7`, '/mcp', '/']) {
    for (const origin of [
      'https://evil.example',
      'null',
      'http://localhost:1',
      `${server.url}.evil`,
    ]) {
      tried += 1;
      const headers = [['Host', host], ...UPGRADE, ['Origin', origin]] as const;
      const { status } = await rawRequest(server.url, { method: 'GET', path, headers });
      assert.equal(status, 403, `${path} from ${origin}`);
    }
  }
  const client = rawClient(server);
  await client.socketId();
  client.say({ event: 'pusher:subscribe', data: { channel: 'private-member-demo-ana' } });
  await client.next('pusher:error');
  client.end();
});

/** What the endpoint answers to the caller of a token, for this socket and channel. */
async function authorized(token: string, socketId: string, channel: string, more = {}) {
  const form = new URLSearchParams({ socket_id: socketId, channel_name: channel, ...more });
  const response = await server.fetch(token, '/v1/realtime/auth', { method: 'POST', body: form });
  const body = (await response.json()) as { auth: string; channel_data: string };
  return { status: response.status, body };
}

/** Whether the subscription is made; the connection stays as it is. */
async function subscribes(data: Record<string, unknown>, from?: ReturnType<typeof rawClient>) {
  tried += 1;
  const client = from ?? rawClient(server);
  if (from === undefined) await client.socketId();
  const before = client.heard.length;
  client.say({ event: 'pusher:subscribe', data });
  const answers = ['pusher_internal:subscription_succeeded', 'pusher:error'];
  const told = () => client.heard.slice(before).find(({ event }) => answers.includes(event));
  await until(() => told() !== undefined, 'an answer');
  assert.equal(client.closedWith, undefined);
  if (from === undefined) client.end();
  return told()?.event === answers[0];
}

const sign = (text: string, secret = APP.secret): string =>
  createHmac('sha256', secret).update(text).digest('hex');

test('B-FM-6: 106: a signature of a channel that was forged opens nothing', async () => {
  const client = rawClient(server);
  const id = await client.socketId();
  const channel = 'private-a';
  const good = `${APP.key}:${sign(`${id}:${channel}`)}`;
  const forged = [
    '',
    `${APP.key}:`,
    `${APP.key}:${'0'.repeat(64)}`,
    sign(`${id}:${channel}`),
    `${APP.key}:${sign(`${id}:${channel}`, OTHER_APP.secret)}`,
    `${OTHER_APP.key}:${sign(`${id}:${channel}`)}`,
    `${OTHER_APP.key}:${sign(`${id}:${channel}`, OTHER_APP.secret)}`,
    `${APP.key}:${sign(`1.1:${channel}`)}`,
    `${APP.key}:${sign(`${id}:private-b`)}`,
    `${APP.key}:${createHmac('sha512', APP.secret).update(`${id}:${channel}`).digest('hex')}`,
    `${APP.key}:${createHmac('md5', APP.secret).update(`${id}:${channel}`).digest('hex')}`,
    good.toUpperCase(),
    `${good} `,
    good.slice(0, -1),
  ];
  for (const auth of forged) assert.ok(!(await subscribes({ channel, auth }, client)), auth);
  // A name that another is hidden in: nobody's signature makes it one.
  for (const name of ['private-a\nprivate-b', 'private-a:x', ' private-a', 'private-a\u0000']) {
    const auth = `${APP.key}:${sign(`${id}:${name}`)}`;
    assert.ok(!(await subscribes({ channel: name, auth }, client)), JSON.stringify(name));
  }
  assert.ok(await subscribes({ channel, auth: good }, client), 'the good one');
  client.end();
});

test('B-FM-6: 106: an app’s secret alone opens no member’s channel', async () => {
  const client = rawClient(server);
  const id = await client.socketId();
  const channel = 'private-member-demo-ana';
  const other = rawClient(server);
  const otherId = await other.socketId();
  const elsewhere = await authorized(ana, otherId, channel);
  const presence = await authorized(ana, id, 'presence-member-demo-ana');
  const grants = [undefined, '{"user_id":"ana"}', '{"user_id":"ana","grant":""}'];
  for (const data of [...grants, elsewhere.body.channel_data, presence.body.channel_data]) {
    const signed = data === undefined ? `${id}:${channel}` : `${id}:${channel}:${data}`;
    const auth = `${APP.key}:${sign(signed)}`;
    assert.ok(!(await subscribes({ channel, auth, channel_data: data }, client)), data);
  }
  const { body } = await authorized(ana, id, channel);
  const changed = body.channel_data.replace('"ana"', '"eve"');
  assert.ok(!(await subscribes({ channel, auth: body.auth, channel_data: changed }, client)));
  assert.ok(!(await subscribes({ channel, ...body }, other)), 'by another socket');
  assert.ok(await subscribes({ channel, ...body }, client), 'the good one');
  for (const one of [client, other]) one.end();
});

test('B-FM-6: 106: the endpoint lets nobody onto the channels of others, and tells nothing of them', async () => {
  const told = new Set<string>();
  for (const channel of [
    ...['private-member-demo-ben', 'presence-member-demo-dov', 'private-member-nobody'],
    ...['private-own', 'presence-own', 'news', '#server-to-user-ben'],
  ]) {
    tried += 1;
    const { status, body } = await authorized(ana, '1.1', channel);
    assert.equal(status, 403, channel);
    told.add(JSON.stringify(body).replace(/"correlationId":"[a-z0-9]+"/, ''));
  }
  assert.equal(told.size, 1);
  const form = new URLSearchParams({ socket_id: '1.1', channel_name: 'private-member-demo-ana' });
  for (const path of ['/v1/realtime/auth', '/v1/realtime/user-auth']) {
    tried += 1;
    const bare = await fetch(server.url + path, { method: 'POST', body: form });
    assert.equal(bare.status, 401);
    const narrow = await server.token('ana', { scope: 'twin:search' });
    assert.equal((await server.fetch(narrow, path, { method: 'POST', body: form })).status, 403);
  }
  const twice = new URLSearchParams(form);
  twice.append('channel_name', 'private-member-demo-ben');
  const asked = await server.fetch(ana, '/v1/realtime/auth', { method: 'POST', body: twice });
  assert.equal(asked.status, 400);
});

interface Sent {
  readonly path?: string;
  readonly body?: string;
  readonly signed?: string;
  readonly app?: typeof APP;
  readonly query?: Readonly<Record<string, string>>;
  readonly signature?: (text: string) => string;
}

/** A publish whose every part can be another than what was signed. */
async function publish(sent: Sent = {}): Promise<number> {
  tried += 1;
  const { app = APP, path = `/apps/${app.id}/events` } = sent;
  const event = JSON.stringify({ name: 'told', data: '{}', channels: ['news'] });
  const { body = event, signed = body } = sent;
  const query: Record<string, string> = {
    ...{ auth_key: app.key, auth_timestamp: String(Math.floor(Date.now() / 1_000)) },
    ...{ auth_version: '1.0', body_md5: createHash('md5').update(signed).digest('hex') },
    ...sent.query,
  };
  const text = Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1));
  const canonical = `POST\n${path}\n${text.map(([k, v]) => `${k}=${v}`).join('&')}`;
  const signature = sent.signature?.(canonical) ?? sign(canonical, app.secret);
  const all = new URLSearchParams({ ...query, auth_signature: signature });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${server.url}${path}?${all}`, { method: 'POST', headers, body });
  return response.status;
}

test('B-FM-6: 106: a publish that is stale, changed or another app’s is 401, and is told to nobody', async () => {
  const client = rawClient(server);
  await client.socketId();
  assert.ok(await subscribes({ channel: 'news' }, client));
  const now = Math.floor(Date.now() / 1_000);
  const wrong: Sent[] = [
    { query: { auth_timestamp: String(now - 700) } },
    { query: { auth_timestamp: String(now + 700) } },
    { query: { auth_timestamp: 'now' } },
    { query: { auth_timestamp: '' } },
    { query: { auth_version: '2.0' } },
    { query: { auth_key: OTHER_APP.key } },
    { signed: '{}' },
    { path: '/apps/one/batch_events', signature: () => sign('POST\n/apps/one/events\n') },
    { app: { ...APP, secret: OTHER_APP.secret } },
    { app: { ...OTHER_APP, id: APP.id } },
    { path: '/apps/nobody/events' },
  ];
  for (const sent of wrong) assert.equal(await publish(sent), 401, JSON.stringify(sent));
  assert.equal(await publish(), 200);
  await client.next('told');
  assert.equal(client.heard.filter(({ event }) => event === 'told').length, 1);
  client.end();
});

test('B-FM-6: 107: a message without its signature, or with one of another kind, is 401', async () => {
  const signatures: ((text: string) => string)[] = [
    () => '',
    () => 'none',
    (text) => createHmac('sha512', APP.secret).update(text).digest('hex'),
    (text) => createHmac('md5', APP.secret).update(text).digest('hex'),
    (text) => createHash('sha256').update(text).digest('hex'),
    (text) => createHmac('sha256', APP.key).update(text).digest('hex'),
    (text) => createHmac('sha256', APP.secret).update(text).digest('base64'),
    (text) => sign(text).toUpperCase(),
    (text) => `sha256=${sign(text)}`,
  ];
  for (const signature of signatures) assert.equal(await publish({ signature }), 401);
  const body = '{"name":"told","data":"{}","channels":["news"]}';
  const headers = { 'content-type': 'application/json' };
  const bare = await fetch(`${server.url}/apps/one/events`, { method: 'POST', headers, body });
  assert.equal(bare.status, 401);
});

test('B-GW-75: T19: what is said in one app, to one user or on one member’s channel stays there', async () => {
  const foreign = rawClient(server, `/app/${OTHER_APP.key}?protocol=7`);
  const foreignId = await foreign.socketId();
  const own = rawClient(server);
  const ownId = await own.socketId();
  const channel = 'private-shared';
  const auth = (app: typeof APP, id: string) =>
    `${app.key}:${sign(`${id}:${channel}`, app.secret)}`;
  assert.ok(await subscribes({ channel, auth: auth(APP, ownId) }, own));
  assert.ok(await subscribes({ channel, auth: auth(OTHER_APP, foreignId) }, foreign));
  own.say({ event: 'client-secret', channel, data: {} });
  own.say({ event: 'client-secret', channel: 'private-member-demo-ana', data: {} });
  await own.next('pusher:error');
  const { body } = await authorized(ana, foreignId, 'private-member-demo-ana');
  const granted = { channel: 'private-member-demo-ana', ...body };
  assert.ok(!(await subscribes(granted, foreign)), 'a grant of one app, in another tenant’s');
  assert.equal(foreign.heard.filter(({ event }) => event === 'client-secret').length, 0);
  for (const one of [foreign, own]) one.end();
});

test('B-GW-75: T19: an event of one member reaches whoever may see that member, and nobody else', async () => {
  const people = ['ana', 'ben', 'dov', 'eve'] as const;
  const clients = await Promise.all(
    people.map(async (who) => ({
      who,
      client: await connect(server, { token: await server.token(who) }),
    })),
  );
  const members = ['demo-ana', 'demo-ben', 'demo-dov'];
  // By another surface: the same access decides there.
  const may: Record<string, readonly string[]> = {};
  for (const { who } of clients) {
    const token = await server.token(who);
    const read = await Promise.all(
      members.map(async (member) => {
        const { status } = await server.fetch(token, `/v1/twins/member/${member}/care`);
        return status === 200 ? [member] : [];
      }),
    );
    may[who] = read.flat();
  }
  assert.deepEqual(may.ana, ['demo-ana']);
  assert.ok((may.eve ?? []).length > 0);
  const marker = 'marker';
  for (const { client } of clients) {
    for (const member of members) client.subscribe(`private-member-${member}`);
    await client.join(marker);
  }
  for (const { who, client } of clients) {
    const open = () =>
      members.filter((member) => client.client.channel(`private-member-${member}`)?.subscribed);
    await until(() => open().length === (may[who] ?? []).length, `${who} is subscribed`);
    assert.deepEqual(open(), may[who]);
  }
  for (const member of members) {
    const body = JSON.stringify({
      name: 'join_call',
      data: JSON.stringify({ member }),
      channels: [`presence-member-${member}`],
    });
    assert.equal(await publish({ body }), 200);
  }
  const last = JSON.stringify({ name: marker, data: '{}', channels: [marker] });
  for (const { who, client } of clients) {
    const told = () =>
      client.heard
        .filter(({ event }) => event === 'join_call')
        .map(({ channel }) => channel.replace('private-member-', ''));
    await until(() => told().length >= (may[who] ?? []).length, `${who} was told`);
    await publish({ body: last });
    await until(() => client.events(marker).length > 0, 'the marker');
    assert.deepEqual(told().sort(), may[who], who);
    client.client.disconnect();
  }
});

test('B-GW-70: a right that is revoked ends its channels within two seconds', async () => {
  const token = await server.token('ana');
  const client = await connect(server, { token });
  await client.join('private-member-demo-ana');
  await server.relations('delete', 'member:demo-ana#self@user:ana');
  const told = client.events('private-member-demo-ana').length;
  const began = performance.now();
  await until(
    () => client.heard.some(({ event }) => event === 'pusher:subscription_error'),
    'the channel ends',
  );
  assert.ok(performance.now() - began < 2_000);
  const body = JSON.stringify({
    name: 'join_call',
    data: '{}',
    channels: ['private-member-demo-ana'],
  });
  assert.equal(await publish({ body }), 200);
  await client.join('after');
  const last = { name: 'after', data: '{}', channels: ['after'] };
  assert.equal(await publish({ body: JSON.stringify(last) }), 200);
  await until(() => client.events('after').length > 0, 'what was said after it');
  assert.equal(client.events('private-member-demo-ana').length, told);
  await server.relations('touch', 'member:demo-ana#self@user:ana');
  client.client.disconnect();
});
