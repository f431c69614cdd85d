/** A stock `ws` server that does nothing but take connections, and say to all what a parent says. */

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';

const server = createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
sockets.on('connection', (socket) => {
  socket.on('message', () => socket.send('{"type":"subscribed"}'));
});
process.on('message', (text: string) => {
  for (const socket of sockets.clients) socket.send(text);
});
server.listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port);
});
