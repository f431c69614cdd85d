import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ChangesPage } from '../src/contract/documents.ts';
import { createTwinClient } from '../src/sdk/index.ts';
import { readDocument } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';

/** The change feed as a long poll: what ends it, who is told of what, and that nothing is lost. */
let server: TestServer;
let ana: string;

before(async () => {
  server = await startServer();
  ana = await server.token('ana');
});
after(() => server.stop());

async function poll(token: string, query: string): Promise<{ status: number; page: ChangesPage }> {
  const response = await server.fetch(token, `/v1/changes?${query}`);
  return { status: response.status, page: (await response.json()) as ChangesPage };
}

/** Until the server has the poll: a second one of the same principal is answered after it. */
async function begun(token: string): Promise<void> {
  for (let turn = 0; turn < 3; turn += 1) await poll(token, 'cursor=now');
}

test('P10: whatever is no argument of it is an error, and waits for nothing', async () => {
  const wrong = [
    'wait=1.5',
    'wait=-1',
    'wait=31',
    'wait=soon',
    'wait=',
    'wait=1&wait=2',
    'waitMs=5',
    'cursor=nothing',
    'cursor=',
    'cursor=now&cursor=start',
    'since=now',
  ];
  for (const query of wrong) {
    const { status, page } = await poll(ana, query);
    assert.equal(status, 400, query);
    assert.equal(page.changes, undefined);
  }
});

test('only who may read anything may poll; others learn nothing by it', async () => {
  const search = await server.token('ana', { scope: 'twin:search' });
  assert.equal((await poll(search, 'wait=1')).status, 403);
  assert.equal((await fetch(`${server.url}/v1/changes?wait=1`)).status, 401);
  const ben = poll(await server.token('ben'), 'wait=2');
  await changeCoverage(server);
  const { page } = await ben;
  assert.deepEqual([page.changes, page.more], [[], false]);
});

test('P2, B-MC-8: nothing is lost between polls, whenever a change comes', async () => {
  const rounds = 12;
  let { next } = (await poll(ana, 'cursor=now')).page;
  const told: string[] = [];
  const wanted: string[] = [];
  const writing = (async () => {
    for (let round = 0; round < rounds; round += 1) {
      const { position } = await changeCoverage(server);
      const meta = { 'io.digital-twin/minPosition': position };
      wanted.push((await readDocument(server, ana, ANA_COVERAGE, meta)).etag);
    }
  })();
  let written = false;
  const ended = writing.then(() => {
    written = true;
  });
  for (let quiet = 0; quiet < 2; ) {
    const { page } = await poll(ana, `cursor=${next}&wait=${written ? 0 : 1}`);
    next = page.next;
    const etags = page.changes.filter(({ uri }) => uri === ANA_COVERAGE).map(({ etag }) => etag);
    told.push(...etags.flatMap((etag) => etag ?? []));
    if (written && page.changes.length === 0) quiet += 1;
  }
  await ended;
  assert.equal(told.at(-1), wanted.at(-1), 'the newest state is told');
  assert.ok(
    told.every((etag) => wanted.includes(etag)),
    'and only states that there were',
  );
  assert.deepEqual(
    told,
    wanted.filter((etag) => told.includes(etag)),
    'in their order, each once',
  );
});

test('P1, B-MC-8: a poll is answered when something may no longer be read', async () => {
  const grant = 'member:demo-ana#delegate@user:ida';
  await server.relations('touch', grant);
  const ida = await server.token('ida');
  await readDocument(server, ida, ANA_COVERAGE);
  const polling = poll(ida, 'wait=25');
  await begun(ida);
  await server.relations('delete', grant);
  const { page } = await polling;
  assert.deepEqual(
    page.changes.map(({ uri, kind }) => [uri, kind]),
    [[ANA_COVERAGE, 'no-longer-readable']],
  );
});

test('the SDK goes on from page to page, and ends with its signal', async () => {
  const signal = new AbortController();
  const token = async () => await server.token('ana');
  const client = createTwinClient({ url: server.url, token });
  const etags: (string | undefined)[] = [];
  const seen = Promise.withResolvers<void>();
  const following = (async () => {
    for await (const page of client.changes({ waitMs: 5_000, signal: signal.signal })) {
      etags.push(...page.changes.filter(({ uri }) => uri === ANA_COVERAGE).map(({ etag }) => etag));
      if (etags.length > 0) seen.resolve();
    }
  })();
  let change = await changeCoverage(server);
  const meta = { 'io.digital-twin/minPosition': change.position };
  await readDocument(server, ana, ANA_COVERAGE, meta);
  // When the first poll has begun cannot be seen, so changes go on until one is told.
  while (etags.length === 0) {
    change = await changeCoverage(server);
    await Promise.race([seen.promise, poll(ana, 'cursor=now')]);
  }
  signal.abort();
  await following;
  await client.close();
  await assert.rejects(
    async () => {
      for await (const _ of client.changes({ cursor: 'wrong' })) assert.fail();
    },
    { code: 'INVALID_ARGUMENT' },
  );
});

test('a poll is answered when the server stops, with a cursor that goes on', async () => {
  const began = performance.now();
  const polling = poll(ana, 'wait=30');
  await begun(ana);
  const stopped = server.stop();
  const { status, page } = await polling;
  assert.equal(status, 200);
  assert.deepEqual(page.changes, []);
  assert.match(page.next, /^[\w-]+$/);
  assert.equal(await stopped, 0);
  assert.ok(performance.now() - began < 30_000);
  const { dataDir } = server;
  server = await startServer({ dataDir });
  ana = await server.token('ana');
  await changeCoverage(server);
  const { page: later } = await poll(ana, `cursor=${page.next}&wait=20`);
  assert.ok(later.changes.some(({ uri }) => uri === ANA_COVERAGE));
});
