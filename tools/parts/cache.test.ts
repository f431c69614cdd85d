import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { cacheDirectory, cached } from './cache.ts';

const base = mkdtempSync(join(tmpdir(), 'twin-cache-'));
process.env.XDG_CACHE_HOME = base;
after(() => rmSync(base, { recursive: true, force: true }));

test('what two want at the same time is brought once, and the other waits for it', async () => {
  const { promise: allowed, resolve: allow } = Promise.withResolvers<void>();
  let fills = 0;
  const fill = async (directory: string): Promise<void> => {
    fills += 1;
    await allowed;
    await writeFile(join(directory, 'program'), 'whole');
  };
  // Either may come first; whoever waits lets the other finish.
  const bring = () => cached('part-1', () => allow(), fill);
  const [first, second] = [bring(), bring()];
  assert.equal(await first, await second);
  assert.equal(fills, 1);
  assert.equal(readFileSync(join(await first, 'program'), 'utf8'), 'whole');
  await cached('part-1', () => {}, fill);
  assert.equal(fills, 1);
});

test('what could not be brought whole is not there, and is tried again', async () => {
  const half = async (directory: string): Promise<void> => {
    await writeFile(join(directory, 'program'), 'ha');
    throw new Error('the network is away');
  };
  await assert.rejects(
    cached('part-2', () => {}, half),
    /the network is away/,
  );
  assert.ok(!existsSync(join(cacheDirectory(), 'part-2')));
  // As left by a process that was killed while it filled.
  mkdirSync(join(cacheDirectory(), 'part-2.partial-dead'));
  await cached(
    'part-2',
    () => {},
    async (directory) => writeFile(join(directory, 'program'), 'whole'),
  );
  const left = readdirSync(cacheDirectory()).filter((entry) => entry.includes('partial'));
  assert.deepEqual(left, []);
});
