import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { startServer, type TestServer } from './support/server.ts';

/** security.md §6, 72: bodies that drip have a minute (`LIMITS.requestTimeoutMs`), whoever sends them. */
let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

/** Sends a byte of a body every second; answers what came until the server closed. */
function drip(path: string, type: string, token?: string): Promise<string> {
  const { host, port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  let text = '';
  const head = [
    ...[`POST ${path} HTTP/1.1`, `Host: ${host}`, `Content-Type: ${type}`],
    ...['Accept: application/json, text/event-stream', 'Content-Length: 1000'],
    ...(token === undefined ? [] : [`Authorization: Bearer ${token}`]),
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n{`);
  const timer = setInterval(() => socket.write(' '), 1_000);
  socket.on('data', (chunk) => (text += String(chunk)));
  socket.on('error', () => undefined);
  return new Promise((resolve) => {
    socket.on('close', () => {
      clearInterval(timer);
      resolve(text);
    });
  });
}

test('B-FM-6: 72: bodies that drip are cut off, with a token and without', async () => {
  const ana = await server.token('ana');
  const operator = await server.token('operator', { scope: 'sources:write relations:write' });
  const json = 'application/json';
  const [mcp, sources, relations, bare] = await Promise.all([
    drip('/mcp', json, ana),
    drip('/v1/sources?source=slow', 'application/fhir+json', operator),
    drip('/v1/relations', json, operator),
    drip('/mcp', json),
  ]);
  for (const answer of [mcp, sources, relations]) assert.match(answer, /^HTTP\/1\.1 408 /);
  assert.match(bare, /^HTTP\/1\.1 401 /, 'refused before its body');
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200);
});
