import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readDocument } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage, nextCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, openSession, type RawStream } from './support/streams.ts';

/** F15: the server's wall clock jumps, forwards and back. F9: a token ends under a stream. */
const folder = mkdtempSync(join(tmpdir(), 'twin-clock-'));
const FILE = join(folder, 'skew');
const FIVE_MINUTES = 300;
const PATH = `/v1/twins/${ANA_COVERAGE.slice('mcp://twins/'.length)}`;

let server: TestServer;
before(async () => {
  jump(0);
  const preload = new URL('./support/skewed-clock.ts', import.meta.url).pathname;
  const env = { CLOCK_SKEW_FILE: FILE, NODE_OPTIONS: `--import=${preload}` };
  server = await startServer({ env });
});
after(async () => {
  await server.kill();
  rmSync(folder, { recursive: true });
});

/** From now on the server's clock is off by so many seconds. */
function jump(seconds: number): void {
  writeFileSync(FILE, String(seconds * 1_000));
}

async function statusOf(token: string): Promise<number> {
  const response = await server.fetch(token, PATH);
  await response.body?.cancel();
  return response.status;
}

async function etagAt(token: string, position: string): Promise<string> {
  const meta = { 'io.digital-twin/minPosition': position };
  return (await readDocument(server, token, ANA_COVERAGE, meta)).etag;
}

async function streamsOf(token: string): Promise<{ listening: RawStream; pushed: RawStream }> {
  const listening = await listen(server, token, [ANA_COVERAGE]);
  const session = await openSession(server, token);
  await session.send('resources/subscribe', { uri: ANA_COVERAGE });
  return { listening, pushed: await session.push() };
}

test('F15: a token is good for 5 s past its end and before its beginning, and no longer', async () => {
  jump(0);
  const token = await server.token('ana', { ttlSeconds: 60 });
  for (const [seconds, status] of [
    ...[[0, 200] as const, [62, 200] as const, [67, 401] as const, [FIVE_MINUTES, 401] as const],
    ...[[0, 200] as const, [-3, 200] as const],
  ]) {
    jump(seconds);
    assert.equal(await statusOf(token), status, `${seconds} s`);
  }
  jump(-FIVE_MINUTES);
  assert.equal(await statusOf(await server.token('ana', { ttlSeconds: 60 })), 200);
  // Issued at a time that has not come yet: never seen by this server, so it is looked at whole.
  jump(0);
  const early = await server.token('ana', { ttlSeconds: 60 });
  jump(-FIVE_MINUTES);
  assert.equal(await statusOf(early), 401);
});

test('F15, P1, P2: streams, positions, events and the audit go on through jumps', async () => {
  jump(-FIVE_MINUTES);
  const [ana, writer, auditor] = [
    await server.token('ana'),
    await server.token('operator', { scope: 'sources:write' }),
    await server.token('operator', { scope: 'audit:read' }),
  ];
  const { bundle } = nextCoverage();
  const send = async (): Promise<{ position: string; [field: string]: unknown }> => {
    const headers = { 'content-type': 'application/fhir+json', 'idempotency-key': 'through-jumps' };
    const init = { method: 'POST', headers, body: bundle };
    const response = await server.fetch(writer, '/v1/sources?source=test', init);
    assert.equal(response.status, 201);
    return (await response.json()) as { position: string };
  };
  const receipt = await send();
  const streams = await streamsOf(ana);
  const positions = [receipt.position];
  for (const seconds of [0, FIVE_MINUTES, -FIVE_MINUTES, FIVE_MINUTES, 0]) {
    jump(seconds);
    const { position } = await changeCoverage(server);
    const etag = await etagAt(ana, position);
    for (const stream of Object.values(streams)) {
      await stream.heardOf(etag);
      assert.equal(stream.ended, false, `${seconds} s`);
    }
    for (const earlier of positions) assert.equal(await etagAt(ana, earlier), etag);
    positions.push(position);
    assert.deepEqual(await send(), receipt, 'an event is known by its id, whenever it comes');
    assert.equal(await etagAt(ana, position), etag, 'and has no second effect');
  }
  assert.equal(new Set(positions).size, positions.length);
  const verdict = await (await server.fetch(auditor, '/v1/audit/verify')).json();
  assert.equal((verdict as { ok: boolean }).ok, true);
  for (const stream of Object.values(streams)) stream.close();
});

test('F15, P1: past its end by the new clock a stream is told nothing, though its timer is late', async () => {
  jump(0);
  const [brief, lasting] = [
    await server.token('ana', { ttlSeconds: 200 }),
    await server.token('ana'),
  ];
  const ending = await streamsOf(brief);
  const control = await listen(server, lasting, [ANA_COVERAGE]);
  const told = Object.values(ending).map((stream) => stream.told.length);
  jump(FIVE_MINUTES);
  const { position } = await changeCoverage(server);
  await control.heardOf(await etagAt(lasting, position));
  assert.deepEqual(
    Object.values(ending).map((stream) => stream.told.length),
    told,
  );
  for (const stream of [...Object.values(ending), control]) stream.close();
});

test('F9, P2: whose token ended listens again with a new one, and hears what changed', async () => {
  jump(0);
  const brief = await server.token('ana', { ttlSeconds: 3 });
  const listening = await listen(server, brief, [ANA_COVERAGE]);
  const session = await openSession(server, brief);
  await session.send('resources/subscribe', { uri: ANA_COVERAGE });
  const pushed = await session.push();
  await Promise.all([listening.end(), pushed.end()]);

  const { position } = await changeCoverage(server);
  const renewed = await server.token('ana');
  // Before it is read: what somebody has read since is no news to them.
  const again = [await listen(server, renewed, [ANA_COVERAGE]), await session.push(renewed)];
  const etag = await etagAt(renewed, position);
  for (const stream of again) {
    await stream.heardOf(etag);
    stream.close();
  }
});
