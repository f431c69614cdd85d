import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type FakeClient, principal, settled, World } from './pusher.rig.ts';

const SUCCEEDED = 'pusher_internal:subscription_succeeded';
const CHANNEL = 'private-member-ana';
const JAVA = 'client=java-client&protocol=5&version=2.4.4';

/** The client answers what it is asked, as its SDK does. */
async function acknowledge(world: World, client: FakeClient): Promise<void> {
  const before = client.count('pusher:ping');
  await world.clock.pass(1_000);
  for (let n = before; n < client.count('pusher:ping'); n += 1) {
    client.handler.text('{"event":"pusher:pong","data":{}}');
  }
  for (const token of client.connection.pings.splice(0)) client.handler.pong?.(token);
  await settled();
}

const ringing = (client: FakeClient): string[] =>
  client.connection.heard
    .map(({ event }) => String(event))
    .filter((event) => !event.startsWith('pusher'));

for (const [sdk, query] of [
  ['pusher-js', undefined],
  ['the Java SDK', JAVA],
] as const) {
  test(`B-GW-69: ${sdk} is told what it missed, and not what it had acknowledged`, async () => {
    const world = await new World().start();
    const first = await world.connect(query);
    await first.subscribe(CHANNEL, { grant: {} });
    await world.publish('call.accepted', { raw: '{"n":1}' });
    await acknowledge(world, first);
    await world.publish('call.ready', { raw: '{"n":2}' });
    assert.deepEqual(ringing(first), ['call_accepted', 'appointment_ready']);
    await first.gone();
    await world.publish('call.ended', { raw: '{"n":3}', data: { callId: 'c' } });
    const again = await world.connect(query);
    await again.subscribe(CHANNEL, { grant: {} });
    assert.deepEqual(
      again.take().filter((event) => event !== 'pusher:connection_established'),
      [SUCCEEDED, 'call_ended'],
      'ready was told and not acknowledged; the end says that it means nothing any more',
    );
    assert.deepEqual(again.last('call_ended').data, { n: 3 });
    await acknowledge(world, again);
    await again.gone();
    const third = await world.connect(query);
    await third.subscribe(CHANNEL, { grant: {} });
    assert.deepEqual(ringing(third), [], 'acknowledged');
  });
}

test('B-GW-69: what was told and not acknowledged is told once more', async () => {
  const world = await new World().start();
  const first = await world.connect();
  await first.subscribe(CHANNEL, { grant: {} });
  await world.publish('call.ready');
  assert.deepEqual(ringing(first), ['appointment_ready']);
  await first.gone();
  const again = await world.connect();
  await again.subscribe(CHANNEL, { grant: {} });
  assert.deepEqual(ringing(again), ['appointment_ready']);
});

test('B-GW-69: the pong of a heartbeat acknowledges nothing', async () => {
  const world = await new World().start();
  const first = await world.connect(JAVA);
  await first.subscribe(CHANNEL, { grant: {} });
  await world.publish('call.ready');
  first.handler.pong?.('');
  first.handler.pong?.('guessed');
  await first.gone();
  const again = await world.connect(JAVA);
  await again.subscribe(CHANNEL, { grant: {} });
  assert.deepEqual(ringing(again), ['appointment_ready']);
});

test('B-GW-69: a ping of the WebSocket waits until everything has left', async () => {
  const world = await new World().start();
  const client = await world.connect(JAVA);
  await client.subscribe(CHANNEL, { grant: {} });
  client.connection.queuedBytes = 10;
  await world.publish('call.ready');
  await world.clock.pass(3_000);
  assert.deepEqual(client.connection.pings, []);
  client.connection.queuedBytes = 0;
  await world.clock.pass(1_000);
  assert.equal(client.connection.pings.length, 1);
});

