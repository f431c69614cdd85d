import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { CLIENTS, type TestClient } from './support/clients.ts';
import { startServer, type TestServer } from './support/server.ts';

/**
 * The main job, by every client: read, subscribe, be told, read the new version, be cut off by a
 * revocation, stay silent; and the same question by another identity.
 */
const COVERAGE = 'mcp://twins/member/demo-ana/coverage';
const UPDATE = new URL('../resources/demo/update-ana.json', import.meta.url);
/** Longer than any delivery takes here, so that silence means something. */
const SILENCE_MS = 1_500;

let server: TestServer;
let version = 0;

before(async () => {
  server = await startServer();
});
after(() => server.stop());

/** The changed coverage, each time with another value, so that each import is a change. */
async function change(): Promise<void> {
  version += 1;
  const bundle = await readFile(UPDATE, 'utf8');
  const lastUpdated = new Date(Date.UTC(2026, 10, 20) + version * 1000).toISOString();
  const changed = bundle.replaceAll(/"lastUpdated": ?"[^"]+"/g, `"lastUpdated": "${lastUpdated}"`);
  const response = await server.importBundle(changed);
  assert.equal(response.status, 201, await response.text());
}

async function connected<T>(as: string, name: string, use: (client: TestClient) => Promise<T>) {
  const connect = CLIENTS[name];
  assert.ok(connect);
  const token = await server.token(as);
  const client = await connect({ url: server.url, token, dataDir: server.dataDir, as });
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

const etagOf = (result: { _meta?: Readonly<Record<string, unknown>> }) =>
  String(result._meta?.['io.digital-twin/etag']);

for (const name of Object.keys(CLIENTS)) {
  test(`B-FM-1: the main job: ${name}`, async () => {
    await server.relations('touch', 'member:demo-ana#self@user:ana');
    await connected('ana', name, async (client) => {
      const listed = (await client.list()).resources.map(({ uri }) => uri);
      assert.ok(listed.includes(COVERAGE), listed.join());
      assert.ok(listed.every((uri) => uri.startsWith('mcp://twins/member/demo-ana/')));

      const first = await client.read(COVERAGE);
      const granted = await client.subscribe([COVERAGE, 'mcp://twins/member/demo-ben/coverage']);
      assert.deepEqual(granted, [COVERAGE], 'only what may be read is acknowledged');

      await change();
      await client.heard(1);
      assert.equal(client.told[0]?.uri, COVERAGE);
      const second = await client.read(COVERAGE);
      assert.notEqual(etagOf(second), etagOf(first));
      assert.equal(client.told[0]?.meta['io.digital-twin/etag'], etagOf(second));

      await server.relations('delete', 'member:demo-ana#self@user:ana');
      await change();
      await sleep(SILENCE_MS);
      assert.equal(client.told.length, 1, 'silence after the revocation');
      await assert.rejects(client.read(COVERAGE), /nothing here, or you may not read it/);
    });
    await connected('ben', name, async (client) => {
      await assert.rejects(client.read(COVERAGE), /nothing here, or you may not read it/);
      assert.deepEqual(await client.subscribe([COVERAGE]), []);
    });
  });

  test(`the three tools: ${name}`, async () => {
    await connected('eve', name, async (client) => {
      const search = await client.call('search', { query: 'A1c', member: 'demo-ana' });
      assert.notEqual(search.isError, true, search.content[0]?.text);
      const found = search.structuredContent as { results: { uri: string }[] };
      const [best] = found.results;
      assert.ok(best?.uri.startsWith('mcp://twins/member/demo-ana/'), JSON.stringify(search));

      const uri = 'mcp://twins/member/demo-ana/clinical';
      const document = await client.call('readDocument', { uri, focus: 'A1c', budget: 300 });
      const { content } = document.structuredContent as { content: string };
      assert.match(content, /A1c/i);
      assert.ok(content.length <= 300 * 4);

      const message = 'What was the last A1c?';
      const chat = await client.call('chat', { message, member: 'demo-ana' });
      const said = chat.structuredContent as {
        session: string;
        sentences: { sources: { uri: string }[] }[];
      };
      assert.ok(said.sentences.length > 0, JSON.stringify(chat));
      for (const { sources } of said.sentences) assert.ok(sources.length > 0);
      const more = await client.call('chat', { message: 'And glucose?', session: said.session });
      assert.notEqual(more.isError, true, JSON.stringify(more.content));

      const foreign = await client.call('search', { query: 'A1c', member: 'demo-ben' });
      assert.deepEqual(foreign.structuredContent?.results, []);
      const unknown = await client.call('search', { query: 'A1c', limits: 5 });
      assert.equal(unknown.isError, true, 'an unknown argument is an error');
    });
  });
}
