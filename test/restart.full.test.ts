import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { callTool, readDocument } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, openSession } from './support/streams.ts';

/** What clients hold (cursors, positions, subscriptions, sessions) across the death of a server. */
let dataDir: string;
let server: TestServer;
let ana: string;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'twin-restart-'));
  await start();
});
after(async () => {
  await server.stop();
  await rm(dataDir, { recursive: true });
});

async function start(): Promise<void> {
  server = await startServer({ dataDir });
  ana = await server.token('ana');
}

const feed = async (cursor: string) =>
  (await readDocument(server, ana, `mcp://twins/changes/${cursor}`)).data as {
    changes: { uri: string; etag: string }[];
    next: string;
    reset?: boolean;
  };

test('F20, P2, P3: what was acknowledged before a kill is told, listed and read after it', async () => {
  const before = await readDocument(server, ana, ANA_COVERAGE);
  const { next } = await feed('now');
  const session = await openSession(server, ana);
  const chat = await callTool(server, ana, 'chat', { message: 'What was the last A1c?' });
  const stream = await listen(server, ana, [ANA_COVERAGE]);
  const { position, product } = await changeCoverage(server);
  await server.kill();
  await stream.end();

  await start();
  const meta = { 'io.digital-twin/minPosition': position };
  const document = await readDocument(server, ana, ANA_COVERAGE, meta);
  assert.ok(JSON.stringify(document.data).includes(product));
  assert.notEqual(document.etag, before.etag);

  const page = await feed(next);
  assert.equal(page.reset, undefined, 'the cursor goes on');
  assert.deepEqual(
    page.changes.filter(({ uri }) => uri === ANA_COVERAGE).map(({ etag }) => etag),
    [document.etag],
  );
  const elsewhere = await server.token('ana', { client_id: 'another-client' });
  const back = await listen(server, elsewhere, [ANA_COVERAGE]);
  await back.heardOf(document.etag);
  back.close();

  const gone = await listenAgain(session.id);
  assert.equal(gone, 404, 'a session of the 2025 era says that it has to begin anew');
  const args = { message: 'And the one before?', session: chat.structured.session };
  assert.equal((await callTool(server, ana, 'chat', args)).failed, false, 'a conversation goes on');
});

async function listenAgain(sessionId: string): Promise<number> {
  const response = await server.fetch(ana, '/mcp', {
    headers: { accept: 'text/event-stream', 'mcp-session-id': sessionId },
  });
  await response.body?.cancel();
  return response.status;
}

test('P1: a grant that ended, and one that was taken back, stay so after a restart', async () => {
  const ends = new Date(Date.now() + 1_000).toISOString();
  await server.relations(
    'touch',
    `member:demo-ana#delegate@user:brief[expiration:${ends}]`,
    'member:demo-ana#delegate@user:taken',
    'member:demo-ana#delegate@user:kept',
  );
  await server.relations('delete', 'member:demo-ana#delegate@user:taken');
  await server.kill();
  await start();
  for (const [user, may] of [
    ['brief', false],
    ['taken', false],
    ['kept', true],
  ] as const) {
    const reading = readDocument(server, await server.token(user), ANA_COVERAGE);
    if (may) assert.equal((await reading).uri, ANA_COVERAGE);
    else await assert.rejects(reading, /nothing here, or you may not read it/, user);
  }
});
