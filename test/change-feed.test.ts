import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadKeys } from '../src/config/keys.ts';
import { systemClock } from '../src/kernel/clock.ts';
import { createCursorCodec } from '../src/twin/cursor.ts';
import type { Principal } from '../src/twin/ports.ts';
import { callTool, readDocument } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { etagOf, listen, openSession } from './support/streams.ts';

/** The pull twin of every push, and what whoever was away is told on coming back. */
let server: TestServer;
let ana: string;

before(async () => {
  server = await startServer();
  ana = await server.token('ana');
});
after(() => server.stop());

interface Change {
  readonly uri: string;
  readonly etag?: string;
  readonly position: string;
  readonly kind: string;
}

interface Page {
  readonly changes: readonly Change[];
  readonly next: string;
  readonly more: boolean;
  readonly reset?: boolean;
}

const feedUri = (cursor: string): string => `mcp://twins/changes/${cursor}`;

async function feed(token: string, cursor: string): Promise<Page> {
  return (await readDocument(server, token, feedUri(cursor))).data as unknown as Page;
}

async function changedTo(token: string): Promise<string> {
  const { position } = await changeCoverage(server);
  const meta = { 'io.digital-twin/minPosition': position };
  return (await readDocument(server, token, ANA_COVERAGE, meta)).etag;
}

test('B-MC-8: from now on the feed names each change once, with the newest etag', async () => {
  const now = await feed(ana, 'now');
  assert.deepEqual([now.changes, now.more], [[], false]);
  await changedTo(ana);
  const etag = await changedTo(ana);
  const page = await feed(ana, now.next);
  const coverage = page.changes.filter(({ uri }) => uri === ANA_COVERAGE);
  assert.deepEqual(
    coverage.map((change) => [change.kind, change.etag]),
    [['updated', etag]],
  );
  const { position } = await readDocument(server, ana, ANA_COVERAGE);
  assert.equal(coverage[0]?.position, position);
  assert.deepEqual((await feed(ana, page.next)).changes, []);
  assert.deepEqual((await feed(ana, now.next)).changes, page.changes, 'a cursor can be used again');
});

test('B-MC-8: from the start it pages through all that may be read, and nothing else', async () => {
  const uris: string[] = [];
  let cursor = 'start';
  for (let page = await feed(ana, cursor); ; page = await feed(ana, cursor)) {
    uris.push(...page.changes.map(({ uri }) => uri));
    cursor = page.next;
    if (!page.more) break;
  }
  assert.ok(uris.length > 40, `${uris.length} documents`);
  assert.ok(uris.every((uri) => uri.startsWith('mcp://twins/member/demo-ana/')));
  for (const section of ['profile', 'coverage', 'clinical']) {
    assert.ok(uris.includes(`mcp://twins/member/demo-ana/${section}`), section);
  }
});

test('B-MC-8: a cursor of somebody else, or of nobody, is refused alike', async () => {
  const { next } = await feed(ana, 'now');
  const ben = await server.token('ben');
  const refusals = await Promise.all(
    [next, next.slice(0, -2), 'A'.repeat(200)].map((cursor) =>
      feed(ben, cursor).catch((error: Error) => error.message.replaceAll(/\S*"\w{26}"/g, '')),
    ),
  );
  for (const refusal of refusals) assert.match(String(refusal), /not one that this server gave/);
  const stream = await listen(server, ben, [feedUri(next), feedUri('now')]);
  assert.deepEqual(stream.acknowledged, [feedUri('now')]);
  stream.close();
});

