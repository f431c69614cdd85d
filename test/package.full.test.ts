import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { ROOT } from '../tools/files.ts';

const run = promisify(execFile);
let folder = '';
let empty = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twin-package-'));
  empty = join(folder, 'empty');
  await mkdir(empty);
  await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT });
  const packed = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  assert.ok(packed !== undefined, 'npm pack wrote a file');
  await writeFile(join(empty, 'package.json'), '{"type":"module","private":true}');
  await run('npm', ['install', '--silent', join(folder, packed)], { cwd: empty });
});
after(() => rm(folder, { recursive: true, force: true }));

test('B-PK-1: the packed command runs in an empty folder', async () => {
  const { stdout } = await run('npx', ['--no', 'digital-twin', '--help'], { cwd: empty });
  for (const command of ['serve', 'stdio', 'import', 'token']) {
    assert.match(stdout, new RegExp(`\\b${command}\\b`));
  }
});

test('B-PK-1: the packed SDK can be imported, and brings its types', async () => {
  const code = "import * as sdk from 'digital-twin-mcp/sdk'; console.log(Object.keys(sdk).join())";
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], {
    cwd: empty,
  });
  assert.match(stdout, /createTwinClient/);
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
