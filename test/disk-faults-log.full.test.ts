import assert from 'node:assert/strict';
import { copyFile, cp, mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { ANA_COVERAGE, bundleOf, nextCoverage, patient } from './support/changes.ts';
import { run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';

/**
 * F18: a damaged log is noticed when it is opened; the server says so, lets read what its view has,
 * takes nothing, and goes on as before once a backup is in the log's place.
 */
const PAGE = 4096;
/** Pages at the end of the file, where the last records are. */
const TORN_PAGES = 40;
const PATH = `/v1/twins/${ANA_COVERAGE.slice('mcp://twins/'.length)}`;

let folder: string;
let whole: string;
let etag: string;
const servers: TestServer[] = [];

async function start(dataDir: string): Promise<TestServer> {
  const server = await startServer({ dataDir });
  servers.push(server);
  return server;
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twin-torn-'));
  whole = join(folder, 'whole');
  const first = await start(whole);
  etag = (await read(first)).etag;
  // Records to be torn off: what lies before them stays whole.
  const notes = Array.from({ length: 300 }, (_, n) => ({
    ...{ resourceType: 'Condition', id: `torn-${n}`, subject: { reference: 'Patient/torn' } },
    code: { text: `Condition ${n} ${'x'.repeat(600)}` },
  }));
  const taken = await first.importBundle(bundleOf(patient('torn'), ...notes));
  assert.equal(taken.status, 201);
  await first.stop();
});
after(async () => {
  for (const server of servers) await server.kill();
  await rm(folder, { recursive: true });
});

async function read(from: TestServer): Promise<{ status: number; etag: string }> {
  const response = await from.fetch(await from.token('ana'), PATH);
  await response.text();
  return { status: response.status, etag: response.headers.get('etag') ?? '' };
}

/** Turns a byte of `old` wherever it stands: what was deleted still lies about in a file. */
async function flip(path: string, old: string, from = 0, to = Number.MAX_SAFE_INTEGER) {
  const bytes = await readFile(path);
  let at = bytes.indexOf(old, from);
  assert.ok(at >= 0 && at < to);
  for (; at >= 0 && at < to; at = bytes.indexOf(old, at + 1)) {
    const last = at + old.length - 1;
    bytes[last] = (bytes[last] ?? 0) ^ 1;
  }
  await writeFile(path, bytes);
}

/** Where the first leaf page of the index that finds records by place begins. */
async function leafOfIndex(path: string): Promise<number> {
  const db = new DatabaseSync(path, { readOnly: true });
  const root = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'records_place'").get();
  db.close();
  const bytes = await readFile(path);
  let page = Number(root?.rootpage);
  // SQLite's file format: 2 is an interior page of an index, its last child is at 8.
  while (bytes[(page - 1) * PAGE] === 2) page = bytes.readUInt32BE((page - 1) * PAGE + 8);
  return (page - 1) * PAGE;
}

const DAMAGES = {
  'a byte of a body': (path: string) => flip(path, 'Demo PPO 500'),
  'bytes of an index page': async (path: string) => {
    const leaf = await leafOfIndex(path);
    await flip(path, 'twins.sources', leaf, leaf + PAGE);
  },
  'a file that was cut': async (path: string) =>
    truncate(path, (await readFile(path)).length - TORN_PAGES * PAGE),
};

for (const [name, damage] of Object.entries(DAMAGES)) {
  test(`F18: ${name}: reads go on, nothing is taken, and it is said aloud`, async () => {
    const dataDir = join(folder, name.replaceAll(' ', '-'));
    await cp(whole, dataDir, { recursive: true });
    await damage(join(dataDir, 'log.db'));
    const server = await start(dataDir);
    assert.deepEqual(await read(server), { status: 200, etag });

    const refused = await server.importBundle(nextCoverage().bundle);
    assert.equal(refused.status, 503, 'nor held: it will not pass by itself');
    assert.match(await refused.text(), /damaged and takes nothing until it is restored/);
    await assert.rejects(
      server.relations('delete', 'member:demo-ana#self@user:ana'),
      /Not revoked/,
    );

    assert.match(server.output(), /"level":"fatal".*log\.db is damaged.*put a backup/);
    const ready = (await (await fetch(`${server.url}/readyz`)).json()) as Record<string, unknown>;
    assert.match(JSON.stringify(ready.log), /damaged: reads go on/);
    const doctor = await run(LAUNCHER, ['doctor', '--data-dir', dataDir]);
    assert.notEqual(doctor.code, 0);
    assert.match(doctor.stdout, /NO +log\.db +is damaged: .*: stop the server, put a backup/);
    assert.equal(await server.stop(), 0);

    for (const end of ['-wal', '-shm']) await rm(join(dataDir, `log.db${end}`), { force: true });
    await copyFile(join(whole, 'log.db'), join(dataDir, 'log.db'));
    const again = await start(dataDir);
    assert.deepEqual(await read(again), { status: 200, etag });
    assert.equal((await again.importBundle(nextCoverage().bundle)).status, 201);
    await again.stop();
  });
}
