import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Listener } from './listener.ts';
import type { HttpParts } from './parts.ts';

function options() {
  const publicUrl = (port: number): string => `http://localhost:${port}`;
  const where = { host: '127.0.0.1', port: 0, portNamed: false, allowedOrigins: [] };
  return { ...where, publicUrl, idleExitMs: 0, onIdle: () => undefined };
}

/** Asks for an upgrade, and answers the first line that comes back. */
function upgrade(port: number, headers: readonly string[] = []): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      const lines = [
        ...['GET /v1/ws HTTP/1.1', `Host: 127.0.0.1:${port}`, 'Connection: Upgrade'],
        ...['Upgrade: websocket', ...headers],
      ];
      socket.write(`${lines.join('\r\n')}\r\n\r\n`);
    });
    socket.once('error', reject);
    socket.once('data', (data) => {
      socket.destroy();
      resolve(String(data).split('\r\n')[0] ?? '');
    });
  });
}

test('B-GW-12: who comes before the server is ready waits on an open connection; a foreign page is refused', async () => {
  const listener = new Listener(options());
  const port = await listener.bind();
  const paths: (string | undefined)[] = [];
  let drained = false;
  const upgrades: HttpParts['upgrades'] = {
    upgrade(req, stream) {
      paths.push(req.url);
      stream.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    },
    async drain() {
      drained = true;
    },
  };
  const early = upgrade(port);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.deepEqual(paths, []);
  const mcp = { drain: async () => undefined };
  listener.open({ upgrades, mcp, report: () => undefined } as unknown as HttpParts);
  listener.answer();
  assert.match(await early, / 101 /);
  assert.match(await upgrade(port, ['Origin: https://evil.example']), / 403 /);
  assert.match(await upgrade(port, [`Origin: http://localhost:${port}`]), / 101 /);
  assert.deepEqual(paths, ['/v1/ws', '/v1/ws']);
  await listener.stop();
  assert.ok(drained);
});

test('without the role gateway an upgrade is not found', async () => {
  const listener = new Listener(options());
  const port = await listener.bind();
  const mcp = { drain: async () => undefined };
  listener.open({ mcp, report: () => undefined } as unknown as HttpParts);
  listener.answer();
  assert.match(await upgrade(port), / 404 /);
  await listener.stop();
});
