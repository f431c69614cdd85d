/**
 * The named peer of `bench/fanout.ts` in a process of its own: the official SDK's handler as its
 * documentation mounts it, with no token, no check and no audit. `POST /tell` is one event.
 */

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';

const uri = process.argv[2] ?? '';
const streamsMax = Number(process.argv[3]);

const handler = createMcpHandler(
  () => {
    const capabilities = { resources: { subscribe: true } };
    const server = new McpServer({ name: 'bare', version: '1.0.0' }, { capabilities });
    server.registerResource('document', uri, {}, async () => ({ contents: [{ uri, text: '' }] }));
    return server;
  },
  { maxSubscriptions: streamsMax },
);
const handle = toNodeHandler(handler);
const server = createServer((req, res) => {
  const { method = '', url = '' } = req;
  if (url === '/tell') {
    handler.notify.resourceUpdated(uri);
    res.writeHead(204).end();
  } else
    void handle(
      Object.assign(req, { method, url }) as IncomingMessage & { method: string; url: string },
      res,
    );
});
server.listen({ port: 0, host: '127.0.0.1', backlog: 1_024 }, () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.on('SIGTERM', () => process.exit(0));
