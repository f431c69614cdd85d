import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ask, callTool } from './support/ask.ts';
import { CLIENTS } from './support/clients.ts';
import { startServer, type TestServer } from './support/server.ts';
import { openSession } from './support/streams.ts';

/** peers.md T2: one subject and one URI, by every surface: one decision, one redaction. */
const SECTIONS = ['profile', 'coverage', 'care', 'clinical', 'financial'];
const SUBJECTS = ['ana', 'ben', 'dov', 'eve', 'nurse', 'officer', 'operator'];
const MEMBERS = ['demo-ana', 'demo-dov', 'no-such-member'];

let server: TestServer;
before(async () => {
  server = await startServer({ env: { REQUESTS_PER_SECOND: '100000' } });
});
after(() => server.stop());

/** The etag that a surface shows, `undefined` where it refuses. The etag is of variant and fields. */
type Surface = (member: string, section: string) => Promise<string | undefined>;

const uriOf = (member: string, section: string) => `mcp://twins/member/${member}/${section}`;

const etagOf = (result: Readonly<Record<string, unknown>> | undefined): string | undefined => {
  const [content] = (result?.contents ?? []) as { text: string }[];
  return content && (JSON.parse(content.text) as { etag: string }).etag;
};

async function surfacesOf(subject: string): Promise<Record<string, Surface>> {
  const token = await server.token(subject);
  const session = await openSession(server, token);
  return {
    'resources/read, 2026-07-28': async (member, section) => {
      const params = { uri: uriOf(member, section) };
      return etagOf((await ask(server, token, 'resources/read', params)).message.result);
    },
    'resources/read, 2025 session': async (member, section) =>
      etagOf((await session.send('resources/read', { uri: uriOf(member, section) })).result),
    'the tool readDocument': async (member, section) => {
      const args = { uri: uriOf(member, section) };
      const { failed, structured } = await callTool(server, token, 'readDocument', args);
      return failed ? undefined : String(structured.etag);
    },
    'plain HTTP': async (member, section) => {
      const response = await server.fetch(token, `/v1/twins/member/${member}/${section}`);
      if (!response.ok) assert.equal(response.status, 404);
      return response.ok ? String(response.headers.get('etag')) : undefined;
    },
  };
}

async function decisions(read: Surface): Promise<Record<string, string | undefined>> {
  const all: Record<string, string | undefined> = {};
  for (const member of MEMBERS) {
    for (const section of SECTIONS) {
      all[`${member}/${section}`] = await read(member, section);
    }
  }
  return all;
}

for (const subject of SUBJECTS) {
  test(`P1: ${subject} is shown the same by every surface`, async () => {
    const surfaces = Object.entries(await surfacesOf(subject));
    const [first, ...others] = surfaces;
    assert.ok(first);
    const expected = await decisions(first[1]);
    for (const [name, read] of others) assert.deepEqual(await decisions(read), expected, name);
    const absent = Object.entries(expected).filter(([key]) => key.startsWith('no-such'));
    assert.ok(absent.every(([, etag]) => etag === undefined));
    if (subject === 'ana') assert.ok(expected['demo-ana/coverage'] !== undefined);
  });
}

test('P1: and by the bridge', async () => {
  const connect = CLIENTS['SDK 2.x over stdio, 2026-07-28'];
  assert.ok(connect);
  for (const subject of ['ana', 'eve']) {
    const token = await server.token(subject);
    const target = { url: server.url, token, dataDir: server.dataDir, as: subject };
    const client = await connect(target);
    const overStdio = await decisions((member, section) =>
      client.read(uriOf(member, section)).then(
        ({ contents }) => etagOf({ contents }),
        () => undefined,
      ),
    );
    await client.close();
    const overHttp = (await surfacesOf(subject))['resources/read, 2026-07-28'];
    assert.ok(overHttp);
    assert.deepEqual(overStdio, await decisions(overHttp));
  }
});
