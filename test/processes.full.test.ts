import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { CLIENTS } from './support/clients.ts';
import { run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';

/** One server, many processes: bridges, clients and the command share one twin. */
const COVERAGE = 'mcp://twins/member/demo-ana/coverage';
const UPDATE = new URL('../resources/demo/update-ana.json', import.meta.url).pathname;

let server: TestServer;

before(async () => {
  server = await startServer();
});
after(() => server.stop());

const digitalTwin = (...args: string[]) => run(LAUNCHER, [...args, '--data-dir', server.dataDir]);

test('B-FM-3: an import from a fourth process is told to two bridges and one HTTP client', async () => {
  const target = {
    url: server.url,
    token: await server.token('ana'),
    dataDir: server.dataDir,
    as: 'ana',
  };
  const names = [
    'SDK 2.x over stdio, 2026-07-28',
    'SDK 1.x over stdio, 2025 era',
    'SDK 2.x over HTTP, 2026-07-28',
  ];
  const clients = await Promise.all(names.map((name) => CLIENTS[name]?.(target)));
  try {
    for (const client of clients) {
      // Who has not read what changed within the last minutes is told of it on subscribing.
      await client?.read(COVERAGE);
      assert.deepEqual(await client?.subscribe([COVERAGE]), [COVERAGE], client?.name);
    }
    const ran = await digitalTwin('import', UPDATE);
    assert.equal(ran.code, 0, ran.stderr);
    await Promise.all(clients.map((client) => client?.heard(1)));
    for (const client of clients) {
      assert.equal(client?.told[0]?.uri, COVERAGE);
      const read = await client?.read(COVERAGE);
      const etag = read?._meta?.['io.digital-twin/etag'];
      assert.equal(client?.told[0]?.meta['io.digital-twin/etag'], etag);
    }
  } finally {
    await Promise.all(clients.map((client) => client?.close()));
  }
});

test('B-FM-4: a second server on the data directory is refused, naming process and port', async () => {
  const ran = await digitalTwin('serve', '--port', '0');
  assert.notEqual(ran.code, 0);
  assert.match(ran.stderr, new RegExp(`\\b${server.pid}\\b`));
  assert.match(ran.stderr, new RegExp(`\\b${new URL(server.url).port}\\b`));
});

test('the command reads, searches and explains as any client would', async () => {
  const get = await digitalTwin('get', COVERAGE, '--as', 'ana', '--json');
  assert.equal(get.code, 0, get.stderr);
  assert.equal((JSON.parse(get.stdout) as { uri: string }).uri, COVERAGE);
  const denied = await digitalTwin('get', COVERAGE, '--as', 'ben');
  assert.equal(denied.code, 1, denied.stdout);
  assert.match(denied.stderr, /nothing here, or you may not read it/);
  const search = await digitalTwin('search', 'A1c', '--as', 'ana', '--json');
  assert.equal(search.code, 0, search.stderr);
  const explain = await digitalTwin(
    'explain',
    'user:ben',
    'view_coverage',
    'member:demo-ana',
    '--json',
  );
  assert.equal((JSON.parse(explain.stdout) as { allowed: boolean }).allowed, false);
  const audit = await digitalTwin('audit', 'verify', '--json');
  assert.equal(audit.code, 0, audit.stdout + audit.stderr);
});

test('a refused bundle names entry and reason, and ends with 5', async () => {
  const bundle = JSON.parse(await readFile(UPDATE, 'utf8')) as { entry: { resource: object }[] };
  const first = bundle.entry[0];
  assert.ok(first);
  bundle.entry.push({ ...first, resource: { resourceType: 'Coverage', id: 'x' } });
  const response = await server.importBundle(JSON.stringify(bundle));
  assert.equal(response.status, 422);
  const { error } = (await response.json()) as { error: { data: { entry: number } } };
  assert.equal(error.data.entry, bundle.entry.length - 1);
});
