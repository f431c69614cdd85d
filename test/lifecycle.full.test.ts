import assert from 'node:assert/strict';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { type App, createApp } from '../src/app.ts';
import { loadConfig } from '../src/config/config.ts';
import { sleep, systemClock } from '../src/kernel/clock.ts';
import { hostAndToken } from './support/ask.ts';
import { modernMessage } from './support/raw.ts';
import { startServer } from './support/server.ts';
import { openSession } from './support/streams.ts';

/** Starting whole or not at all, stopping without cutting anybody off, failing aloud. */
const URI = 'mcp://twins/member/demo-ana/coverage';

const fresh = (): Promise<string> => mkdtemp(join(tmpdir(), 'twin-life-'));

function appIn(
  dataDir: string,
  more: Record<string, string> = {},
  onFatal: () => void = () => undefined,
) {
  const env = { PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'silent', ...more };
  const at = { platform: process.platform, home: dataDir, cwd: dataDir, checkout: undefined };
  const config = loadConfig({ env, args: {}, ...at, readFile: () => '' });
  const idle = { onIdle: () => undefined, onFatal };
  return createApp(config, { clock: systemClock, version: '0', launcher: ['x'], ...idle });
}

async function damage(path: string): Promise<void> {
  for (const end of ['-wal', '-shm']) await rm(path + end, { force: true });
  const file = await open(path, 'r+');
  await file.write(Buffer.alloc(64 * 1024, 'damage'), 0, 64 * 1024, 0);
  await file.close();
}

async function filled(): Promise<string> {
  const dataDir = await fresh();
  const app = await appIn(dataDir);
  await app.start();
  await app.stop();
  return dataDir;
}

for (const [file, says] of [
  ['log.db', /log cannot start: .*\. Its files are in /],
  ['audit.db', /audit cannot start: .*\. Its files are in /],
] as const) {
  test(`a damaged ${file} is said, and nothing stays behind: lock, port, threads`, async () => {
    const dataDir = await filled();
    const whole = await readFile(join(dataDir, file));
    await damage(join(dataDir, file));
    const app = await appIn(dataDir);
    await assert.rejects(app.start(), says);
    await assert.rejects(fetch(app.url), 'the port is free');
    await writeFile(join(dataDir, file), whole);
    const again = await appIn(dataDir);
    await again.start();
    assert.equal((await fetch(`${again.url}/readyz`)).status, 200);
    await again.stop();
  });
}

test('a damaged view is built anew from the log', async () => {
  const dataDir = await filled();
  await damage(join(dataDir, 'view.db'));
  const app = await appIn(dataDir);
  await app.start();
  const ready = (await (await fetch(`${app.url}/readyz`)).json()) as Record<string, unknown>;
  assert.deepEqual(ready.view, { ok: true });
  await app.stop();
});

test('broken keys are said, never replaced, and the lock is free again', async () => {
  const dataDir = await fresh();
  await writeFile(join(dataDir, 'keys.json'), '{', { mode: 0o600 });
  await assert.rejects(appIn(dataDir), /keys\.json cannot be used/);
  await assert.rejects(appIn(dataDir), /keys\.json cannot be used/);
  assert.equal(await readFile(join(dataDir, 'keys.json'), 'utf8'), '{');
});

test('a named port that is taken is said, and the lock is free again', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const dataDir = await fresh();
  const app = await appIn(dataDir, { PORT: String(port), HOST: '127.0.0.1' });
  await assert.rejects(app.start(), new RegExp(`Port ${port} of 127.0.0.1 is taken`));
  taken.close();
  const again = await appIn(dataDir);
  await again.start();
  await again.stop();
});

/** The threads that `use` starts, in the order in which they are first asked for something. */
async function threadsOf(use: () => Promise<void>): Promise<Worker[]> {
  const threads = new Set<Worker>();
  const post = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function postMessage(this: Worker, message, ...rest) {
    threads.add(this);
    post.call(this, message, ...(rest as []));
  };
  try {
    await use();
  } finally {
    Worker.prototype.postMessage = post;
  }
  return [...threads];
}

const readiness = async ({ url }: App) =>
  (await (await fetch(`${url}/readyz`)).json()) as { ready: boolean } & Record<
    'log' | 'view' | 'access' | 'audit' | 'outbox',
    { ok: boolean }
  >;

async function until(what: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!(await what())) {
    if (Date.now() > deadline) throw new Error('it did not come to that');
    await sleep(20);
  }
}

/** Starts, ends the thread, and tells how often the process was told to end. */
async function withDeadThread(
  thread: number,
  use: (app: App, fatal: () => number) => Promise<void>,
): Promise<void> {
  let fatal = 0;
  const onFatal = (): void => {
    fatal += 1;
  };
  const app = await appIn(await fresh(), {}, onFatal);
  const threads = await threadsOf(() => app.start());
  try {
    // Watch may take a heartbeat to be sure of itself.
    await until(async () => (await readiness(app)).ready);
    await threads[thread]?.terminate();
    await use(app, () => fatal);
  } finally {
    await app.stop();
  }
}

const [LOG, OUTBOX, VIEW, AUDIT, SPICEDB] = [0, 1, 2, 3, 4];

for (const [part, thread] of [
  ['log', LOG],
  ['outbox', OUTBOX],
  ['access', SPICEDB],
] as const) {
  test(`P6: without the thread of ${part} nothing is ready, and the process is told to end`, async () => {
    await withDeadThread(thread, async (app, fatal) => {
      await until(() => fatal() > 0);
      await until(async () => (await readiness(app))[part]?.ok === false);
      assert.equal((await readiness(app)).ready, false);
    });
  });
}

test('P6: without the thread of the view the process is told to end', async () => {
  await withDeadThread(VIEW, (_app, fatal) => until(() => fatal() > 0));
});

test('P6: an audit whose thread ended is started anew by itself', async () => {
  await withDeadThread(AUDIT, async (app, fatal) => {
    await until(async () => (await readiness(app)).audit?.ok === true);
    assert.equal(fatal(), 0);
  });
});

test('F19: SIGTERM: streams end with their result, new work is refused, exit code 0', async () => {
  const server = await startServer();
  const token = await server.token('ana');
  const { headers, body } = modernMessage('subscriptions/listen', {
    notifications: { resourceSubscriptions: [URI] },
  });
  const listening = await fetch(`${server.url}/mcp`, {
    method: 'POST',
    headers: [...hostAndToken(server, token), ...headers] as [string, string][],
    body,
  });
  const push = await (await openSession(server, token)).push();
  const poll = server.fetch(token, '/v1/twins/member/demo-ana/coverage');
  const hold = await fetch(`${server.url}/oauth/dev/hold`, {
    headers: { authorization: `Bearer ${server.key}` },
  });
  const said = listening.text();
  const exit = server.stop();
  assert.match(await said, /"id":1,"result":\{/, 'the listen request is answered');
  await push.end();
  assert.equal((await poll).status, 200, 'a request under way is answered');
  assert.equal(await hold.text(), '');
  assert.equal(await exit, 0);
  await assert.rejects(readFile(join(server.dataDir, 'server.json')), 'nobody finds it any more');
});