test('B-GW-63: a call that ended while its member was away does not ring, and the audit says so', async () => {
  const world = await new World().start();
  const first = await world.connect();
  await first.subscribe(CHANNEL, { grant: {} });
  await first.gone();
  await world.publish('call.join', { data: { callId: 'c' } });
  await world.clock.pass(20_000);
  await world.publish('call.ended', { data: { callId: 'c' } });
  await world.publish('call.join', { data: { callId: 'd' } });
  await world.clock.pass(30_000);
  const again = await world.connect();
  await again.subscribe(CHANNEL, { grant: {} });
  assert.deepEqual(ringing(again), ['call_ended', 'join_call']);
  assert.deepEqual(world.dropped, ['superseded']);
  const [row] = world.audit;
  assert.equal(row?.why, 'not told, superseded: call.join');
  assert.equal(row?.principal?.subject, 'ana');
});

test('B-GW-63: a call that was asked for too long ago does not ring, live or later', async () => {
  const world = await new World().start();
  const first = await world.connect();
  await first.subscribe(CHANNEL, { grant: {} });
  const old = new Date(world.clock.now() - 61_000).toISOString();
  await world.publish('call.join', { time: old });
  assert.deepEqual(ringing(first), []);
  await first.gone();
  await world.publish('call.join');
  await world.clock.pass(90_000);
  const again = await world.connect();
  await again.subscribe(CHANNEL, { grant: {} });
  assert.deepEqual(ringing(again), []);
  assert.ok(world.dropped.length >= 2);
  assert.deepEqual([...new Set(world.dropped)], ['expired']);
  assert.equal(world.audit.length, world.dropped.length - 1, 'both of the second in one row');
});

test('B-GW-69: a new token of the same person and client goes on where the old one was', async () => {
  const world = await new World().start();
  const first = await world.connect();
  await first.subscribe(CHANNEL, { grant: { session: 'token-1' } });
  await first.gone();
  await world.publish('call.ready');
  await world.clock.pass(60_000);
  const near = await world.connect();
  await near.subscribe(CHANNEL, { grant: { session: 'token-2' } });
  assert.deepEqual(ringing(near), ['appointment_ready']);
  const other = await world.connect();
  await other.subscribe(CHANNEL, { grant: { session: 'token-3', principal: principal('eve') } });
  assert.deepEqual(ringing(other), [], 'another person’s device');
});

test('B-GW-69: who comes new after two minutes begins now', async () => {
  const world = await new World().start();
  const first = await world.connect();
  await first.subscribe(CHANNEL, { grant: { session: 'token-1' } });
  await first.gone();
  await world.publish('call.ready');
  await world.clock.pass(121_000);
  const late = await world.connect();
  await late.subscribe(CHANNEL, { grant: { session: 'token-2' } });
  assert.deepEqual(ringing(late), []);
});

test('B-GW-69: an app that says where it stands is told from there', async () => {
  const world = await new World().start();
  const first = await world.connect();
  await first.subscribe(CHANNEL, { grant: {} });
  await world.publish('call.ready', { raw: '{"n":1}' });
  await world.publish('call.ready', { raw: '{"n":2}' });
  const seen = first.connection.heard.find(({ data }) => data === '{"n":1}');
  const since = { epoch: String(seen?.epoch), offset: Number(seen?.offset) };
  const other = await world.connect();
  await other.subscribe(CHANNEL, { grant: { session: 'another', since } });
  assert.deepEqual(other.last('appointment_ready').data, { n: 2 });
  assert.equal(other.count('appointment_ready'), 1);
});

test('B-GW-69: what cannot be told whole is not told in part: the app hears that there is a gap', async () => {
  const world = await new World().start();
  const client = await world.connect();
  const since = { epoch: 'gone', offset: 5 };
  await world.publish('call.ready');
  await client.subscribe(CHANNEL, { grant: { since } });
  assert.deepEqual(ringing(client), ['twin.gap']);
  assert.deepEqual(client.last('twin.gap').data, { reason: 'epoch_changed' });
});

