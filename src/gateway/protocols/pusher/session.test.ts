import assert from 'node:assert/strict';
import { test } from 'node:test';
import { APP, OTHER_APP, World } from './pusher.rig.ts';
import { signChannel } from './signatures.ts';

const SUCCEEDED = 'pusher_internal:subscription_succeeded';
const ADDED = 'pusher_internal:member_added';
const REMOVED = 'pusher_internal:member_removed';

test('B-GW-64: who comes is told its socket and how long it may hear nothing', async () => {
  const world = await new World().start();
  for (const query of ['protocol=7&client=js', 'client=java-client&protocol=5&version=2.4.4']) {
    const { connection, last } = await world.connect(query);
    const { data } = last('pusher:connection_established');
    assert.deepEqual(data, { socket_id: connection.id, activity_timeout: 30 });
    assert.match(connection.id, /^\d+\.\d+$/);
  }
});

test('B-GW-64: who comes wrongly is let in, told why, and closed by the code of it', async () => {
  const world = await new World().start();
  const wrong: [string, string, number][] = [
    ['/app/key', 'client=js', 4008],
    ['/app/key', 'protocol=', 4008],
    ['/app/key', 'protocol=seven', 4006],
    ['/app/key', 'protocol=7.1', 4006],
    ['/app/key', 'protocol=4', 4007],
    ['/app/key', 'protocol=8', 4007],
    ['/app/nobody', 'protocol=7', 4001],
    ['/app', 'protocol=7', 4005],
    ['/app/', 'protocol=7', 4005],
    ['/app/key/more', 'protocol=7', 4005],
    ['/app/__proto__', 'protocol=7', 4001],
  ];
  for (const [path, query, code] of wrong) {
    assert.ok(world.face.serves(path));
    const { connection, take, handler } = await world.connect(query, path);
    assert.deepEqual(take(), ['pusher:error'], path + query);
    assert.equal(connection.closedWith, code, path + query);
    handler.text('{"event":"pusher:subscribe","data":{"channel":"news"}}');
    handler.binary();
  }
});

test('a channel is subscribed to once, and left once', async () => {
  const world = await new World().start();
  const { subscribe, say, take, last } = await world.connect();
  take();
  await subscribe('news');
  assert.deepEqual(take(), [SUCCEEDED]);
  assert.deepEqual(last(SUCCEEDED), { event: SUCCEEDED, channel: 'news', data: {} });
  await subscribe('news');
  assert.deepEqual(last('pusher:error').data, {
    code: null,
    message: 'Existing subscription to channel news',
  });
  take();
  await say('pusher:unsubscribe', { channel: 'news' });
  assert.deepEqual(take(), []);
  await say('pusher:unsubscribe', { channel: 'news' });
  assert.match(String(last('pusher:error').data), /object/);
  assert.match(
    JSON.stringify(last('pusher:error').data),
    /No current subscription to channel news/,
  );
});

test('subscribing, leaving and subscribing again in one breath ends subscribed', async () => {
  const world = await new World().start();
  const { connection, handler, take, authorized } = {
    ...(await world.connect()),
    authorized: world.authorized.bind(world),
  };
  take();
  const channelData = '{"user_id":"a"}';
  const asked = authorized(APP, connection.id, 'presence-a', { channelData });
  const say = (event: string, data: object) => handler.text(JSON.stringify({ event, data }));
  say('pusher:subscribe', asked);
  say('pusher:unsubscribe', { channel: 'presence-a' });
  say('pusher:subscribe', asked);
  await world.clock.pass(5_000);
  assert.deepEqual(
    take().filter((event) => event === SUCCEEDED),
    [SUCCEEDED],
  );
  assert.equal((await world.parts.presence.users('app:presence-a')).length, 1);
  say('pusher:unsubscribe', { channel: 'presence-a' });
  say('pusher:subscribe', asked);
  say('pusher:unsubscribe', { channel: 'presence-a' });
  await world.clock.pass(5_000);
  assert.equal((await world.parts.presence.users('app:presence-a')).length, 0);
});

test('B-GW-61: a private channel takes a signature for this socket, channel and app', async () => {
  const world = await new World().start();
  const client = await world.connect();
  const { id } = client.connection;
  const wrong = [
    '',
    'key:',
    'key',
    signChannel(APP, '7.0', 'private-a'),
    signChannel(APP, id, 'private-b'),
    signChannel(OTHER_APP, id, 'private-a'),
    signChannel({ ...APP, key: OTHER_APP.key }, id, 'private-a'),
    signChannel(APP, id, 'private-a').toUpperCase(),
    signChannel(APP, id, 'private-a', '{"user_id":"a"}'),
  ];
  for (const auth of wrong) {
    client.take();
    await client.subscribe('private-a', { auth });
    assert.deepEqual(client.take(), ['pusher:subscription_error', 'pusher:error'], auth);
  }
  await client.subscribe('private-a');
  assert.deepEqual(client.take(), [SUCCEEDED]);
  assert.equal(client.connection.closedWith, undefined);
});

