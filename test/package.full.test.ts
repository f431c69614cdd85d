import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../tools/files.ts';

/** As a person would run it: without what `npm test` says to its scripts. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !name.startsWith('npm_')),
);
const run = (program: string, args: readonly string[], cwd: string) =>
  promisify(execFile)(program, args, { cwd, env });
let folder = '';
let empty = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twin-package-'));
  empty = join(folder, 'empty');
  await mkdir(empty);
  await run('npm', ['pack', '--silent', '--pack-destination', folder], ROOT);
  const packed = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  assert.ok(packed !== undefined, 'npm pack wrote a file');
  await writeFile(join(empty, 'package.json'), '{"type":"module","private":true}');
  await run('npm', ['install', '--silent', join(folder, packed)], empty);
});
after(() => rm(folder, { recursive: true, force: true }));

test('B-PK-1: the packed command runs in an empty folder', async () => {
  const { stdout } = await run('npx', ['digital-twin', '--help'], empty);
  for (const command of ['serve', 'stdio', 'import', 'token']) {
    assert.match(stdout, new RegExp(`\\b${command}\\b`));
  }
});

test('B-PK-1: the packed server starts with the demo, and the packed command reads from it', async () => {
  const launcher = join(empty, 'node_modules/digital-twin-mcp/bin/digital-twin.js');
  const data = ['--data-dir', join(folder, 'data')];
  const args = [launcher, 'serve', '--port', '0', ...data];
  const server = spawn(process.execPath, args, {
    cwd: empty,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(server, 'exit');
  try {
    // The greeting comes once it listens; an end without one fails the read below.
    await Promise.race([once(server.stdout, 'data'), ended]);
    const uri = 'mcp://twins/member/demo-ana/coverage';
    const read = ['digital-twin', 'get', uri, '--as', 'ana', '--json', ...data];
    const { stdout } = await run('npx', read, empty);
    assert.match(stdout, /Demo PPO 500/);
  } finally {
    server.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
  }
});

test('B-PK-1: the packed SDK can be imported, and brings its types', async () => {
  const exported = async (module: string): Promise<string> => {
    const code = `import * as sdk from '${module}'; console.log(Object.keys(sdk).join())`;
    return (await run(process.execPath, ['--input-type=module', '-e', code], empty)).stdout;
  };
  assert.match(await exported('digital-twin-mcp/sdk'), /connectRealtime.*createTwinClient/);
  assert.match(await exported('digital-twin-mcp/sdk/realtime'), /^TwinError,connectRealtime$/m);
  const files = await readdir(join(empty, 'node_modules/digital-twin-mcp/dist/sdk'));
  assert.ok(files.includes('index.d.ts'));
});

test('what only tests use is not in the package', async () => {
  const files = await readdir(join(empty, 'node_modules/digital-twin-mcp'), { recursive: true });
  const ours = files.filter((name) => !name.includes('node_modules'));
  assert.ok(ours.includes('resources/demo/demo-ana.json'));
  assert.deepEqual(
    ours.filter((name) => /\.(test|testing|rig)\./.test(name)),
    [],
  );
});
