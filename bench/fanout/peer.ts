/**
 * The peers of `bench/fanout.ts`, each in a process of its own, `node peer.ts sdk|writes URI`: the
 * official SDK's handler as its documentation mounts it, with no token, no check and no audit; and
 * node:http writing as many bytes, which is the least that anybody pays. `POST /tell` is one event.
 */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';

interface Peer {
  listen(req: IncomingMessage, res: ServerResponse): void;
  tell(): void;
}

const [kind, uri = '', streams] = process.argv.slice(2);

function sdk(): Peer {
  const handler = createMcpHandler(
    () => {
      const capabilities = { resources: { subscribe: true } };
      const server = new McpServer({ name: 'bare', version: '1.0.0' }, { capabilities });
      server.registerResource('document', uri, {}, async () => ({ contents: [{ uri, text: '' }] }));
      return server;
    },
    { maxSubscriptions: Number(streams) },
  );
  const handle = toNodeHandler(handler);
  return {
    listen(req, res) {
      const { method = '', url = '' } = req;
      void handle(Object.assign(req, { method, url }), res);
    },
    tell: () => handler.notify.resourceUpdated(uri),
  };
}

function writes(): Peer {
  const open = new Set<ServerResponse>();
  const frame = (method: string): string =>
    `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', method, params: { uri } })}\n\n`;
  const updated = frame('notifications/resources/updated').padEnd(FRAME_BYTES);
  return {
    listen(req, res) {
      req.resume();
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.write(frame('notifications/subscriptions/acknowledged'));
      open.add(res);
    },
    tell() {
      for (const res of open) res.write(updated);
    },
  };
}

/** As long as a notification of the product with its etag and position. */
const FRAME_BYTES = 340;

const peer = kind === 'sdk' ? sdk() : writes();
const server = createServer((req, res) => {
  if (req.url !== '/tell') return peer.listen(req, res);
  peer.tell();
  res.writeHead(204).end();
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }, () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.on('SIGTERM', () => process.exit(0));
