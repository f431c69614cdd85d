import assert from 'node:assert/strict';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { LIMITS } from '../src/kernel/limits.ts';
import { run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';

/** security.md §6, 24, 72, 78, 79, 118 and 120: sockets, browsers, and what a process leaves open. */
let server: TestServer;
let ana: string;
let tried = 0;
let slow: Record<string, Promise<string>> = {};
before(async () => {
  // With a key for a clearinghouse there is none simulated, which has a port on loopback of its own.
  server = await startServer({ env: { STEDI_API_KEY: 'test_none' } });
  ana = await server.token('ana');
  slow = startSlowRequests();
});
after(async () => {
  console.log(`# connection attacks tried: ${tried}`);
  await server.stop();
});

function open(): { socket: Socket; closed: Promise<string> } {
  tried += 1;
  const { port } = new URL(server.url);
  const socket = connect(Number(port), '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => (text += String(chunk)));
  const closed = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  socket.on('error', () => undefined);
  return { socket, closed };
}

/** Writes lines to a socket, and answers what came until the server closed it. */
async function raw(...lines: string[]): Promise<string> {
  const { socket, closed } = open();
  socket.setTimeout(5_000, () => socket.destroy());
  socket.end(lines.join('\r\n'));
  return await closed;
}

/** Headers that drip, and the silence of who sends none; they take their bound, so they go first. */
function startSlowRequests(): Record<string, Promise<string>> {
  const drip = open();
  drip.socket.write(`POST /mcp HTTP/1.1\r\nHost: ${new URL(server.url).host}\r\nX: `);
  const timer = setInterval(() => drip.socket.write('x'), 500);
  void drip.closed.then(() => clearInterval(timer));
  return { dripping: drip.closed, silent: open().closed };
}

test('B-FM-6: 24, 72: headers without end, and nonsense instead of HTTP, end in our words', async () => {
  const { host } = new URL(server.url);
  const long = await raw('POST /mcp HTTP/1.1', `Host: ${host}`, `X: ${'x'.repeat(40_000)}`, '', '');
  assert.match(long, /^HTTP\/1\.1 431 /);
  assert.match(await raw('NONSENSE', '', ''), /^HTTP\/1\.1 400 /);
  const smuggled = ['Content-Length: 5', 'Transfer-Encoding: chunked', '', '0', '', ''];
  const twice = await raw('POST /mcp HTTP/1.1', `Host: ${host}`, ...smuggled);
  assert.match(twice, /^HTTP\/1\.1 400 /);
});

async function preflight(path: string, origin: string): Promise<Response> {
  tried += 1;
  const asked = {
    'access-control-request-headers': 'x-evil',
    'access-control-request-method': 'PUT',
  };
  return await fetch(server.url + path, { method: 'OPTIONS', headers: { origin, ...asked } });
}

test('B-FM-6: 78: a preflight names the headers that are needed, and no credentials', async () => {
  for (const path of ['/mcp', '/v1/search', '/v1/sources']) {
    const { status, headers } = await preflight(path, server.url);
    assert.equal(status, 204);
    assert.equal(headers.get('access-control-allow-origin'), server.url);
    assert.equal(headers.get('access-control-allow-credentials'), null);
    assert.equal(headers.get('access-control-allow-methods'), 'GET, POST, DELETE');
    assert.deepEqual(
      headers.get('access-control-allow-headers')?.toLowerCase().split(', ').sort(),
      [
        ...['accept', 'authorization', 'content-type', 'idempotency-key', 'if-none-match'],
        ...['last-event-id', 'mcp-method', 'mcp-name', 'mcp-protocol-version', 'mcp-session-id'],
        'min-position',
      ],
    );
  }
});

test('B-FM-6: 78: a preflight from elsewhere is refused, and allows nothing', async () => {
  for (const origin of ['https://evil.example', 'null', 'http://localhost:1']) {
    const { status, headers } = await preflight('/mcp', origin);
    assert.equal(status, 403, origin);
    const allowed = [...headers.keys()].filter((name) => name.startsWith('access-control-'));
    assert.deepEqual(allowed, []);
  }
});

const UPGRADE = [
  ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

test('B-FM-6: 79: a WebSocket from elsewhere is 403, and from here a cookie opens none', async () => {
  const { host } = new URL(server.url);
  for (const path of ['/mcp', '/v1/changes', '/']) {
    const begin = [`GET ${path} HTTP/1.1`, `Host: ${host}`, ...UPGRADE];
    const evil = await raw(...begin, 'Cookie: t=1', 'Origin: https://evil.example', '', '');
    assert.match(evil, /^HTTP\/1\.1 403 /, path);
    const cookie = await raw(...begin, `Cookie: token=${ana}`, `Origin: ${server.url}`, '', '');
    // Taken, so that no stock client stays away, and closed before anything is said.
    assert.match(cookie, /^HTTP\/1\.1 101 [\s\S]*no such path$/, path);
  }
});

test('B-FM-6: 118: metrics need a token with admin, and there is no inspector or dump', async () => {
  for (const path of ['/metrics', '/json/version', '/debug', '/heapdump', '/.env', '/v1/audit']) {
    tried += 1;
    const bare = await fetch(server.url + path);
    assert.ok([401, 404].includes(bare.status), `${path}: ${bare.status}`);
    const own = await server.fetch(ana, path);
    assert.ok([403, 404].includes(own.status), `${path}: ${own.status}`);
  }
});

/** TCP ports on which a process listens, by /proc (proc_pid_net(5): state 0A is LISTEN). */
async function listeningPorts(pid: number): Promise<number[]> {
  const inodes = new Set<string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    if (inode !== undefined) inodes.add(inode);
  }
  const ports: number[] = [];
  for (const table of ['tcp', 'tcp6']) {
    for (const line of (await readFile(`/proc/${pid}/net/${table}`, 'utf8')).split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state === '0A' && inodes.has(inode))
        ports.push(Number.parseInt(local.split(':')[1] ?? '', 16));
    }
  }
  return ports;
}

test('B-FM-6: 118: one port is open, also after the signal by which Node opens its debugger', {
  skip: process.platform !== 'linux',
}, async () => {
  tried += 1;
  process.kill(server.pid, 'SIGUSR1');
  // Whatever the signal does has been done when two requests have been served after it.
  for (let n = 0; n < 2; n += 1) assert.ok((await fetch(`${server.url}/readyz`)).ok);
  assert.deepEqual(await listeningPorts(server.pid), [Number(new URL(server.url).port)]);
  assert.doesNotMatch(server.output(), /Debugger listening/);
});

test('B-FM-6: 72: who drips headers or sends none is cut off, and the others are served', async () => {
  const began = performance.now();
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200);
  assert.match((await slow.dripping) ?? '', /^HTTP\/1\.1 408 /);
  await slow.silent;
  const seconds = (performance.now() - began) / 1_000;
  console.log(`# cut off ${seconds.toFixed(1)} s on, of ${LIMITS.headersTimeoutMs / 1_000} s`);
});

test('120: doctor finds the libraries of the running server past their mends', async () => {
  const said = await run(LAUNCHER, ['doctor', '--json', '--data-dir', server.dataDir]);
  const { findings } = JSON.parse(said.stdout) as {
    findings: { what: string; ok: boolean; says: string }[];
  };
  for (const library of ['@modelcontextprotocol/server', 'zod']) {
    const found = findings.find(({ what }) => what === library);
    assert.equal(found?.ok, true, `${library}: ${found?.says}`);
  }
});
