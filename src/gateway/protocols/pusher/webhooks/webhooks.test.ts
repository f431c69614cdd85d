import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import type { WebhookEvent } from '../parts.ts';
import { APP, ManualClock, settled, World } from '../pusher.rig.ts';
import { hmacHex } from '../signatures.ts';
import { refusalOfWebhook } from './address.ts';
import { post, postWebhook } from './post.ts';
import { WebhookSender } from './sender.ts';

const occupied = (channel: string): WebhookEvent => ({ name: 'channel_occupied', channel });

function sending(answers: (number | undefined)[]) {
  const clock = new ManualClock();
  const bodies: string[] = [];
  const faults: unknown[] = [];
  const sender = new WebhookSender({
    clock,
    post: (_url, _app, body) => {
      bodies.push(body);
      const failed = answers.shift();
      return failed === undefined ? Promise.resolve() : Promise.reject(new Error(`${failed}`));
    },
    report: (error) => void faults.push(error),
  });
  return { clock, bodies, faults, sender };
}

test('B-GW-72: what happened goes out together, with its time', async () => {
  const { clock, bodies, sender } = sending([]);
  sender.tell(APP, occupied('a'));
  sender.tell(APP, occupied('b'));
  await clock.pass(200);
  assert.equal(bodies.length, 1);
  const { time_ms: time, events } = JSON.parse(bodies[0] ?? '') as {
    time_ms: number;
    events: object[];
  };
  assert.ok(Math.abs(time - clock.now()) <= 200);
  assert.deepEqual(events, [occupied('a'), occupied('b')]);
});

test('B-GW-72: what was not taken is tried again, later each time, for five minutes', async () => {
  const { clock, bodies, faults, sender } = sending([500, 500, 500]);
  sender.tell(APP, occupied('a'));
  await clock.pass(100 + 1_000 + 2_000 + 4_000);
  assert.equal(bodies.length, 4);
  assert.equal(faults.length, 0);
  const never = sending(Array.from({ length: 100 }, () => 500));
  never.sender.tell(APP, occupied('a'));
  await never.clock.pass(10 * 60_000);
  assert.ok(never.bodies.length >= 8 && never.bodies.length <= 14, `${never.bodies.length} tries`);
  assert.equal(never.faults.length, 1);
});

test('a queue of webhooks is bounded', async () => {
  const { clock, bodies, faults, sender } = sending([]);
  for (let n = 0; n < 1_500; n += 1) sender.tell(APP, occupied(`c${n}`));
  await clock.pass(5_000);
  const sent = bodies.flatMap((body) => (JSON.parse(body) as { events: object[] }).events);
  assert.equal(sent.length, 1_000);
  assert.equal(faults.length, 1);
});

test('B-GW-72: a webhook is signed over its very bytes, and a redirect is not followed', async () => {
  const seen: { body: string; headers: NodeJS.Dict<string | string[]> }[] = [];
  const server = createServer(async (req, res) => {
    const body = Buffer.concat(await req.toArray()).toString();
    seen.push({ body, headers: req.headers });
    res.writeHead(req.url === '/moved' ? 307 : 200, { location: '/elsewhere' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const at = `http://127.0.0.1:${port}`;
  const body = '{"time_ms":1,"events":[{"name":"channel_occupied","channel":"ä"}]}';
  await postWebhook(`${at}/x`, APP, body);
  assert.equal(seen[0]?.body, body);
  assert.equal(seen[0]?.headers['x-pusher-key'], APP.key);
  assert.equal(seen[0]?.headers['x-pusher-signature'], hmacHex(APP.secret, body));
  await assert.rejects(postWebhook(`${at}/moved`, APP, body), /answered by 307/);
  assert.equal(seen.length, 2);
  server.close();
});

test('B-GW-72: webhooks go to public hosts by https alone, and in development to this machine', () => {
  assert.equal(refusalOfWebhook('https://hooks.example.org/x', false), undefined);
  const refused = [
    ...['http://hooks.example.org/x', 'https://169.254.169.254/x', 'https://10.0.0.1/'],
    ...[
      'https://[::1]/x',
      'https://[::ffff:a00:1]/x',
      'https://127.0.0.1/x',
      'https://localhost/x',
    ],
    ...['https://intranet/x', 'https://a.localhost/x', 'https://hooks.example.org:8443/x'],
    ...['https://user:pw@hooks.example.org/x', 'https://hooks.example.org/x#f', 'ftp://a.b/x'],
    ...['https://HOOKS.example.org/x', 'https://hooks.example.org', 'https://2130706433/', ''],
  ];
  for (const url of refused) assert.notEqual(refusalOfWebhook(url, false), undefined, url);
  assert.equal(refusalOfWebhook('http://127.0.0.1:8080/x', true), undefined);
  assert.notEqual(refusalOfWebhook('http://10.0.0.1:8080/x', true), undefined);
});

test('B-GW-72: a name that means a private address is not asked, also beside a public one', async () => {
  for (const addresses of [['10.0.0.1'], ['8.8.8.8', '169.254.169.254'], ['127.0.0.1'], ['::1']]) {
    const told = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    const asked = post('https://hooks.example.org/x', APP, '{}', (_host, answer) =>
      answer(null, told),
    );
    const cause = await asked.catch((error: Error) => error.cause);
    assert.match(String(cause), /not public/, addresses.join());
  }
});

test('B-GW-72: a channel is occupied and vacated once, and who comes back in time never left', async () => {
  const world = await new World().start();
  const names = () => world.told.map((event) => `${event.name} ${event.channel}`);
  const one = await world.connect();
  const as = { channelData: '{"user_id":"u"}' };
  await one.subscribe('presence-a', as);
  await settled();
  assert.deepEqual(names().sort(), ['channel_occupied presence-a', 'member_added presence-a']);
  await one.gone();
  await world.clock.pass(2_000);
  const two = await world.connect();
  await two.subscribe('presence-a', as);
  await world.clock.pass(5_000);
  assert.equal(world.told.length, 2);
  await two.say('client-a', {}, 'presence-a');
  assert.deepEqual(world.told.at(-1), {
    ...{ name: 'client_event', channel: 'presence-a', event: 'client-a', data: '{}' },
    ...{ socket_id: two.connection.id, user_id: 'u' },
  });
  await two.gone();
  await world.clock.pass(5_000);
  assert.deepEqual(names().slice(3).sort(), [
    'channel_vacated presence-a',
    'member_removed presence-a',
  ]);
});

test('B-GW-72: of two instances that see the same, one tells', async () => {
  const first = await new World().start();
  const second = await new World({
    hub: first.hub,
    log: first.log,
    presence: first.parts.presence,
  }).start();
  const client = await first.connect();
  await client.subscribe('presence-a', { channelData: '{"user_id":"u"}' });
  await settled();
  const all = [...first.told, ...second.told].map(({ name }) => name).sort();
  assert.deepEqual(all, ['channel_occupied', 'member_added']);
});

test('an app that wants it is told how many subscribe, once a second', async () => {
  const world = await new World().start();
  const clients = await Promise.all([1, 2, 3].map(() => world.connect()));
  for (const client of clients) await client.subscribe('news');
  await world.clock.pass(1_000);
  const counted = clients[0]?.connection.heard.filter(
    ({ event }) => event === 'pusher_internal:subscription_count',
  );
  assert.deepEqual(
    counted?.map(({ data }) => data),
    ['{"subscription_count":3}'],
  );
  await clients[1]?.gone();
  await world.clock.pass(1_000);
  assert.deepEqual(clients[0]?.last('pusher_internal:subscription_count').data, {
    subscription_count: 2,
  });
});
