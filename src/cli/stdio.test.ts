import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { META } from '../contract/meta.ts';
import { etagOf } from './rig/fake-mcp.ts';
import { type FakeTwin, startFakeTwin } from './rig/fake-twin.ts';

const LAUNCHER = fileURLToPath(new URL('./rig/launcher.ts', import.meta.url));
const COVERAGE = 'mcp://twins/member/demo-ana/coverage';
const INFO = { name: 'bridge-test', version: '1.0.0' };
const PIN = { versionNegotiation: { mode: { pin: '2026-07-28' } } };

let dataDir: string;
let fake: FakeTwin;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'twin-stdio-'));
  fake = await startFakeTwin(dataDir);
  fake.mcp.change(COVERAGE);
});

after(async () => {
  await fake.stop();
  await rm(dataDir, { recursive: true });
});

function bridge(dir = dataDir) {
  const args = [LAUNCHER, 'stdio', '--as', 'ana', '--data-dir', dir];
  return { command: process.execPath, args, stderr: 'ignore' as const };
}

async function modern(t: TestContext, dir?: string) {
  const client = new Client(INFO, PIN);
  const told = until();
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    told.push({ uri: params.uri, etag: params._meta?.[META.etag] });
  });
  await client.connect(new StdioClientTransport(bridge(dir)));
  t.after(() => client.close());
  return { client, told };
}

async function legacy(t: TestContext) {
  const client = new ClientV1(INFO);
  const told = until();
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    told.push({ uri: params.uri, etag: params._meta?.[META.etag] });
  });
  await client.connect(new StdioV1(bridge()));
  t.after(() => client.close());
  return { client, told };
}

interface Told {
  readonly uri: string;
  readonly etag: unknown;
}

/** What was heard, and a promise of the next. */
function until() {
  const heard: Told[] = [];
  let waiting: ((told: Told) => void) | undefined;
  return {
    push(told: Told) {
      if (waiting === undefined) heard.push(told);
      else waiting(told);
      waiting = undefined;
    },
    next: (): Promise<Told> => {
      const first = heard.shift();
      if (first !== undefined) return Promise.resolve(first);
      return new Promise((resolve) => {
        waiting = resolve;
      });
    },
  };
}

/** Push streams of 2025-era sessions that were opened. */
function gets(): number {
  return fake.mcp.headers.filter(({ method }) => method === 'GET').length;
}

async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const TIMEOUT = { timeout: 20_000 };

test(
  'B-MC-11: a 2026-07-28 client reads, lists and listens through the bridge',
  TIMEOUT,
  async (t) => {
    const { client, told } = await modern(t);
    const { contents } = await client.readResource({ uri: COVERAGE });
    assert.equal(contents[0]?.uri, COVERAGE);
    const subscription = await client.listen({ resourceSubscriptions: [COVERAGE] });
    assert.deepEqual(subscription.honoredFilter.resourceSubscriptions, [COVERAGE]);
    fake.mcp.change(COVERAGE);
    const etag = etagOf(fake.mcp.documents.get(COVERAGE) ?? 0);
    assert.deepEqual(await told.next(), { uri: COVERAGE, etag });
    const listen = fake.mcp.headers.find(({ method }) => method === 'subscriptions/listen');
    assert.equal(listen?.headers['mcp-protocol-version'], '2026-07-28');
    assert.equal(listen?.headers['mcp-session-id'], undefined);
    assert.equal(fake.tokens.at(-1)?.as, 'ana');
    const nobody = 'mcp://twins/member/nobody/coverage';
    await assert.rejects(client.readResource({ uri: nobody }), /There is nothing here/);
  },
);

for (const [era, connect] of [
  ['2026-07-28', modern],
  ['2025', legacy],
] as const) {
  test(`cancelling a ${era} request reaches the server's handler`, TIMEOUT, async (t) => {
    const { client } = await connect(t);
    const { slow, cancelled } = fake.mcp;
    const abort = new AbortController();
    const options = { signal: abort.signal };
    const call =
      client instanceof ClientV1
        ? client.callTool({ name: 'slow' }, undefined, options)
        : client.callTool({ name: 'slow' }, options);
    const rejected = assert.rejects(call);
    await eventually(() => fake.mcp.slow > slow);
    abort.abort();
    await rejected;
    await eventually(() => fake.mcp.cancelled > cancelled);
  });
}

test(
  'a 2025-era client subscribes and is told, with its version in the header',
  TIMEOUT,
  async (t) => {
    const { client, told } = await legacy(t);
    await client.subscribeResource({ uri: COVERAGE });
    await eventually(() => fake.mcp.headers.some(({ method }) => method === 'GET'));
    fake.mcp.change(COVERAGE);
    assert.equal((await told.next()).uri, COVERAGE);
    const subscribe = fake.mcp.headers.find(({ method }) => method === 'resources/subscribe');
    assert.equal(subscribe?.headers['mcp-protocol-version'], '2025-11-25');
    assert.ok(subscribe?.headers['mcp-session-id']);
  },
);

test('both eras live on when the server starts again elsewhere', TIMEOUT, async (t) => {
  const now = await modern(t);
  const then = await legacy(t);
  await then.client.subscribeResource({ uri: COVERAGE });
  const subscription = await now.client.listen({ resourceSubscriptions: [COVERAGE] });
  await fake.stop();
  assert.notEqual(await subscription.closed, 'local');
  fake = await startFakeTwin(dataDir);
  fake.mcp.change(COVERAGE);
  const { contents } = await now.client.readResource({ uri: COVERAGE });
  assert.equal(contents.length, 1);
  await eventually(() => gets() > 0);
  await eventually(() => [...fake.mcp.sessions.values()].some((s) => s.subscribed.has(COVERAGE)));
  fake.mcp.change(COVERAGE);
  assert.equal((await then.told.next()).uri, COVERAGE);
  assert.equal((await then.client.readResource({ uri: COVERAGE })).contents.length, 1);
});

test('a session that the server forgot is made anew', TIMEOUT, async (t) => {
  const { client } = await legacy(t);
  await client.subscribeResource({ uri: COVERAGE });
  fake.mcp.sessions.clear();
  assert.equal((await client.readResource({ uri: COVERAGE })).contents.length, 1);
  assert.ok([...fake.mcp.sessions.values()].some((session) => session.subscribed.has(COVERAGE)));
});

test(
  'the answer to the last line of stdin comes before the end, and nothing else',
  TIMEOUT,
  async () => {
    const { command, args } = bridge();
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] });
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: INFO };
    const frame = { jsonrpc: '2.0', id: 'one', method: 'initialize', params };
    child.stdin.end(`${JSON.stringify(frame)}\n`);
    let output = '';
    for await (const chunk of child.stdout) output += String(chunk);
    const lines = output.trim().split('\n');
    assert.equal(lines.length, 1);
    assert.equal((JSON.parse(lines[0] ?? '') as { id: string }).id, 'one');
  },
);

test('starts a server where none runs, and leaves it running', TIMEOUT, async (t) => {
  const empty = await mkdtemp(join(tmpdir(), 'twin-stdio-empty-'));
  const { client } = await modern(t, empty);
  assert.equal((await client.readResource({ uri: COVERAGE })).contents.length, 1);
  await client.close();
  const file = JSON.parse(await readFile(join(empty, 'server.json'), 'utf8')) as { pid: number };
  assert.ok(process.kill(file.pid, 0));
  process.kill(file.pid, 'SIGTERM');
  await rm(empty, { recursive: true });
});
