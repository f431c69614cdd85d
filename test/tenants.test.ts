import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { CLIENTS, type TestClient } from './support/clients.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * Two organizations have one issuer, and each has its own `ana`: relations know subjects without
 * their tenant, so every way in compares the token's tenant with the member's as well.
 */
const ANA = 'mcp://twins/member/demo-ana/clinical';

let server: TestServer;
let namesake: string;
let client: TestClient;

before(async () => {
  server = await startServer();
  namesake = await server.token('ana', { tenant: 'elsewhere' });
  const connect = CLIENTS['SDK 2.x over HTTP, 2026-07-28'];
  assert.ok(connect);
  client = await connect({ url: server.url, token: namesake, dataDir: server.dataDir, as: 'ana' });
});
after(async () => {
  await client.close();
  await server.stop();
});

const json = async (token: string, path: string) =>
  (await (await server.fetch(token, path)).json()) as Record<string, unknown>;

test('P1: the control: ana of the tenant finds, lists and follows her own record', async () => {
  const own = await server.token('ana');
  const found = await json(own, '/v1/search?q=diabetes');
  assert.ok((found.results as unknown[]).length > 0);
  const page = await json(own, '/v1/changes?cursor=start');
  assert.ok((page.changes as unknown[]).length > 0);
});

test('P1: a namesake of another tenant reads nothing', async () => {
  assert.equal((await server.fetch(namesake, '/v1/twins/member/demo-ana/clinical')).status, 404);
  await assert.rejects(client.read(ANA), /nothing here, or you may not read it/);
});

test('P1: a namesake of another tenant lists nothing', async () => {
  assert.deepEqual((await client.list()).resources, []);
});

for (const query of ['q=diabetes', 'q=diabetes&member=demo-ana', 'q=ana&sections=profile']) {
  test(`P1: a namesake of another tenant finds nothing by ${query}`, async () => {
    const found = await json(namesake, `/v1/search?${query}`);
    assert.deepEqual([found.results, found.omitted], [[], 0]);
  });
}

test('P1: a namesake of another tenant is told of no change', async () => {
  const page = await json(namesake, '/v1/changes?cursor=start');
  assert.deepEqual([page.changes, page.more], [[], false]);
  assert.deepEqual(await client.subscribe([ANA]), []);
});

test('P1: chat answers a namesake of another tenant as if nobody were there', async () => {
  const absent = await client.call('chat', { message: 'diabetes', member: 'demo-nobody' });
  const denied = await client.call('chat', { message: 'diabetes', member: 'demo-ana' });
  assert.equal(denied.isError, true);
  assert.deepEqual(denied.content, absent.content);
  const unnamed = await client.call('chat', { message: 'diabetes' });
  assert.deepEqual(unnamed.structuredContent?.sentences, []);
  assert.doesNotMatch(JSON.stringify(unnamed), /demo-ana/);
});
