import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { attackTokens } from './support/attack-tokens.ts';
import { type Forging, forgeWith } from './support/forged-tokens.ts';
import { startServer, type TestServer } from './support/server.ts';

/** security.md §6, 1–31, against the running server with its issuer for development. */
let server: TestServer;
let hits = 0;
const listener = createServer((_req, res) => {
  hits += 1;
  res.end('{"keys":[]}');
});

before(async () => {
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  server = await startServer();
  const keys = JSON.parse(await readFile(join(server.dataDir, 'keys.json'), 'utf8')) as {
    issuer: Forging['jwk'];
  };
  forgeWith({
    issuer: server.url,
    audience: `${server.url}/mcp`,
    jwk: keys.issuer,
    elsewhere: (path) => `http://127.0.0.1:${port}${path}`,
  });
});
after(async () => {
  listener.close();
  await server.stop();
});

attackTokens(() => server);

test('6, 100: nobody fetched what a token names', () => {
  assert.equal(hits, 0);
});
