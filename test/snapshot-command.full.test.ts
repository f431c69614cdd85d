import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { run } from '../src/cli/rig/run.ts';
import { readDocument } from './support/ask.ts';
import { ANA_COVERAGE, changeCoverage } from './support/changes.ts';
import { startServer } from './support/server.ts';

const snapshotDir = mkdtempSync(join(tmpdir(), 'twin-snapshots-'));
after(() => rmSync(snapshotDir, { recursive: true }));
const env = { SNAPSHOT_DIR: snapshotDir };

interface Listed {
  readonly name: string;
  readonly refused?: string;
}

test('B-LV-11: a snapshot is made by command, and a server whose view is gone starts from it', async () => {
  const first = await startServer({ env });
  const { dataDir } = first;
  const none = await run(dataDir, ['snapshot', 'list', '--json']);
  assert.deepEqual([none.exit, JSON.parse(none.out)], [0, []]);
  const made = await run(dataDir, ['snapshot', 'create']);
  assert.equal(made.exit, 0, made.err);
  const [name = ''] = made.out.split(':');
  assert.deepEqual(await readdir(snapshotDir), [name]);
  assert.match(
    (await run(dataDir, ['snapshot', 'list'])).out,
    new RegExp(`^${name} .* MB +fits`, 'm'),
  );
  const { product } = await changeCoverage(first);
  const before = await readDocument(first, await first.token('ana'), ANA_COVERAGE);
  await first.stop();

  await rm(join(dataDir, 'view.db'));
  const second = await startServer({ dataDir, env });
  const after = await readDocument(second, await second.token('ana'), ANA_COVERAGE);
  assert.equal(after.etag, before.etag);
  assert.ok(JSON.stringify(after.data).includes(product));
  const list = await run(dataDir, ['snapshot', 'list', '--json']);
  assert.deepEqual(
    (JSON.parse(list.out) as Listed[]).map((one) => [one.name, one.refused]),
    [[name, undefined]],
  );
  assert.doesNotMatch(second.output(), /does not start from/);

  for (const [who, scope, status] of [
    ['ana', 'admin', 404],
    ['operator', 'twin:read', 403],
  ] as const) {
    const bearer = await second.token(who, { scope });
    for (const method of ['GET', 'POST']) {
      assert.equal((await second.fetch(bearer, '/v1/snapshots', { method })).status, status);
    }
  }
  assert.equal((await readdir(snapshotDir)).length, 1);
  await second.stop();
});
