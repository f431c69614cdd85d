import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { changeCoverage } from './support/changes.ts';
import { type Ran, run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';

let server: TestServer;

before(async () => {
  server = await startServer();
});
after(() => server.stop());

const rotate = (...names: string[]): Promise<Ran> =>
  run(LAUNCHER, ['keys', 'rotate', ...names, '--data-dir', server.dataDir]);

async function restarted(): Promise<void> {
  await server.stop();
  server = await startServer({ dataDir: server.dataDir });
}

const ana = async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
  await server.fetch(await server.token('ana'), path, { headers });
const COVERAGE = '/v1/twins/member/demo-ana/coverage';

test('B-RT-8: cursors and positions outlive one rotation under use, and not two', async () => {
  const { next: cursor } = (await (await ana('/v1/changes?cursor=now')).json()) as { next: string };
  const read = await ana(COVERAGE);
  const [etag, position] = [read.headers.get('etag'), read.headers.get('position') ?? ''];
  assert.notEqual(position, '');
  assert.equal((await rotate()).code, 0);
  // The running server goes on with what it took when it started.
  assert.equal((await ana(COVERAGE, { 'min-position': position })).status, 200);
  await restarted();
  const again = await ana(COVERAGE, { 'min-position': position });
  assert.deepEqual([again.status, again.headers.get('etag')], [200, etag]);
  assert.notEqual(again.headers.get('position'), position, 'made by the new key');
  await changeCoverage(server);
  const page = await ana(`/v1/changes?cursor=${encodeURIComponent(cursor)}&wait=5`);
  const { changes, reset } = (await page.json()) as { changes: unknown[]; reset?: boolean };
  assert.equal(reset, undefined);
  assert.ok(changes.length > 0, 'the old cursor goes on where it stood');
  assert.equal((await rotate()).code, 0);
  await restarted();
  assert.equal((await ana(COVERAGE, { 'min-position': position })).status, 400);
  const old = await ana(`/v1/changes?cursor=${encodeURIComponent(cursor)}`);
  assert.ok(old.status >= 400 || ((await old.json()) as { reset?: boolean }).reset === true);
  assert.equal((await ana(COVERAGE)).headers.get('etag') === etag, false, 'changed meanwhile');
});

test('B-RT-8: a key on which etags or ids hang for good is not replaced', async () => {
  const { code, stderr } = await rotate('etag');
  assert.equal(code, 2);
  assert.match(stderr, /only cursor and position/);
  assert.equal((await rotate('cursor')).code, 0);
});
