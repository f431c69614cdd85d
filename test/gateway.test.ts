import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { dial, ofMember, placeOf, realtime } from './support/realtime.ts';
import { startServer, type TestServer } from './support/server.ts';

/** Our own realtime protocol, over a real server with embedded parts. */
let server: TestServer;
let ana: string;

before(async () => {
  server = await startServer();
  ana = await server.token('ana');
});
after(() => server.stop());

const TWINS = { id: 's1', topics: ['twins'] };

test('B-GW-4: a change reaches who may read it, with a position that a read shows', async () => {
  const client = await realtime(server, ana);
  const { streams } = await client.subscribe({ ...TWINS, include: 'document' });
  assert.deepEqual(
    streams.map(({ stream, recovered }) => [stream, recovered]),
    [['member:demo-ana', true]],
  );
  const { product } = await changeCoverage(server);
  await client.until(() => client.events.some(({ uri }) => uri === ANA_COVERAGE));
  const frame = client.events.find(({ uri }) => uri === ANA_COVERAGE);
  assert.ok(frame?.position);
  assert.equal(frame.type, 'twins.resource-updated');
  assert.match(JSON.stringify(frame.document), new RegExp(product));
  const read = await server.fetch(ana, '/v1/twins/member/demo-ana/coverage', {
    headers: { 'min-position': frame.position },
  });
  assert.match(await read.text(), new RegExp(product));
  client.close();
});

test('B-GW-2: who comes again is told what was missed, and then what comes', async () => {
  const first = await realtime(server, ana);
  const seen = placeOf(await first.subscribe(TWINS));
  first.close();
  await changeCoverage(server);
  const again = await realtime(server, ana);
  const { streams } = await again.subscribe({ ...TWINS, since: seen });
  assert.equal(streams[0]?.recovered, true);
  await again.until(() => again.events.some(({ uri }) => uri === ANA_COVERAGE));
  assert.ok(again.events.every(({ replayed }) => replayed === true));
  await changeCoverage(server);
  await again.until(() => again.events.some(({ replayed }) => replayed === undefined));
  const offsets = again.events.map(({ offset }) => offset);
  assert.deepEqual(
    offsets,
    offsets.toSorted((a, b) => a - b),
  );
  assert.equal(new Set(again.events.map(({ id }) => id)).size, again.events.length);
  again.close();
});

test('B-GW-3: of another epoch nothing is replayed, and the change feed goes on', async () => {
  const client = await realtime(server, ana);
  const { streams } = await client.subscribe({ ...TWINS, since: { epoch: 'other', offset: 5 } });
  const [start] = streams;
  assert.deepEqual([start?.recovered, start?.reason], [false, 'epoch_changed']);
  const cursor = start?.changes?.split('/').at(-1);
  const feed = await server.fetch(ana, `/v1/changes?cursor=${cursor}`);
  const { changes } = (await feed.json()) as { changes: { uri: string }[] };
  assert.ok(changes.some(({ uri }) => uri === ANA_COVERAGE));
  client.close();
});

test('B-GW-5: who may not read is told nothing, and cannot tell it from what is not there', async () => {
  const ben = await realtime(server, await server.token('ben'));
  for (const member of ['demo-ana', 'nobody']) {
    const from = ben.heard.length;
    ben.say({ type: 'subscribe', id: member, topics: ['twins'], filters: ofMember(member) });
    const { code, message, id } = await ben.hears('error', from);
    assert.deepEqual([code, id], ['NOT_FOUND', member]);
    assert.doesNotMatch(message, /demo-ana|nobody/);
  }
  await ben.subscribe({ ...TWINS, filters: { field: 'member', in: ['demo-ana', 'demo-ben'] } });
  await changeCoverage(server);
  await changeCoverage(server);
  assert.deepEqual(ben.events, []);
  ben.close();
});

test('B-GW-5: a right that is revoked ends its subscription, before the next change is told', async () => {
  await server.relations('touch', 'member:demo-ana#delegate@user:dora');
  const dora = await realtime(server, await server.token('dora'));
  await dora.subscribe({ ...TWINS, filters: ofMember('demo-ana') });
  await changeCoverage(server);
  await dora.until(() => dora.events.length > 0);
  await server.relations('delete', 'member:demo-ana#delegate@user:dora');
  await dora.hears('unsubscribed');
  const told = dora.events.length;
  const control = await realtime(server, ana);
  await control.subscribe(TWINS);
  await changeCoverage(server);
  await control.until(() => control.events.length > 0);
  assert.equal(dora.events.length, told);
  assert.equal((await dora.hears('unsubscribed')).reason, 'revoked');
  for (const { socket } of [dora, control]) socket.close();
});

