import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { modernMessage } from './support/raw.ts';
import { startServer, type TestServer } from './support/server.ts';

/** Whoever comes and goes leaves nothing behind, at whatever moment they go. */
const URI = 'mcp://twins/member/demo-ana/coverage';
const CYCLES = 500;
/** Under the cap of one principal, so that a refusal would show a stream that was left. */
const AT_A_TIME = 25;
const EMPTY_WITHIN_MS = 5_000;

let server: TestServer;
let token: string;
let operator: string;

before(async () => {
  server = await startServer();
  token = await server.token('ana');
  operator = await server.token('operator', { scope: 'admin' });
});
after(() => server.stop());

async function openStreams(kind: 'listen' | 'session'): Promise<number> {
  const metrics = await (await server.fetch(operator, '/metrics')).text();
  const [, count] =
    new RegExp(`^digital_twin_streams_open\\{kind="${kind}"\\} (\\d+)$`, 'm').exec(metrics) ?? [];
  return Number(count ?? 0);
}

async function emptied(kind: 'listen' | 'session'): Promise<number> {
  const deadline = Date.now() + EMPTY_WITHIN_MS;
  while ((await openStreams(kind)) > 0 && Date.now() < deadline) await sleep(20);
  return await openStreams(kind);
}

/** Sends one request and cuts the connection after `afterMs`; the status, if one came by then. */
function cut(
  headers: readonly (readonly [string, string])[],
  body: string | undefined,
  afterMs: number,
): Promise<number | undefined> {
  const { hostname, port, host } = new URL(server.url);
  return new Promise((resolve) => {
    let status: number | undefined;
    const req = request({
      ...{ hostname, port, path: '/mcp', method: body === undefined ? 'GET' : 'POST' },
      headers: [['Host', host], ['Authorization', `Bearer ${token}`], ...headers].flat(),
      agent: false,
    });
    req.on('response', (res) => {
      status = res.statusCode;
      res.on('error', () => undefined).resume();
    });
    req.on('error', () => undefined).on('close', () => resolve(status));
    req.end(body);
    setTimeout(() => req.destroy(), afterMs);
  });
}

async function cutMany(send: (afterMs: number) => Promise<number | undefined>) {
  const statuses = new Map<number | undefined, number>();
  for (let at = 0; at < CYCLES; at += AT_A_TIME) {
    const cycle = Array.from({ length: AT_A_TIME }, (_, index) => send(((at + index) * 7) % 101));
    for (const status of await Promise.all(cycle)) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  }
  return statuses;
}

/** The status once the server has noticed that the last client is gone. */
async function reopened(headers: Record<string, string>): Promise<number> {
  const deadline = Date.now() + EMPTY_WITHIN_MS;
  for (;;) {
    const response = await server.fetch(token, '/mcp', { headers });
    await response.body?.cancel();
    if (response.status === 200 || Date.now() > deadline) return response.status;
    await sleep(20);
  }
}

test('a listen stream leaves the registry at whatever moment its client goes', async () => {
  const { headers, body } = modernMessage('subscriptions/listen', {
    notifications: { resourceSubscriptions: [URI] },
  });
  const statuses = await cutMany((afterMs) => cut(headers, body, afterMs));
  assert.equal(statuses.get(429), undefined, 'no stream that was left counts against the next');
  assert.ok((statuses.get(200) ?? 0) > 0, 'some came as far as a stream');
  assert.ok((statuses.get(undefined) ?? 0) > 0, 'some went before it');
  assert.equal(await emptied('listen'), 0);
});

test('a session and its GET stream end with DELETE, after clients that came and went', async () => {
  const accept: [string, string] = ['Accept', 'application/json, text/event-stream'];
  const initialize = await fetch(new URL('/mcp', server.url), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: accept[1],
    },
    body: JSON.stringify({
      ...{ jsonrpc: '2.0', id: 1, method: 'initialize' },
      params: {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'cut', version: '1' },
      },
    }),
  });
  const id = initialize.headers.get('mcp-session-id') ?? '';
  await initialize.text();
  assert.notEqual(id, '');
  const session: [string, string][] = [accept, ['Mcp-Session-Id', id]];
  await cutMany((afterMs) => cut(session, undefined, afterMs));
  assert.equal(await openStreams('session'), 1);
  const headers = { 'mcp-session-id': id, accept: accept[1] };
  assert.equal(await reopened(headers), 200, 'the one GET stream of the session is free again');
  await server.fetch(token, '/mcp', { method: 'DELETE', headers });
  assert.equal(await emptied('session'), 0);
});
