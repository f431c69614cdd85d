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

async function relate(token: string, relationship: string): Promise<number> {
  const response = await server.fetch(token, '/v1/relations', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ changes: [{ operation: 'touch', relationship }] }),
  });
  await response.text();
  return response.status;
}

test('P1: the scope to write relations grants nothing to who is no admin', async () => {
  const scope = 'relations:write';
  const ben = await server.token('ben', { scope });
  assert.equal(await relate(ben, 'member:demo-ana#delegate@user:ben'), 404);
  assert.equal((await server.fetch(ben, '/v1/relations?type=member')).status, 404);
  const explained = '/v1/explain?subject=user:ana&permission=chat&object=member:demo-ana';
  assert.equal((await server.fetch(ben, explained)).status, 404);
  const operator = await server.token('operator', { scope });
  assert.equal((await server.fetch(operator, explained)).status, 200);
  assert.equal(
    (await server.fetch(await server.token('ben'), '/v1/twins/member/demo-ana/profile')).status,
    404,
  );
});

test('P1: a tenant names its first admin, and its admins reach nothing of another tenant', async () => {
  const mallory = await server.token('mallory', { tenant: 'elsewhere', scope: 'relations:write' });
  assert.equal(await relate(mallory, 'member:demo-ana#delegate@user:mallory'), 404);
  assert.equal(await relate(mallory, 'organization:demo#admin@user:mallory'), 404);
  assert.equal(await relate(mallory, 'organization:elsewhere#admin@user:mallory'), 200);
  assert.equal(await relate(mallory, 'member:demo-ana#delegate@user:mallory'), 404);
  assert.equal(await relate(mallory, 'member:of-elsewhere#self@user:mallory'), 200);
  const response = await server.fetch(mallory, '/v1/relations?type=member');
  const { relationships } = (await response.json()) as { relationships: string[] };
  assert.deepEqual(relationships, ['member:of-elsewhere#self@user:mallory']);
  const trudy = await server.token('trudy', { tenant: 'elsewhere', scope: 'relations:write' });
  assert.equal(await relate(trudy, 'organization:elsewhere#admin@user:trudy'), 404);
});
