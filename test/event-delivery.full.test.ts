import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { run } from '../src/cli/rig/run.ts';
import { sleep } from '../src/kernel/clock.ts';
import { readDocument } from './support/ask.ts';
import { ANA_COVERAGE, nextCoverage } from './support/changes.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen } from './support/streams.ts';

/** The flag `event-delivery` on a running server: by the command, by its file, and what it does. */
let server: TestServer;
let ana: string;

before(async () => {
  server = await startServer();
  ana = await server.token('ana');
});
after(() => server.stop());

interface Held {
  readonly outbox?: { readonly count: number };
}

async function held(): Promise<Held> {
  const bearer = await server.token('operator', { scope: 'sources:write' });
  const response = await server.fetch(bearer, '/v1/sources/waiting');
  return (await response.json()) as Held;
}

async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what())) await sleep(20);
}

async function importNext() {
  const { bundle, product } = nextCoverage();
  const response = await server.importBundle(bundle);
  const body = (await response.json()) as { held?: true; eventId: string; position?: string };
  return { status: response.status, body, product };
}

test('flags are listed with value and source, and set, in the file and in force', async () => {
  const listed = await run(server.dataDir, ['flags']);
  assert.match(listed.out, /^event-delivery +auto +default +auto, log, poll$/m);
  const set = await run(server.dataDir, ['flags', 'set', 'event-delivery', 'log']);
  assert.equal(set.exit, 0, set.err);
  assert.match(set.out, /^event-delivery +log +file/m);
  const file = await readFile(join(server.dataDir, 'flags.json'), 'utf8');
  assert.deepEqual(JSON.parse(file), { 'event-delivery': 'log' });
  const wrong = await run(server.dataDir, ['flags', 'set', 'event-delivery', 'never']);
  assert.equal(wrong.exit, 2);
  const json = await run(server.dataDir, ['flags', 'list', '--json']);
  const { flags } = JSON.parse(json.out) as { flags: { value: string }[] };
  assert.equal(flags[0]?.value, 'log');
});

test('flags are for admins of the organization with the scope', async () => {
  const scope = 'admin twin:read';
  for (const [who, status] of [
    [await server.token('operator', { scope }), 200],
    [await server.token('ana', { scope }), 404],
    [ana, 403],
  ] as const) {
    assert.equal((await server.fetch(who, '/v1/flags')).status, status);
    const body = JSON.stringify({ name: 'event-delivery', value: 'log' });
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body };
    assert.equal((await server.fetch(who, '/v1/flags', init)).status, status);
  }
  const operator = await server.token('operator', { scope });
  assert.equal((await server.fetch(operator, '/v1/flags?all=1')).status, 400);
});

test('P2: what is held is no part of any answer, then comes in order, and subscribers are told', async () => {
  const before = await readDocument(server, ana, ANA_COVERAGE);
  const stream = await listen(server, ana, [ANA_COVERAGE]);
  await writeFile(join(server.dataDir, 'flags.json'), '{"event-delivery": "poll"}');
  let last = await importNext();
  while (last.status !== 202) last = await importNext();
  const { status, body } = await importNext();
  last = await importNext();
  assert.equal(status, 202);
  assert.equal(body.held, true);
  assert.equal(body.position, undefined);
  const now = await readDocument(server, ana, ANA_COVERAGE);
  assert.doesNotMatch(JSON.stringify(now.data), new RegExp(last.product));
  assert.ok(((await held()).outbox?.count ?? 0) >= 3);
  const ready = (await (await fetch(`${server.url}/readyz`)).json()) as Record<string, unknown>;
  assert.equal(ready.ready, true);
  assert.match(String((ready.outbox as { detail?: string }).detail), /^holds \d+ submissions/);
  const status2 = await run(server.dataDir, ['import', '--status']);
  assert.match(status2.out, /^\d+ held \(\d+ KB\) by this instance since/m);

  const set = await run(server.dataDir, ['flags', 'set', 'event-delivery', 'auto']);
  assert.equal(set.exit, 0, set.err);
  await until(async () => (await held()).outbox === undefined);
  await until(async () => {
    const { data } = await readDocument(server, ana, ANA_COVERAGE);
    return JSON.stringify(data).includes(last.product);
  });
  const { etag } = await readDocument(server, ana, ANA_COVERAGE);
  assert.notEqual(etag, before.etag);
  await stream.heardOf(etag);
  stream.close();
  assert.equal((await importNext()).status, 201);
});

test('P2: what is held when the server ends is said, and comes with the next one', async () => {
  await run(server.dataDir, ['flags', 'set', 'event-delivery', 'poll']);
  const { product, status } = await importNext();
  assert.equal(status, 202);
  await server.stop();
  assert.match(server.output(), /stopped while facts wait here for the log/);
  const { dataDir } = server;
  await writeFile(join(dataDir, 'flags.json'), '{}');
  server = await startServer({ dataDir });
  ana = await server.token('ana');
  await until(async () => {
    const { data } = await readDocument(server, ana, ANA_COVERAGE);
    return JSON.stringify(data).includes(product);
  });
});
