import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { canaryBundle } from './support/canaries.ts';
import { bundleOf, changeCoverage, patient } from './support/changes.ts';
import { type Ran, run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';
import { tracesOf } from './support/traces.ts';

const KEY = randomBytes(32).toString('base64url');
const SECTIONS = ['profile', 'coverage', 'care', 'clinical', 'financial'];
let folder = '';
let server: TestServer;
let backup = '';
let cursor = '';
let etags: string[] = [];
/** What is set for the commands of a step, and not before. */
const surroundings = { ...process.env };

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twin-backup-'));
  server = await startServer({ env: { BACKUP_DIR: join(folder, 'backups'), BACKUP_KEY: KEY } });
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function etagsOf(of: TestServer, members: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const as of members) {
    const token = await of.token(as === 'demo-ana' ? 'ana' : 'nina');
    for (const section of SECTIONS) {
      const read = await of.fetch(token, `/v1/twins/member/${as}/${section}`);
      found.push(`${as} ${section} ${read.status} ${read.headers.get('etag')}`);
    }
  }
  return found;
}

async function command(env: Record<string, string>, ...args: string[]): Promise<Ran> {
  Object.assign(process.env, env);
  try {
    return await run(LAUNCHER, args);
  } finally {
    for (const name of Object.keys(env)) delete process.env[name];
    Object.assign(process.env, surroundings);
  }
}

/** A data directory with the keys of the deployment, and nothing else. */
async function emptyDirectory(name: string): Promise<string> {
  const dataDir = join(folder, name);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  await copyFile(join(server.dataDir, 'keys.json'), join(dataDir, 'keys.json'));
  return dataDir;
}

const restore = (dataDir: string, from = backup, key = KEY) =>
  command({ BACKUP_KEY: key }, 'restore', from, '--json', '--data-dir', dataDir);

test('B-RT-5: a backup is made while members come in, and nothing of them can be read in it', async () => {
  assert.equal(
    (await server.importBundle(JSON.stringify(await canaryBundle('nine-member')), 'nine')).status,
    201,
  );
  await server.relations('touch', 'member:nine-member#self@user:nina');
  let stop = false;
  let came = 0;
  const load = (async () => {
    for (; !stop; came += 1) {
      const response = await server.importBundle(bundleOf(patient(`load-${came}`)), 'load');
      assert.equal(response.status, 201);
      await changeCoverage(server);
      await server.fetch(await server.token('ana'), '/v1/twins/member/demo-ana/profile');
    }
  })();
  while (came < 5) await sleep(20);
  const made = await run(LAUNCHER, ['backup', '--json', '--data-dir', server.dataDir]);
  const during = came;
  while (came < during + 3) await sleep(20);
  stop = true;
  await load;
  assert.equal(made.code, 0, made.stderr);
  const { name, files } = JSON.parse(made.stdout) as { name: string; files: { name: string }[] };
  backup = join(folder, 'backups', name);
  const order = files.map((file) => file.name).filter((file) => file.endsWith('.db'));
  assert.deepEqual([order[0], ...order.slice(-2)], ['outbox.db', 'log.db', 'audit.db']);
  const taken = await restore(await emptyDirectory('under-load'));
  assert.equal(taken.code, 0, taken.stderr);
  assert.deepEqual(await tracesOf(backup, ['CANARY', 'Rivera', '1931-07-19']), []);
  assert.ok(!(await readdir(backup)).some((file) => /keys/.test(file)), 'the keys are apart');
  assert.deepEqual(
    (await readdir(server.dataDir)).filter((file) => file.includes('copying')),
    [],
  );
});

test('B-RT-5: what is restored elsewhere has the same etags, proves its audit, and resets cursors', async () => {
  // As of one moment at which nothing comes in.
  const made = await run(LAUNCHER, ['backup', '--json', '--data-dir', server.dataDir]);
  assert.equal(made.code, 0, made.stderr);
  backup = join(folder, 'backups', (JSON.parse(made.stdout) as { name: string }).name);
  etags = await etagsOf(server, ['demo-ana', 'nine-member']);
  const ana = await server.token('ana');
  const page = await (await server.fetch(ana, '/v1/changes?cursor=now')).json();
  cursor = (page as { next: string }).next;
  const dataDir = await emptyDirectory('elsewhere');
  const restored = await restore(dataDir);
  assert.equal(restored.code, 0, restored.stderr);
  const { epoch, newEpoch, audit } = JSON.parse(restored.stdout) as Record<string, string>;
  assert.notEqual(epoch, newEpoch);
  assert.match(audit ?? '', /^\d+ records are whole; what comes now is of generation/);
  const second = await startServer({ dataDir });
  try {
    assert.deepEqual(await etagsOf(second, ['demo-ana', 'nine-member']), etags);
    const feed = await second.fetch(
      await second.token('ana'),
      `/v1/changes?cursor=${encodeURIComponent(cursor)}`,
    );
    assert.equal(((await feed.json()) as { reset?: boolean }).reset, true);
    const auditor = await second.token('operator', { scope: 'audit:read' });
    const proof = await (await second.fetch(auditor, '/v1/audit/verify')).json();
    assert.equal((proof as { ok: boolean }).ok, true, JSON.stringify(proof));
    assert.equal((await second.importBundle(bundleOf(patient('later')))).status, 201);
    const again = await restore(dataDir);
    assert.equal(again.code, 1, 'not beside a server');
  } finally {
    await second.stop();
  }
  const full = await restore(dataDir);
  assert.equal(full.code, 1);
  assert.match(full.stderr, /is not empty/);
});

test('B-RT-5: a backup that was changed, cut, or is of another key leaves nothing', async () => {
  const wrong = await restore(
    await emptyDirectory('wrong-key'),
    backup,
    randomBytes(32).toString('base64url'),
  );
  assert.equal(wrong.code, 1);
  assert.match(wrong.stderr, /BACKUP_KEY is not the one/);
  const without = join(folder, 'no-keys');
  assert.match((await restore(without)).stderr, /keys\.json is not there/);
  const changes: [string, (path: string) => Promise<void>][] = [
    ['log.db.sealed', flipped],
    ['audit.db.sealed', cut],
    ['manifest.json', renamed],
    ['outbox.db.sealed', (path) => copyFile(join(backup, 'audit.db.sealed'), path)],
  ];
  for (const [file, change] of changes) {
    const copy = join(folder, `changed-${file}`);
    await cp(backup, copy, { recursive: true });
    await change(join(copy, file));
    const dataDir = await emptyDirectory(`into-${file}`);
    const { code, stderr } = await restore(dataDir, copy);
    assert.equal(code, 1, file);
    assert.match(stderr, /damaged|changed/, file);
    assert.deepEqual(
      (await readdir(dataDir)).filter((one) => !/^(keys\.json|lock\.db.*)$/.test(one)),
      [],
      file,
    );
  }
});

async function flipped(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[Math.floor(bytes.length / 2)] = (bytes[Math.floor(bytes.length / 2)] ?? 0) ^ 1;
  await writeFile(path, bytes);
}

async function cut(path: string): Promise<void> {
  const bytes = await readFile(path);
  await writeFile(path, bytes.subarray(0, bytes.length - 40));
}

async function renamed(path: string): Promise<void> {
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace(/"createdAt": "20/, '"createdAt": "19'));
}
