import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocket } from 'ws';
import { sleep, systemClock } from '../../kernel/clock.ts';
import { Connections } from '../connections/connections.ts';
import type { QueuedConnection } from '../connections/queued.ts';
import { NOT_COUNTED } from '../metrics.ts';
import type { Connection, Face } from '../ports.ts';
import { Upgrades } from './upgrades.ts';

const MAX = 64 * 1024;
const CODES = { comeAgain: 1012, slow: 4413, silent: 4408 };

/** Real sockets, and a protocol that says nothing by itself. */
async function listening(t: TestContext) {
  const opened: Connection[] = [];
  const face: Face = {
    ...{ name: 'own', queueBytesMax: MAX, messageBytesMax: 1_024, subprotocols: ['a'] },
    heartbeatMs: 60_000,
    serves: (path) => path === '/v1/ws',
    open(connection) {
      opened.push(connection);
      const nothing = (): void => undefined;
      return { codes: CODES, text: nothing, binary: nothing, draining: nothing, closed: nothing };
    },
  };
  const connections = new Connections({
    ...{ clock: systemClock, metrics: NOT_COUNTED, report: (error) => assert.fail(String(error)) },
    ...{ drainMs: 600, drainPerSecond: 50, queuedBytesMax: 64 * MAX },
  });
  connections.start();
  const upgrades = new Upgrades(connections, [face]);
  const server = createServer();
  server.on('upgrade', (...given) => upgrades.upgrade(...given));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const sockets: WebSocket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.terminate();
    server.close();
  });
  const dial = async (path = '/v1/ws') => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
    sockets.push(socket);
    const heard: string[] = [];
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    socket.on('message', (data) => heard.push(String(data)));
    await new Promise((resolve) => socket.once('open', resolve));
    return { socket, heard, closed };
  };
  return { opened, connections, dial };
}

test('B-GW-11: T10 who does not read is ended and reset; everybody else hears everything', async (t) => {
  const { opened, dial } = await listening(t);
  const victim = await dial();
  const others = [await dial(), await dial(), await dial()];
  victim.socket.pause();
  const message = 'x'.repeat(4_096);
  let most = 0;
  let sent = 0;
  while (opened[0]?.isOpen && sent < 20_000) {
    for (const connection of opened) connection.send(message);
    most = Math.max(most, opened[0].queuedBytes);
    sent += 1;
    if (sent % 8 === 0) await new Promise(setImmediate);
  }
  assert.ok(sent < 20_000, 'the kernel took everything');
  assert.ok(most <= MAX, `${most} bytes waited`);
  while ((opened[0] as QueuedConnection).queuedBytes > 0) await sleep(20);
  for (const { heard } of others) {
    while (heard.length < sent) await sleep(5);
    assert.equal(heard.length, sent);
  }
  victim.socket.resume();
  assert.equal(await victim.closed, 1006, 'no close frame could reach it');
});

test('B-GW-12: an unknown path is accepted and closed; a drain is spread and names its code', async (t) => {
  const { connections, dial } = await listening(t);
  assert.equal(await (await dial('/elsewhere')).closed, 4404);
  const crowd = await Promise.all(Array.from({ length: 30 }, () => dial()));
  const began = performance.now();
  const ends: number[] = [];
  const codes = crowd.map(async ({ closed }) => {
    const code = await closed;
    ends.push(performance.now() - began);
    return code;
  });
  await connections.drain();
  assert.deepEqual(new Set(await Promise.all(codes)), new Set([CODES.comeAgain]));
  const [first = 0, last = 0] = [Math.min(...ends), Math.max(...ends)];
  assert.ok(last - first >= 300, `all within ${last - first} ms`);
  assert.equal(connections.size, 0);
  assert.equal(await (await dial()).closed, CODES.comeAgain, 'nobody new is kept');
});
