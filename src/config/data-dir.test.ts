import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DataDirTaken, lockDataDir } from './data-lock.ts';
import { loadKeys } from './keys.ts';
import {
  findServer,
  readServerFile,
  removeServerFile,
  type ServerFile,
  writeServerFile,
} from './server-file.ts';

const root = await mkdtemp(join(tmpdir(), 'twin-config-'));
after(() => rm(root, { recursive: true }));
let directories = 0;
const freshDir = (): string => join(root, String(++directories));

const serverFile = (pid: number): ServerFile => ({
  pid,
  host: '127.0.0.1',
  port: 3399,
  url: 'http://127.0.0.1:3399',
  key: 'k',
  startedAt: '2026-01-01T00:00:00Z',
  version: '0.1.0',
});

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

test('keys are made once, private, and the same for all who start together', async () => {
  const dir = freshDir();
  const all = await Promise.all(Array.from({ length: 8 }, () => loadKeys(join(dir, 'keys.json'))));
  for (const keys of [...all, await loadKeys(join(dir, 'keys.json'))])
    assert.deepEqual(keys, all[0]);
  assert.equal(all[0]?.etag.length, 32);
  assert.match(all[0]?.issuer.kid ?? '', /^dev-/);
  assert.equal(await modeOf(join(dir, 'keys.json')), 0o600);
  assert.deepEqual(await readdir(dir), ['keys.json'], 'no temporary file is left');
});

test('a replaced key stands beside its successor, whole', async () => {
  const file = join(freshDir(), 'keys.json');
  const keys = await loadKeys(file);
  assert.equal(keys.cursorBefore, undefined);
  const text = await readFile(file, 'utf8');
  const before = keys.etag.toString('base64url');
  const withBefore = (value: unknown) =>
    writeFile(file, JSON.stringify({ ...JSON.parse(text), cursorBefore: value }));
  await withBefore(before);
  assert.deepEqual(await loadKeys(file), { ...keys, cursorBefore: keys.etag });
  for (const wrong of ['', before.slice(2), null, 7]) {
    await withBefore(wrong);
    await assert.rejects(loadKeys(file), /cursorBefore is not 32 bytes/);
  }
});

test('keys that others could read are made private again', async () => {
  const dir = freshDir();
  await loadKeys(join(dir, 'keys.json'));
  await chmod(join(dir, 'keys.json'), 0o644);
  await loadKeys(join(dir, 'keys.json'));
  assert.equal(await modeOf(join(dir, 'keys.json')), 0o600);
});

test('a keys file that is not whole is an error and stays as it is', async () => {
  const dir = freshDir();
  await loadKeys(join(dir, 'keys.json'));
  for (const text of ['', '{}', '{"version":1}', '[1]']) {
    await writeFile(join(dir, 'keys.json'), text);
    await assert.rejects(loadKeys(join(dir, 'keys.json')), /keys\.json cannot be used/);
  }
});

test('a server file is private, of its writer, and removed by its writer alone', async () => {
  const dir = freshDir();
  await loadKeys(join(dir, 'keys.json'));
  await writeServerFile(dir, serverFile(process.pid));
  assert.equal(await modeOf(join(dir, 'server.json')), 0o600);
  assert.equal((await findServer(dir, async () => ({ pid: process.pid })))?.port, 3399);
  await removeServerFile(dir, process.pid + 1);
  assert.ok(await readServerFile(dir));
  await removeServerFile(dir, process.pid);
  assert.equal(await readServerFile(dir), undefined);
});

test('a server file is stale when its process is gone or another answers', async () => {
  const dir = freshDir();
  await loadKeys(join(dir, 'keys.json'));
  await writeServerFile(dir, serverFile(process.pid));
  assert.equal(await findServer(dir, async () => ({ pid: process.pid + 1 })), undefined);
  assert.equal(await findServer(dir, async () => 'hello'), undefined);
  assert.equal(await findServer(dir, () => Promise.reject(new Error('refused'))), undefined);
  const gone = spawn(process.execPath, ['-e', '']);
  await once(gone, 'exit');
  await writeServerFile(dir, serverFile(gone.pid ?? 0));
  assert.equal(await findServer(dir, async () => ({ pid: gone.pid })), undefined);
});

const HOLDER = `
  import { lockDataDir } from ${JSON.stringify(new URL('./data-lock.ts', import.meta.url).href)};
  import { writeServerFile } from ${JSON.stringify(new URL('./server-file.ts', import.meta.url).href)};
  const [dir, file] = process.argv.slice(1);
  await lockDataDir(dir);
  if (file) await writeServerFile(dir, { ...JSON.parse(file), pid: process.pid });
  console.log('held');
  setInterval(() => {}, 1000);
`;

async function holder(dir: string, file?: ServerFile): Promise<ChildProcess> {
  const args = ['--input-type=module', '-e', HOLDER, dir];
  if (file !== undefined) args.push(JSON.stringify(file));
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  after(() => child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

test('a second holder is refused by process and port, and kill -9 frees the directory', async () => {
  const dir = freshDir();
  const child = await holder(dir, serverFile(1));
  await assert.rejects(lockDataDir(dir), (error: unknown) => {
    assert.ok(error instanceof DataDirTaken);
    assert.equal(error.pid, child.pid);
    assert.equal(error.port, 3399);
    assert.match(error.message, new RegExp(`process ${child.pid}.*port 3399`));
    return true;
  });
  await killed(child);
  const lock = await lockDataDir(dir);
  assert.equal(await readServerFile(dir), undefined, "the dead server's file is gone");
  lock.release();
});

test('of many who come at once exactly one gets the directory', async () => {
  const dir = freshDir();
  const child = await holder(dir);
  const take = async (): Promise<void> => {
    await lockDataDir(dir);
    await writeServerFile(dir, serverFile(process.pid));
  };
  const tries = Promise.allSettled([take(), take(), take()]);
  await killed(child);
  const got = (await tries).filter(({ status }) => status === 'fulfilled');
  assert.equal(got.length, 1);
});
