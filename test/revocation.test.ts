import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { ask, readDocument } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { etagOf, listen, openSession, type RawStream } from './support/streams.ts';

/**
 * Who may no longer read is told nothing of any change that begins afterwards. That is a statement
 * of order, not of time: each change is known by its etag and by when its import began, and a
 * control subscriber, who may read all along, is told of the last one.
 */
let server: TestServer;
/** A token of the control: a delegate, as those are who lose their right. */
let dora: string;

before(async () => {
  server = await startServer();
  await server.relations('touch', 'member:demo-ana#delegate@user:dora');
  dora = await server.token('dora');
});
after(() => server.stop());

const SURFACES = {
  'a listen stream': (token: string) => listen(server, token, [ANA_COVERAGE]),
  'a session of the 2025 era': async (token: string) => {
    const session = await openSession(server, token);
    await session.send('resources/subscribe', { uri: ANA_COVERAGE });
    return await session.push();
  },
} as const;

interface Change {
  readonly etag: string;
  readonly beganAtMs: number;
}

/** Changes one after the other while `work` runs, and one more when it is done. */
async function duringChanges(work: () => Promise<void>): Promise<Change[]> {
  const changes: Change[] = [];
  let running = true;
  const change = async (): Promise<void> => {
    const beganAtMs = Date.now();
    const { position } = await changeCoverage(server);
    const meta = { 'io.digital-twin/minPosition': position };
    changes.push({ etag: (await readDocument(server, dora, ANA_COVERAGE, meta)).etag, beganAtMs });
  };
  const changing = (async () => {
    while (running) await change();
  })();
  try {
    await work();
  } finally {
    running = false;
    await changing;
  }
  await change();
  return changes;
}

async function assertSilentSince(
  stream: RawStream,
  control: RawStream,
  changes: readonly Change[],
  sinceMs: number,
): Promise<void> {
  const last = changes.at(-1);
  assert.ok(last);
  await control.heardOf(last.etag);
  const told = new Set(stream.told.map(({ meta }) => etagOf(meta)));
  const [before, later] = [false, true].map((isLater) =>
    changes.filter(({ beganAtMs }) => beganAtMs > sinceMs === isLater),
  );
  assert.ok(later && later.length > 1, 'changes went on');
  assert.ok(
    before?.some(({ etag }) => told.has(etag)),
    'it was told while it might be',
  );
  assert.deepEqual(
    later.filter(({ etag }) => told.has(etag)),
    [],
  );
}

for (const [surface, open] of Object.entries(SURFACES)) {
  test(`P1, B-MC-5: ${surface} is silent from a revocation on, amid changes`, async () => {
    const grant = 'member:demo-ana#delegate@user:rita';
    await server.relations('touch', grant);
    const control = await listen(server, dora, [ANA_COVERAGE]);
    const stream = await open(await server.token('rita'));
    let revokedAtMs = 0;
    const changes = await duringChanges(async () => {
      await stream.heard(3);
      await server.relations('delete', grant);
      revokedAtMs = Date.now();
      await sleep(500);
    });
    await assertSilentSince(stream, control, changes, revokedAtMs);
    control.close();
    stream.close();
  });

  test(`P1, B-MC-5: ${surface} is silent from the instant at which its grant ends`, async () => {
    const endsAtMs = Date.now() + 1_500;
    const expiration = new Date(endsAtMs).toISOString();
    await server.relations('touch', `member:demo-ana#delegate@user:tom[expiration:${expiration}]`);
    const control = await listen(server, dora, [ANA_COVERAGE]);
    const stream = await open(await server.token('tom'));
    const changes = await duringChanges(async () => {
      await stream.heard(3);
      await sleep(endsAtMs + 500 - Date.now());
    });
    await assertSilentSince(stream, control, changes, endsAtMs);
    control.close();
    stream.close();
  });

  test(`F9, P1, B-MC-5: ${surface} ends at the instant at which its token expires`, async () => {
    await server.relations('touch', 'member:demo-ana#delegate@user:ute');
    const control = await listen(server, dora, [ANA_COVERAGE]);
    const token = await server.token('ute', { ttlSeconds: 3 });
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const stream = await open(token);
    const changes = await duringChanges(async () => {
      await stream.heard(3);
      await stream.end();
      assert.ok(Date.now() >= exp * 1_000, 'not before its time');
      await sleep(500);
    });
    await assertSilentSince(stream, control, changes, exp * 1_000);
    control.close();
  });
}

test('P1: after a revocation no surface answers, and each did before', async () => {
  const grant = 'member:demo-ana#delegate@user:vera';
  await server.relations('touch', grant);
  const vera = await server.token('vera');
  const tool = (name: string, args: object) =>
    ask(server, vera, 'tools/call', { name, arguments: args });
  const feed = await readDocument(server, vera, 'mcp://twins/changes/now');
  await changeCoverage(server);
  const shows = async () => {
    const pages = [
      await ask(server, vera, 'resources/read', { uri: ANA_COVERAGE }),
      await ask(server, vera, 'resources/list', {}),
      await ask(server, vera, 'resources/read', { uri: 'mcp://twins/changes/start' }),
      await ask(server, vera, 'resources/read', { uri: `mcp://twins/changes/${feed.data.next}` }),
      await tool('readDocument', { uri: ANA_COVERAGE }),
      await tool('search', { query: 'A1c' }),
      await tool('chat', { message: 'What was the last A1c?', member: 'demo-ana' }),
    ].map(({ answer }) => answer.text);
    const plain = [
      '/v1/twins/member/demo-ana/coverage',
      '/v1/search?q=A1c',
      '/v1/changes?cursor=start',
    ];
    for (const path of plain) pages.push(await (await server.fetch(vera, path)).text());
    return pages.map((text) => /"etag|etag\\"/.test(text) || text.includes('demo-ana/clinical'));
  };
  const before = await shows();
  assert.equal(before[2], true);
  assert.ok(before.filter((shown) => shown).length >= before.length - 1, before.join());
  await server.relations('delete', grant);
  const after = await shows();
  // The envelope of a change feed has an etag of its own; what it lists is looked at below.
  assert.deepEqual(
    [after[0], after[1], after[4], after[5], after[6], after[7], after[8]],
    [...Array(7).fill(false)],
  );
  for (const cursor of ['start', feed.data.next]) {
    const { data } = await readDocument(server, vera, `mcp://twins/changes/${cursor}`);
    assert.deepEqual(data.changes, []);
  }
});
