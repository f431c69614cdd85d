/** The peers of `bench/reads.ts`, each a server in a process of its own: `node peers.ts sdk|http`. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';

/** As many bytes as the documents that the product serves. */
const TEXT = 'x'.repeat(Number(process.argv[3] ?? 3_000));
const URI = 'mcp://twins/member/bench-1/coverage';

/** The official SDK's handler as its documentation mounts it: no token, no check, no audit. */
function sdk() {
  const handle = toNodeHandler(
    createMcpHandler(() => {
      const server = new McpServer({ name: 'bare', version: '1.0.0' });
      server.registerResource('document', URI, {}, async () => ({
        contents: [{ uri: URI, mimeType: 'application/json', text: TEXT }],
      }));
      return server;
    }),
  );
  return (req: IncomingMessage, res: ServerResponse): void => {
    const { method = '', url = '' } = req;
    void handle(Object.assign(req, { method, url }), res);
  };
}

/** What Node itself takes: the body read, an answer of as many bytes. */
function http() {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, result: { text: TEXT } });
  return (req: IncomingMessage, res: ServerResponse): void => {
    req.resume();
    req.on('end', () => {
      res.writeHead(200, {
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
      });
      res.end(body);
    });
  };
}

const handle = process.argv[2] === 'sdk' ? sdk() : http();
const server = createServer(handle);
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.on('SIGTERM', () => process.exit(0));