test('B-GW-6: T15 hello first, or a token in the address; others are sent away', async () => {
  const hello = dial(server);
  hello.say({ type: 'hello', token: ana });
  hello.say({ type: 'ping', id: 'p' });
  assert.equal((await hello.hears('pong')).id, 'p');
  const wrong = dial(server, `${ana.slice(0, -4)}AAAA`);
  const early = dial(server);
  early.say({ type: 'ping' });
  for (const client of [wrong, early]) {
    await client.until(() => client.closed !== undefined);
    assert.equal(client.closed, 4401);
  }
  hello.close();
});

test('B-GW-6: T15 a refresh keeps the connection; a token of somebody else changes nothing', async () => {
  const ending = await realtime(server, await server.token('ana', { ttlSeconds: 2 }));
  const client = await realtime(server, await server.token('ana', { ttlSeconds: 30 }));
  await client.subscribe(TWINS);
  await client.hears('token_expiring');
  client.say({ type: 'refresh', token: await server.token('ben') });
  assert.equal((await client.hears('error')).code, 'INVALID_ARGUMENT');
  client.say({ type: 'refresh', token: ana });
  const { tokenExpiresAt } = await client.hears('refreshed');
  assert.ok(Date.parse(tokenExpiresAt) > Date.now() + 60_000);
  await changeCoverage(server);
  await client.until(() => client.events.length > 0);
  client.close();
  await ending.until(() => ending.closed === 4401, 'the end of a token');
});

test('T1 B-GW-7: whatever is no message of the protocol ends the connection that sent it alone', async () => {
  const steady = await realtime(server, ana);
  const wrong: (string | Buffer)[] = [
    '{"type":"subscribe"',
    '[]',
    'null',
    '{"type":"__proto__"}',
    '{"type":"subscribe","id":"a","topics":["twins"],"unknown":1}',
    '{"type":"subscribe","id":"a","topics":[],"__proto__":{"x":1}}',
    `{"type":"ping","id":"${'x'.repeat(70_000)}"}`,
    Buffer.from([0xc3, 0x28]),
  ];
  for (const message of wrong) {
    const client = await realtime(server, ana);
    client.socket.send(message, { binary: Buffer.isBuffer(message) && false });
    await client.until(() => client.closed !== undefined, String(message).slice(0, 60));
    assert.ok([4400, 1007, 1009].includes(client.closed ?? 0), `${client.closed}`);
  }
  const binary = await realtime(server, ana);
  binary.socket.send(Buffer.from('{"type":"ping"}'));
  await binary.until(() => binary.closed === 4400);
  steady.say({ type: 'ping' });
  await steady.hears('pong');
  steady.close();
});

test('B-GW-10: an event over HTTP reaches the apps as its producer said it, once, for its scope alone', async () => {
  const client = await realtime(server, ana);
  const filters = { and: [ofMember('demo-ana'), { field: 'type', prefix: 'call.' }] };
  await client.subscribe({ id: 'c', topics: ['call-notifications'], filters });
  const backend = await server.token('operator', { scope: 'events:publish:call.join' });
  const data = { callId: 'call-1', data: '{"b": 1,  "a":"é"}' };
  const publish = (body: object, token = backend) =>
    server.fetch(token, '/v1/events', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'call.join', member: 'demo-ana', id: 'e-1', data, ...body }),
    });
  assert.equal((await publish({})).status, 201);
  assert.equal((await publish({})).status, 201, 'said again');
  const refused = [
    [403, await publish({ type: 'call.ended' })],
    [403, await publish({}, ana)],
    [404, await publish({ member: 'nobody' })],
    [400, await publish({ data: { ...data, unknown: 1 } })],
    [400, await publish({ data: { ...data, position: {} } })],
    [400, await publish({ type: 'rte.completed' })],
  ] as const;
  for (const [status, response] of refused) assert.equal(response.status, status);
  assert.equal((await publish({ id: 'e-2' })).status, 201);
  await client.until(() => client.events.length > 1);
  const told = client.events.map((event) => [event.id, event.type, event.data]);
  assert.deepEqual(told, [
    ['e-1', 'call.join', { ...data, member: 'demo-ana' }],
    ['e-2', 'call.join', { ...data, member: 'demo-ana' }],
  ]);
  client.close();
});