test('a client that left a channel is not told what came meanwhile', async () => {
  const world = await new World().start();
  const client = await world.connect();
  await client.subscribe(CHANNEL, { grant: {} });
  await client.say('pusher:unsubscribe', { channel: CHANNEL });
  await world.publish('call.ready');
  await client.subscribe(CHANNEL, { grant: {} });
  assert.deepEqual(ringing(client), []);
});

test('B-GW-70: a member’s channel takes a grant of ours, and an app’s secret alone opens none', async () => {
  const world = await new World().start();
  const client = await world.connect();
  const refused = async (channel: string, more: object, why: string) => {
    await client.subscribe(channel, more);
    assert.equal(client.count(SUCCEEDED), 0, why);
  };
  await refused(CHANNEL, {}, 'no data');
  await refused(CHANNEL, { channelData: '{"user_id":"ana"}' }, 'no grant');
  await refused(CHANNEL, { channelData: '{"grant":"AAAA"}' }, 'a made up grant');
  const granted = { principal: principal(), session: 's', issuedAtMs: world.clock.now() };
  const bound = { appKey: 'key', socketId: client.connection.id, channel: 'private-member-ben' };
  const grant = world.grants.seal(bound, granted);
  await refused(CHANNEL, { channelData: JSON.stringify({ grant }) }, 'of another channel');
  const elsewhere = { ...bound, channel: CHANNEL, socketId: '7.999999' };
  const other = world.grants.seal(elsewhere, granted);
  await refused(CHANNEL, { channelData: JSON.stringify({ grant: other }) }, 'of another socket');
  const foreign = principal('ana', { tenant: 'other' });
  await refused(CHANNEL, { grant: { principal: foreign } }, 'of another tenant');
  const ended = principal('ana', { expiresAtMs: world.clock.now() });
  await refused(CHANNEL, { grant: { principal: ended } }, 'of a token that has ended');
  await refused('private-member-ben', { grant: {} }, 'a member whom the person may not see');
  await refused('presence-member-ben', { grant: {} }, 'the same, by presence');
  assert.equal((await world.parts.presence.users('app:presence-member-ben')).length, 0);
});

test('B-GW-70: a right that ends ends the channel, and a token that is revoked the connection', async () => {
  const world = await new World().start();
  const [client, other] = [await world.connect(), await world.connect()];
  await client.subscribe(CHANNEL, { grant: {} });
  await client.subscribe('news');
  await other.subscribe(CHANNEL, { grant: { principal: principal('eve') } });
  world.readers.get('ana')?.delete('ana');
  world.changed({ kind: 'objects', objects: [{ type: 'member', id: 'ana' }] });
  await settled();
  assert.equal(client.count('pusher:subscription_error'), 1);
  await world.publish('call.ready');
  assert.deepEqual(ringing(client), []);
  assert.deepEqual(ringing(other), ['appointment_ready']);
  assert.equal(client.connection.closedWith, undefined);
  world.changed({ kind: 'token', tokenId: 'token-eve' });
  await settled();
  assert.equal(other.connection.closedWith, 4009);
  assert.equal(client.connection.closedWith, undefined);
});

test('B-GW-70: a grant serves for a minute, and not past what ended its caller', async () => {
  const world = await new World().start();
  const client = await world.connect();
  const old = { issuedAtMs: world.clock.now() - 60_001 };
  await client.subscribe(CHANNEL, { grant: old });
  const now = { issuedAtMs: world.clock.now() };
  await world.clock.pass(5_000);
  world.changed({ kind: 'token', tokenId: 'token-ana' });
  await client.subscribe(CHANNEL, { grant: now });
  assert.equal(client.count(SUCCEEDED), 0);
  assert.equal(client.connection.closedWith, undefined, 'it held nothing yet');
  await client.subscribe(CHANNEL, { grant: { principal: principal('eve') } });
  assert.equal(client.count(SUCCEEDED), 1, 'another token');
});

