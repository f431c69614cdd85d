import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { createResponseWriter } from './response.ts';

/** Runs `use` with the response of a client that has gone. */
async function withGoneClient(use: (res: ServerResponse) => Promise<void>): Promise<void> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = request({ port, host: '127.0.0.1', agent: false });
  client.on('error', () => undefined).end();
  const [, res] = (await once(server, 'request')) as [unknown, ServerResponse];
  client.destroy();
  await once(res, 'close');
  await use(res);
  server.close();
}

/** A stream that says nothing and never ends by itself. */
function quietStream(): { response: Response; cancelled: () => boolean } {
  let cancelled = false;
  const body = new ReadableStream({
    cancel() {
      cancelled = true;
    },
  });
  return { response: new Response(body), cancelled: () => cancelled };
}

test('a stream for a client that went before it began is cancelled, not held open', async () => {
  await withGoneClient(async (res) => {
    const { response, cancelled } = quietStream();
    const writer = createResponseWriter(res);
    assert.equal(writer.open, false);
    assert.equal(await writer.delivered(), false);
    await writer.write(response);
    assert.equal(cancelled(), true);
  });
});
