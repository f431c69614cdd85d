import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { freePort } from '../../../tools/parts/ports.ts';
import { Front } from './front.ts';

const LOCAL = { host: '127.0.0.1', port: 0 };

async function echoing(port: number): Promise<{ close(): void }> {
  const http = createServer((req, res) => res.end(`${req.method} ${req.url}`));
  const sockets = new WebSocketServer({ server: http, handleProtocols: () => 'digital-twin.v1' });
  sockets.on('connection', (socket, req) => {
    socket.send(`hello ${req.url} ${req.headers.origin ?? ''}`);
    socket.on('message', (text) => socket.send(`echo ${String(text)}`));
  });
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
  return {
    close() {
      for (const socket of sockets.clients) socket.terminate();
      http.closeAllConnections();
      http.close();
    },
  };
}

function dialled(port: number, protocols: string[] = []) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/app/k?protocol=7`, protocols, {
    origin: 'https://app.example.org',
  });
  const heard: string[] = [];
  socket.on('message', (text) => heard.push(String(text)));
  socket.on('error', () => undefined);
  const opened = new Promise<void>((resolve, reject) => {
    socket.once('open', resolve).once('close', reject);
  });
  const until = async (count: number) => {
    while (heard.length < count) await new Promise((resolve) => socket.once('message', resolve));
    return heard;
  };
  return { socket, opened, until };
}

test('B-GW-78: a WebSocket is taken while no instance is there, and is one with it once it is', async () => {
  const port = await freePort();
  const front = new Front({ targets: [{ host: '127.0.0.1', port }], parkMs: 10_000 });
  const at = await front.listen(LOCAL);
  const parked = dialled(at, ['digital-twin.v1']);
  await parked.opened;
  assert.equal(parked.socket.protocol, 'digital-twin.v1');
  parked.socket.send('early');
  const instance = await echoing(port);
  const heard = await parked.until(2);
  assert.deepEqual(heard, ['hello /app/k?protocol=7 https://app.example.org', 'echo early']);
  const live = dialled(at);
  assert.deepEqual(await live.until(1), ['hello /app/k?protocol=7 https://app.example.org']);
  const plain = await fetch(`http://127.0.0.1:${at}/v1/x`);
  assert.equal(await plain.text(), 'GET /v1/x');
  instance.close();
  await front.stop();
});

test('B-GW-78: whoever asks for no WebSocket is told to come again, and nobody waits for ever', async () => {
  const port = await freePort();
  const front = new Front({ targets: [{ host: '127.0.0.1', port }], parkMs: 300 });
  const at = await front.listen(LOCAL);
  const { status, headers } = await fetch(`http://127.0.0.1:${at}/v1/x`);
  assert.deepEqual([status, headers.get('retry-after')], [503, '1']);
  const parked = dialled(at);
  await parked.opened;
  await new Promise((resolve) => parked.socket.once('close', resolve));
  const loud = dialled(at);
  await loud.opened;
  const closed = new Promise((resolve) => loud.socket.once('close', resolve));
  loud.socket.send('x'.repeat(70 * 1024));
  await closed;
  await front.stop();
});