test('B-GW-70: a token’s end ends the connection so that its client comes again', async () => {
  const world = await new World().start();
  const client = await world.connect();
  const ends = principal('ana', { expiresAtMs: world.clock.now() + 10_000 });
  await client.subscribe(CHANNEL, { grant: { principal: ends } });
  await world.clock.pass(9_999);
  assert.equal(client.connection.closedWith, undefined);
  await world.clock.pass(1);
  await world.publish('call.ready');
  assert.deepEqual(ringing(client), [], 'nothing is told past its end');
  await world.clock.pass(1_500);
  assert.equal(client.connection.closedWith, 4200);
  await client.gone();
  const again = await world.connect();
  await again.subscribe(CHANNEL, { grant: { session: 'the next token' } });
  assert.deepEqual(ringing(again), ['appointment_ready'], 'and is told what it missed');
});

test('B-GW-70: rights that cannot be asked about are asked again, and then the client is sent on', async () => {
  const world = await new World().start();
  const client = await world.connect();
  world.accessAway = true;
  await client.subscribe(CHANNEL, { grant: {} });
  assert.equal(client.count(SUCCEEDED), 0);
  await world.clock.pass(1_000);
  world.accessAway = false;
  await world.clock.pass(3_000);
  assert.equal(client.count(SUCCEEDED), 1);
  world.accessAway = true;
  await world.publish('call.ready');
  assert.equal(client.connection.closedWith, 4100, 'nothing is told that could not be checked');
  await client.gone();
  world.accessAway = false;
  const again = await world.connect();
  await again.subscribe(CHANNEL, { grant: {} });
  assert.deepEqual(ringing(again), ['appointment_ready']);
});

test('a cache channel begins with its last event, or with a miss', async () => {
  const world = await new World().start();
  const early = await world.connect();
  await early.subscribe('cache-a');
  assert.equal(early.count('pusher:cache_miss'), 1);
  assert.deepEqual(
    world.told.filter(({ name }) => name === 'cache_miss'),
    [{ name: 'cache_miss', channel: 'cache-a' }],
  );
  const time = new Date(world.clock.now()).toISOString();
  const event = {
    id: 'a',
    type: 'score',
    topic: 'pusher',
    tenant: 'demo',
    raw: '{"n":1}',
    time,
  } as const;
  await world.hub.publish('pusher:app:cache-a', event, ['a']);
  const late = await world.connect();
  await late.subscribe('cache-a');
  assert.deepEqual(late.take().slice(1), [SUCCEEDED, 'score']);
  await world.clock.pass(30 * 60_000 + 1);
  const tooLate = await world.connect();
  await tooLate.subscribe('cache-a');
  assert.equal(tooLate.count('pusher:cache_miss'), 1);
});

test('B-GW-69: over any series of drops, everything is told, in order, and nothing acknowledged twice', async () => {
  const step = fc.constantFrom('publish', 'drop', 'acknowledge', 'publish');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 24 }), async (steps) => {
      const world = await new World().start();
      const heard: number[] = [];
      let client = await world.connect();
      let published = 0;
      let acknowledged = 0;
      const take = () => {
        const told = client.connection.heard.filter(({ event }) => event === 'call_ended');
        return told.map(({ data }) => (JSON.parse(String(data)) as { n: number }).n);
      };
      await client.subscribe(CHANNEL, { grant: {} });
      for (const now of [...steps, 'drop' as const]) {
        if (now === 'publish') {
          published += 1;
          await world.publish('call.ended', { raw: `{"n":${published}}` });
        } else if (now === 'acknowledge') {
          await acknowledge(world, client);
          acknowledged = published;
        } else {
          heard.push(...take());
          await client.gone();
          client = await world.connect();
          await client.subscribe(CHANNEL, { grant: {} });
          const [first] = take();
          assert.equal(first, acknowledged < published ? acknowledged + 1 : undefined);
          assert.deepEqual(
            take(),
            Array.from({ length: published - acknowledged }, (_, n) => acknowledged + n + 1),
          );
        }
      }
      heard.push(...take());
      assert.equal(new Set(heard).size, published);
    }),
    { numRuns: 12 },
  );
});
