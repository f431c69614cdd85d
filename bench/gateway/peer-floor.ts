/** A stock `ws` server with a map of channels: no tokens, no rights, nothing kept, no other process. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Published } from './instances.ts';

const channels = new Map<string, Set<WebSocket>>();
const server = createServer(async (req, res) => {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  const { channel, data } = JSON.parse(Buffer.concat(chunks).toString()) as Published;
  const text = JSON.stringify(data);
  for (const socket of channels.get(channel) ?? []) socket.send(text);
  res.setHeader('content-type', 'application/json').end('{"result":{}}');
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  const own: Set<WebSocket>[] = [];
  socket.on('message', (name) => {
    const all = channels.get(String(name)) ?? new Set();
    channels.set(String(name), all.add(socket));
    own.push(all);
    socket.send('subscribed');
  });
  socket.on('close', () => {
    for (const all of own) all.delete(socket);
  });
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () => {
  process.send?.((server.address() as AddressInfo).port);
});
