import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { ANA_COVERAGE, bundleOf, changeCoverage, patient } from './support/changes.ts';
import { CLIENTS, type TestClient } from './support/clients.ts';
import { startServer, type TestServer } from './support/server.ts';

/** What was readable once, or is readable by another scope, is found by no side way. */
const CONSENT = 'member:wanda#sensitive_consent@user:del';

let server: TestServer;
let client: TestClient;

before(async () => {
  server = await startServer();
  const subject = { reference: 'Patient/wanda' };
  const security = [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ActCode', code: 'HIV' }];
  const hidden = {
    ...{ resourceType: 'Condition', id: 'w1', subject, meta: { security } },
    code: { text: 'Zebrafever carrier' },
  };
  const response = await server.importBundle(bundleOf(patient('wanda'), hidden));
  assert.equal(response.status, 201, await response.text());
  await server.relations('touch', 'member:wanda#delegate@user:del', CONSENT);
  const connect = CLIENTS['SDK 2.x over HTTP, 2026-07-28'];
  assert.ok(connect);
  const token = await server.token('del');
  client = await connect({ url: server.url, token, dataDir: server.dataDir, as: 'del' });
});
after(async () => {
  await client.close();
  await server.stop();
});

test('P1: a session names no protected record once the consent is taken back', async () => {
  const { structuredContent } = await client.call('chat', {
    message: 'zebrafever',
    member: 'wanda',
  });
  const session = String(structuredContent?.session);
  assert.match(JSON.stringify(structuredContent?.sentences), /Condition\/w1/);
  const cited = async () => (await client.read(session)).contents[0]?.text ?? '';
  assert.match(await cited(), /Condition\/w1/);
  await server.relations('delete', CONSENT);
  assert.doesNotMatch(await cited(), /w1/);
  await server.relations('touch', CONSENT);
});

test('P1: nobody is found by a name or birth date without the scope of the profile', async () => {
  const narrow = await server.token('del', { scope: 'twin:search twin:read:clinical' });
  for (const member of ['Rivera', '1970-05-01']) {
    const query = `q=zebrafever&member=${member}`;
    assert.equal(
      (await server.fetch(await server.token('del'), `/v1/search?${query}`)).status,
      200,
    );
    const found = await server.fetch(narrow, `/v1/search?${query}`);
    const { results } = (await found.json()) as { results?: unknown[] };
    assert.deepEqual(results ?? [], [], member);
  }
  const byId = await server.fetch(narrow, '/v1/search?q=zebrafever&member=wanda');
  assert.equal(((await byId.json()) as { results: unknown[] }).results.length, 1);
});

test('a tool names what changed since it was read, only while it may be read', async () => {
  const changed = async () => {
    const { _meta } = await client.call('search', { query: 'zebrafever' });
    const named = (_meta?.['io.digital-twin/changed'] ?? []) as { uri: string; etag: string }[];
    return named.map(({ uri }) => uri);
  };
  const relation = 'member:demo-ana#delegate@user:del';
  await server.relations('touch', relation);
  await client.read(ANA_COVERAGE);
  assert.deepEqual(await changed(), []);
  await changeCoverage(server);
  // The log has it; the view follows.
  const deadline = Date.now() + 5_000;
  while ((await changed()).length === 0 && Date.now() < deadline) await sleep(10);
  assert.deepEqual(await changed(), [ANA_COVERAGE]);
  await client.read(ANA_COVERAGE);
  assert.deepEqual(await changed(), [], 'it has been read since');
  await changeCoverage(server);
  await sleep(200);
  await server.relations('delete', relation);
  assert.deepEqual(await changed(), [], 'it may no longer be read');
});