test('P2, B-MC-8: a cursor that is too old, or of another log, says that there is a gap', async () => {
  const keys = await loadKeys(join(server.dataDir, 'keys.json'));
  const epoch = Buffer.from((await readDocument(server, ana, ANA_COVERAGE)).position, 'base64url');
  const principal = principalOf(ana);
  const later = { ...systemClock, now: () => Date.now() - 8 * 24 * 3_600_000 };
  const after = {};
  const old = createCursorCodec([keys.cursor], later).seal('changes', principal, {
    epoch: epoch.toString('latin1', 1, 9),
    after,
  });
  const foreign = { epoch: 'zzzzzzzz', after };
  const other = createCursorCodec([keys.cursor], systemClock).seal('changes', principal, foreign);
  for (const cursor of [old, other]) {
    const page = await feed(ana, cursor);
    assert.deepEqual([page.reset, page.changes, page.more], [true, [], false]);
    assert.deepEqual((await feed(ana, page.next)).changes, [], 'its next goes on from now');
    const stream = await listen(server, ana, [feedUri(cursor)]);
    await stream.heard(1);
    assert.equal(stream.told[0]?.uri, feedUri(cursor));
    stream.close();
  }
});

test('B-MC-8: whoever subscribes to the feed is told of news, also of what came before', async () => {
  const { next } = await feed(ana, 'now');
  const ben = await server.token('ben');
  const stranger = await listen(server, ben, [feedUri('now')]);
  const early = await listen(server, ana, [feedUri(next)]);
  const session = await openSession(server, ana);
  await session.send('resources/subscribe', { uri: feedUri(next) });
  const push = await session.push();
  assert.equal(early.told.length, 0);
  await changedTo(ana);
  await Promise.all([early.heard(1), push.heard(1)]);
  const late = await listen(server, ana, [feedUri(next)]);
  await late.heard(1);
  for (const { told } of [early, push, late]) assert.equal(told[0]?.uri, feedUri(next));
  assert.equal(stranger.told.length, 0, 'of what he may not read he hears nothing');
  for (const stream of [stranger, early, push, late]) stream.close();
});

test('B-MC-8: what may no longer be read is named to who has read it, once, and pushed', async () => {
  const grants = ['gus', 'hal'].map((user) => `member:demo-ana#delegate@user:${user}`);
  await server.relations('touch', ...grants);
  const [gus, hal] = [await server.token('gus'), await server.token('hal')];
  await readDocument(server, gus, ANA_COVERAGE);
  const from = { gus: (await feed(gus, 'now')).next, hal: (await feed(hal, 'now')).next };
  const stream = await listen(server, gus, [feedUri(from.gus)]);
  await server.relations('delete', ...grants);
  await stream.heard(1);
  const page = await feed(gus, from.gus);
  assert.deepEqual(
    page.changes.map(({ uri, kind, etag }) => [uri, kind, etag]),
    [[ANA_COVERAGE, 'no-longer-readable', undefined]],
  );
  assert.deepEqual((await feed(gus, page.next)).changes, []);
  assert.deepEqual((await feed(hal, from.hal)).changes, [], 'he never read it');
  stream.close();
});

async function poll(token: string, cursor: string, waitSeconds: number) {
  const path = `/v1/changes?cursor=${cursor}&wait=${waitSeconds}`;
  const response = await server.fetch(token, path);
  return { status: response.status, page: (await response.json()) as Page };
}

test('B-MC-8: a long poll answers with the change that it waited for', async () => {
  const { next } = await feed(ana, 'now');
  for (const cursor of [next, 'now']) {
    let answered = false;
    const polling = poll(ana, cursor, 20).finally(() => {
      answered = true;
    });
    // When the poll has begun cannot be seen, so changes go on until one is told.
    while (!answered) await changedTo(ana);
    const { page } = await polling;
    assert.ok(page.changes.some(({ uri }) => uri === ANA_COVERAGE));
  }
});

test('B-MC-8: a long poll is not woken by what may not be read, and ends empty', async () => {
  const polling = poll(await server.token('ben'), 'now', 1);
  await changedTo(ana);
  const { status, page } = await polling;
  assert.deepEqual([status, page.changes, page.more], [200, [], false]);
});

test('P1: a long poll ends with its token, and shows nothing', async () => {
  const brief = await server.token('ana', { ttlSeconds: 1 });
  const { status, page } = await poll(brief, 'now', 20);
  assert.equal(status, 401);
  assert.equal(page.changes, undefined);
});

