import assert from 'node:assert/strict';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { WebSocketServer } from 'ws';
import { sleep } from '../src/kernel/clock.ts';
import { backend, open, rawClient, startPusher, until } from './support/pusher.ts';
import { javaClient } from './support/pusher-java.ts';
import type { TestServer } from './support/server.ts';

/**
 * How stock SDKs wait, and how they come again: what the gateway's codes and times rest on
 * (realtime.md §7 T3, T4, T5, T14). All at once, since it is waiting.
 */

let server: TestServer;

before(async () => {
  server = await startPusher();
});
after(() => server.stop());

/** A server that only accepts, and then does this. */
async function accepting(then: (socket: import('ws').WebSocket) => void) {
  const http = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await new Promise((resolve) => http.once('listening', resolve));
  let accepted = 0;
  http.on('connection', (socket) => {
    accepted += 1;
    then(socket);
  });
  const { port } = http.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    get accepted() {
      return accepted;
    },
    stop() {
      for (const socket of http.clients) socket.terminate();
      http.close();
    },
  };
}

const ESTABLISHED = JSON.stringify({
  event: 'pusher:connection_established',
  data: JSON.stringify({ socket_id: '1.1', activity_timeout: 120 }),
});

/** Tells that the connection is there this late. */
const parking = (ms: number) =>
  accepting((socket) => void setTimeout(() => socket.send(ESTABLISHED), ms).unref());

describe('waits', { concurrency: 32 }, () => {
  test('B-GW-68: T3: a Java client that is silent for 35 s stays', async () => {
    const java = await javaClient(server);
    await sleep(35_000);
    const states = java.heard.filter(([kind]) => kind === 'state').map(([, state]) => state);
    assert.deepEqual(states, ['CONNECTING', 'CONNECTED']);
    java.say('public still-there');
    await java.hears('subscribed', 'still-there');
    java.stop();
  });

  for (const ms of [5_000, 8_000, 12_000]) {
    test(`B-GW-68: T14: pusher-js waits ${ms} ms for its turn on one socket`, async () => {
      const parked = await parking(ms);
      const { client } = open(parked, {});
      await until(() => client.connection.state === 'connected', 'connected');
      assert.equal(parked.accepted, 1);
      client.disconnect();
      parked.stop();
    });
  }

  test('T14: after 15 s pusher-js opens another socket: nobody is parked for so long', async () => {
    const parked = await parking(60_000);
    const { client } = open(parked, {});
    await until(() => parked.accepted > 1, 'a second one', 20_000);
    client.disconnect();
    parked.stop();
  });

  test('B-GW-68: T14: the Java SDK waits 16 s for its turn on one socket', async () => {
    const parked = await parking(16_000);
    const java = await javaClient(parked);
    assert.equal(parked.accepted, 1);
    java.stop();
    parked.stop();
  });

  const COMES_AGAIN: [number, string, (tries: number) => boolean][] = [
    [4001, 'never', (tries) => tries === 1],
    [4009, 'never', (tries) => tries === 1],
    [4301, 'never', (tries) => tries === 1],
    [4100, 'once a second', (tries) => tries >= 2 && tries <= 5],
    [4201, 'once a second or sooner', (tries) => tries >= 2],
    [4200, 'without any pause', (tries) => tries > 20],
  ];
  for (const [code, how, fits] of COMES_AGAIN) {
    test(`T5: pusher-js comes again after ${code}: ${how}`, async () => {
      const closing = await accepting((socket) => socket.close(code));
      const { client } = open(closing, {});
      await sleep(3_500);
      client.disconnect();
      assert.ok(fits(closing.accepted), `${closing.accepted} tries in 3.5 s`);
      closing.stop();
    });
  }

  for (const [code, comes] of [
    [4001, false],
    [4009, false],
    [4100, true],
    [4200, true],
  ] as const) {
    test(`T5: the Java SDK comes again after ${code}: ${comes}`, async () => {
      const closing = await accepting((socket) => socket.close(code));
      const java = await javaClient(closing, { connects: false });
      await until(() => closing.accepted > 0, 'it came');
      await sleep(3_000);
      assert.equal(closing.accepted > 1, comes, `${closing.accepted} tries`);
      assert.ok(closing.accepted < 5, 'never at once');
      java.stop();
      closing.stop();
    });
  }

  test('B-GW-60: T4: a Swift client’s frames: pings of the WebSocket, data always', async () => {
    const swift = rawClient(
      server,
      '/app/one-key?client=pusher-websocket-swift&version=10.1.5&protocol=7',
    );
    await swift.socketId();
    swift.say('{"event":"pusher:subscribe","data":{"channel":"news"}}');
    await swift.next('pusher_internal:subscription_succeeded');
    swift.ping();
    swift.say('{"event":"pusher:ping","data":""}');
    await swift.next('pusher:pong');
    await backend(server).trigger('news', 'told', { n: 1 });
    await swift.next('told');
    swift.say('{"event":"pusher:unsubscribe","data":{"channel":"news"}}');
    swift.say('{"event":"client-typing","channel":"news","data":{"on":true}}');
    await swift.next('pusher:error');
    for (const { event, data } of swift.heard) {
      assert.equal(typeof data, event === 'pusher:error' ? 'object' : 'string', event);
    }
    assert.equal(swift.closedWith, undefined);
    swift.end();
  });
});

test('B-GW-60: T1: whatever is sent, a connection ends or goes on, and no other is touched', async () => {
  const other = rawClient(server);
  await other.socketId();
  other.say({ event: 'pusher:subscribe', data: { channel: 'news' } });
  await other.next('pusher_internal:subscription_succeeded');
  const garbage: (string | Uint8Array)[] = [
    ...['', '{', 'null', '[]', '"x"', '{"event":{}}', '{"event":"pusher:subscribe"}'],
    ...['{"event":"pusher:subscribe","data":{"channel":"__proto__"}}', '{"__proto__":{"event":1}}'],
    `{"event":"client-a","channel":"news","data":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
    Uint8Array.of(0, 1, 2, 255),
    '\ud800',
    'x'.repeat(31 * 1024),
  ];
  const noisy = rawClient(server);
  await noisy.socketId();
  for (const one of garbage) noisy.say(one);
  noisy.say({ event: 'pusher:ping' });
  await noisy.next('pusher:pong');
  noisy.say('x'.repeat(1024 * 1024));
  assert.equal(await noisy.closed(), 1009);
  await backend(server).trigger('news', 'told', {});
  await other.next('told');
  assert.deepEqual(
    other.heard.map(({ event }) => event),
    ['pusher:connection_established', 'pusher_internal:subscription_succeeded', 'told'],
  );
  other.end();
});

test('B-GW-68: T5: a server that ends says 4200, and to who just came 4100', async () => {
  const ending = await startPusher();
  const old = rawClient(ending);
  await old.socketId();
  await sleep(1_200);
  const young = rawClient(ending);
  await young.socketId();
  const stopped = ending.stop();
  assert.equal(await young.closed(), 4100);
  assert.equal(await old.closed(), 4200);
  assert.equal(await stopped, 0);
});
