/** What is said of agents stays said. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startServer } from './support/server.ts';

test('B-AG-4: a suspension outlives the server, killed', async () => {
  let server = await startServer();
  const suspend = async (method: 'PUT' | 'DELETE') => {
    const operator = await server.token('operator', { scope: 'admin' });
    return await server.fetch(operator, '/v1/suspensions/gone-vendor', { method });
  };
  const read = async () => {
    const token = await server.token('ana', { client_id: 'gone-vendor' });
    return (await server.fetch(token, '/v1/twins/member/demo-ana/care')).status;
  };
  assert.equal((await suspend('PUT')).status, 200);
  const { dataDir } = server;
  await server.kill();
  server = await startServer({ dataDir });
  assert.equal(await read(), 403);
  assert.equal((await suspend('DELETE')).status, 200);
  assert.equal(await read(), 200);
  await server.stop();
});