test('P2, B-MC-7: a session whose GET stream was away is told on its return', async () => {
  const session = await openSession(server, ana);
  await session.send('resources/subscribe', { uri: ANA_COVERAGE });
  const first = await session.push();
  const seen = await changedTo(ana);
  await first.heardOf(seen);
  first.close();
  const { position } = await changeCoverage(server);
  await changeCoverage(server);
  const second = await session.push();
  const meta = { 'io.digital-twin/minPosition': position };
  await second.heard(1);
  const { etag, position: at } = await readDocument(server, ana, ANA_COVERAGE, meta);
  await second.heardOf(etag);
  const [told] = second.told.filter((update) => etagOf(update.meta) === etag);
  assert.equal(told?.meta['io.digital-twin/position'], at);
  second.close();
});

test('P2: a session is told of a document that came, and of one that went, while it was away', async () => {
  const uri = 'mcp://twins/member/demo-ana/clinical/Condition/ana-new';
  const session = await openSession(server, ana);
  await session.send('resources/subscribe', { uri });
  (await session.push()).close();
  const condition = {
    resourceType: 'Condition',
    id: 'ana-new',
    subject: { reference: 'Patient/demo-ana' },
    code: { text: 'Seasonal rhinitis' },
  };
  for (const method of ['PUT', 'DELETE']) {
    const request = { method, url: 'Condition/ana-new' };
    const entry = [{ request, ...(method === 'PUT' && { resource: condition }) }];
    const bundle = { resourceType: 'Bundle', type: 'transaction', entry };
    const response = await server.importBundle(JSON.stringify(bundle));
    assert.equal(response.status, 201, await response.text());
    const push = await session.push();
    await push.heard(1);
    assert.equal(push.told[0]?.uri, uri, method);
    push.close();
  }
});

test('P2: a listen client that comes back is told once of what it missed, and only of that', async () => {
  const profile = 'mcp://twins/member/demo-ana/profile';
  for (const uri of [ANA_COVERAGE, profile]) await readDocument(server, ana, uri);
  const first = await listen(server, ana, [ANA_COVERAGE, profile]);
  first.close();
  await changeCoverage(server);
  const back = await listen(server, ana, [ANA_COVERAGE, profile]);
  await back.heard(1);
  const etag = await changedTo(ana);
  await back.heardOf(etag);
  assert.deepEqual(new Set(back.told.map(({ uri }) => uri)), new Set([ANA_COVERAGE]));
  back.close();
  const current = await listen(server, ana, [ANA_COVERAGE, profile]);
  const next = await changedTo(ana);
  await current.heardOf(next);
  assert.equal(etagOf(current.told[0]?.meta ?? {}), next, 'what it has read is not told again');
  current.close();
});

test('a tool result names what changed since it was read', async () => {
  const eve = await server.token('eve');
  const read = await callTool(server, ana, 'readDocument', { uri: ANA_COVERAGE });
  assert.equal(read.meta['io.digital-twin/changed'], undefined);
  const { position } = await changeCoverage(server);
  const minPosition = { 'io.digital-twin/minPosition': position };
  await readDocument(server, eve, ANA_COVERAGE, minPosition);
  const search = await callTool(server, ana, 'search', { query: 'A1c' });
  const { etag } = await readDocument(server, ana, ANA_COVERAGE);
  assert.deepEqual(search.meta['io.digital-twin/changed'], [{ uri: ANA_COVERAGE, etag }]);
  const later = await callTool(server, ana, 'search', { query: 'A1c' });
  assert.equal(later.meta['io.digital-twin/changed'], undefined);
});

function principalOf(token: string): Principal {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  return {
    kind: 'user',
    subject: claims.sub,
    tenant: claims.tenant,
    clientId: claims.client_id,
    scopes: new Set(String(claims.scope).split(' ')),
    issuer: claims.iss,
    tokenId: claims.jti,
    expiresAtMs: claims.exp * 1000,
  };
}
