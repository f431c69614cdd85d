import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ROOT } from '../tools/files.ts';

/** What the launcher starts here: it says how it was started, and does as it is told. */
const MAIN = `
if (process.argv[2] === 'wait') {
  process.on('SIGTERM', () => process.exit(7));
  setInterval(() => {}, 1000);
}
process.stdout.write(JSON.stringify([process.versions.node, ...process.argv.slice(2)]) + '\\n');
if (process.argv[2] === 'die') process.kill(process.pid, 'SIGKILL');
`;
/** Makes a Node say that it is an old one, until it hands over: the child is not told to. */
const OLD = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.17.0'}})`;

let folder = '';
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twin-launcher-'));
  await mkdir(join(folder, 'src'));
  await mkdir(join(folder, 'node_modules'));
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  await writeFile(join(folder, 'src/main.ts'), MAIN);
  await cp(join(ROOT, 'bin'), join(folder, 'bin'), { recursive: true });
});
after(() => rm(folder, { recursive: true }));

async function launch(old: boolean, ...args: readonly string[]) {
  const node = [...(old ? ['--import', OLD] : []), join(folder, 'bin/digital-twin.js'), ...args];
  const child = spawn(process.execPath, node, { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (output.out += String(chunk)));
  child.stderr.on('data', (chunk) => (output.err += String(chunk)));
  return { child, output };
}

const ended = async (child: ChildProcess): Promise<unknown[]> => await once(child, 'close');

test('a Node that is new enough runs the product itself, with its arguments', async () => {
  const { child, output } = await launch(false, 'a', 'b c');
  assert.deepEqual(await ended(child), [0, null]);
  assert.deepEqual(JSON.parse(output.out), [process.versions.node, 'a', 'b c']);
});

test('without a Node of its own, an old one says what to do', async () => {
  const { child, output } = await launch(true);
  assert.deepEqual(await ended(child), [1, null]);
  assert.match(output.err, /needs Node 24.*npm rebuild node/s);
});

test('B-PK-2: an old Node hands over arguments, output, exit code and signals', async () => {
  await symlink(join(ROOT, 'node_modules/node'), join(folder, 'node_modules/node'));
  const done = await launch(true, 'a', 'b c');
  assert.deepEqual(await ended(done.child), [0, null]);
  const [version, ...args] = JSON.parse(done.output.out) as string[];
  assert.match(version ?? '', /^2[4-9]\./);
  assert.deepEqual(args, ['a', 'b c']);

  const waits = await launch(true, 'wait');
  await once(waits.child.stdout as NodeJS.ReadableStream, 'data');
  waits.child.kill('SIGTERM');
  assert.deepEqual(await ended(waits.child), [7, null]);

  const dies = await launch(true, 'die');
  assert.deepEqual(await ended(dies.child), [null, 'SIGKILL']);
});