test('channel_data that nobody signed is nobody’s word', async () => {
  const world = await new World().start();
  const client = await world.connect();
  const { id } = client.connection;
  client.take();
  const bare = signChannel(APP, id, 'presence-a');
  await client.subscribe('presence-a', { auth: bare, channelData: '{"user_id":"boss"}' });
  assert.ok(!client.take().includes(SUCCEEDED));
  await client.subscribe('private-a', {
    auth: signChannel(APP, id, 'private-a'),
    channelData: '{"session":"stolen"}',
  });
  assert.ok(client.take().includes(SUCCEEDED));
});

test('B-GW-65: presence is of people, not of connections', async () => {
  const world = await new World().start();
  const [one, two, other] = [await world.connect(), await world.connect(), await world.connect()];
  const as = (id: unknown) => ({
    channelData: JSON.stringify({ user_id: id, user_info: { n: 1 } }),
  });
  await one.subscribe('presence-a', as(10));
  assert.deepEqual(one.last(SUCCEEDED).data, {
    presence: { ids: ['10'], hash: { 10: { n: 1 } }, count: 1 },
  });
  await other.subscribe('presence-a', as('b'));
  assert.deepEqual(one.last(ADDED).data, { user_id: 'b', user_info: { n: 1 } });
  await two.subscribe('presence-a', as('10'));
  assert.equal(other.count(ADDED), 0, 'the same person by a second connection');
  assert.equal(two.count(ADDED), 0);
  await one.gone();
  await world.clock.pass(5_000);
  assert.equal(other.count(REMOVED), 0, 'one connection is left');
  await two.gone();
  await world.clock.pass(2_000);
  assert.equal(other.count(REMOVED), 0, 'who comes back within three seconds was not away');
  await world.clock.pass(2_000);
  assert.deepEqual(other.last(REMOVED).data, { user_id: '10' });
  assert.equal(other.count(REMOVED), 1);
});

test('B-GW-65: a presence channel takes a hundred people', async () => {
  const world = await new World().start();
  const as = (id: number) => ({ channelData: JSON.stringify({ user_id: id }) });
  const clients = await Promise.all(Array.from({ length: 101 }, () => world.connect()));
  for (const [id, client] of clients.entries()) await client.subscribe('presence-a', as(id));
  const last = clients.at(-1);
  assert.equal(last?.count(SUCCEEDED), 0);
  assert.equal(last?.count('pusher:subscription_error'), 1);
  assert.equal(clients[99]?.count(SUCCEEDED), 1);
  await last?.subscribe('presence-a', as(5));
  assert.equal(last?.count(SUCCEEDED), 1, 'somebody who is there already is no one more');
});

test('B-GW-66: a client event reaches the others of its channel, and says who sent it', async () => {
  const world = await new World().start();
  const [from, to, foreign] = [await world.connect(), await world.connect(), await world.connect()];
  const as = (id: string) => ({ channelData: JSON.stringify({ user_id: id }) });
  await from.subscribe('presence-a', as('a'));
  await to.subscribe('presence-a', as('b'));
  await foreign.subscribe('private-a');
  await from.say('client-typing', { on: true }, 'presence-a');
  assert.deepEqual(to.connection.heard.at(-1), {
    event: 'client-typing',
    channel: 'presence-a',
    data: '{"on":true}',
    user_id: 'a',
  });
  assert.equal(from.count('client-typing'), 0);
  assert.equal(foreign.count('client-typing'), 0);
  assert.equal(from.count('pusher:error'), 0);
});

test('B-GW-66: a client event is refused where there is no right to it', async () => {
  const world = await new World().start();
  const client = await world.connect();
  await client.subscribe('news');
  await client.subscribe('private-encrypted-a');
  await client.subscribe('private-b');
  const refused = async (event: string, data: unknown, channel: string) => {
    const before = client.count('pusher:error');
    await client.say(event, data, channel);
    assert.equal(client.count('pusher:error'), before + 1, `${event} on ${channel}`);
    assert.equal((client.last('pusher:error').data as { code: number }).code, 4301);
  };
  await refused('client-a', {}, 'news');
  await refused('client-a', {}, 'private-encrypted-a');
  await refused('client-a', {}, 'private-a');
  await refused('client-a', {}, 'presence-a');
  await refused('client-a', {}, '#server-to-user-a');
  await refused(`client-${'a'.repeat(200)}`, {}, 'private-b');
  await refused('client-a', 'x'.repeat(10 * 1024 + 1), 'private-b');
  await client.say('client-a', 'x'.repeat(10 * 1024), 'private-b');
  assert.equal(client.connection.closedWith, undefined, '4301 is no close code');
});

test('B-GW-66: ten client events in a second, and no more', async () => {
  const world = await new World().start();
  const [from, to] = [await world.connect(), await world.connect()];
  await from.subscribe('private-a');
  await to.subscribe('private-a');
  for (let n = 0; n < 12; n += 1) await from.say('client-a', { n }, 'private-a');
  assert.equal(to.count('client-a'), 10);
  assert.equal(from.count('pusher:error'), 2);
  await world.clock.pass(1_000);
  await from.say('client-a', {}, 'private-a');
  assert.equal(to.count('client-a'), 11);
});

test('B-GW-67: who has signed in has a channel of their own, and nobody else', async () => {
  const world = await new World().start();
  const client = await world.connect();
  const own = '#server-to-user-a';
  await client.subscribe(own);
  assert.equal(client.count(SUCCEEDED), 0, 'before the sign-in');
  await world.signIn(client, 'a');
  assert.deepEqual(client.last('pusher:signin_success').data, { user_data: '{"id":"a"}' });
  await client.subscribe('#server-to-user-b');
  assert.equal(client.count(SUCCEEDED), 0, 'another’s');
  await client.subscribe(own);
  assert.equal(client.count(SUCCEEDED), 1);
  await world.signIn(client, 'b');
  assert.match(JSON.stringify(client.last('pusher:error')), /another user/);
  await client.say('pusher:signin', { auth: 'key:00', user_data: '{"id":"a"}' });
  assert.match(JSON.stringify(client.last('pusher:error')), /not authorized/);
  await client.subscribe('presence-a');
  const { data } = client.last(SUCCEEDED);
  assert.deepEqual((data as { presence: { ids: string[] } }).presence.ids, ['a']);
});

test('a ping is answered, by whatever form it comes', async () => {
  const world = await new World().start();
  const client = await world.connect();
  client.take();
  client.handler.text('{"event":"pusher:ping"}');
  client.handler.text('{"event":"pusher:ping","data":{}}');
  client.handler.text('{"event":"pusher:ping","data":"{}"}');
  assert.deepEqual(client.take(), ['pusher:pong', 'pusher:pong', 'pusher:pong']);
  assert.equal(client.connection.heard.at(-1)?.data, '{}');
});

test('whoever says more than any SDK would is sent away for a second', async () => {
  const world = await new World().start();
  const client = await world.connect();
  for (let n = 0; n < 300; n += 1) client.handler.text('{"event":"pusher:ping"}');
  assert.equal(client.connection.closedWith, undefined);
  client.handler.text('{"event":"pusher:ping"}');
  assert.equal(client.connection.closedWith, 4100);
});

test('what is no frame is answered by an error, and the connection goes on', async () => {
  const world = await new World().start();
  const client = await world.connect();
  const wrong = ['', '{', '[]', 'null', '1', '{"event":1}', '{"event":"pusher:subscribe"}'];
  wrong.push('{"event":"pusher:subscribe","data":{"channel":"a b"}}', '{"event":"unknown"}');
  wrong.push('{"event":"pusher:unsubscribe","data":{"channel":"x\\n"}}');
  for (const text of wrong) {
    client.take();
    client.handler.text(text);
    assert.deepEqual(client.take(), ['pusher:error'], text);
  }
  client.handler.binary();
  assert.deepEqual(client.take(), ['pusher:error']);
  await client.subscribe('__proto__');
  assert.deepEqual(client.take(), [SUCCEEDED]);
});

test('B-GW-68: pusher-js hears a ping before it gives up, the others none by event', async () => {
  const world = await new World().start();
  const js = await world.connect();
  const java = await world.connect('client=java-client&protocol=5&version=2.4.4');
  await world.clock.pass(29_000);
  assert.ok(js.count('pusher:ping') >= 1);
  assert.equal(java.count('pusher:ping'), 0);
  await world.clock.pass(180_000);
  assert.equal(java.connection.closedWith, undefined);
});

test('B-GW-68: nobody is told 4200 within a second of coming', async () => {
  const world = await new World().start();
  const [young, old] = [await world.connect(), await world.connect()];
  young.handler.draining(0);
  assert.equal(young.handler.codes.comeAgain, 4100);
  await world.clock.pass(1_000);
  old.handler.draining(0);
  assert.equal(old.handler.codes.comeAgain, 4200);
  assert.equal(old.handler.codes.silent, 4201);
});
