import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CliIo } from './io.ts';
import { run } from './rig/run.ts';

const ENV = { SPICEDB_ENDPOINT: 'localhost:50051', SPICEDB_TOKEN: 'key' };
const DIFFERENCES = [
  { where: 'definition beat', needs: 'definition beat' },
  { where: 'definition member: relation self', has: 'user', needs: 'user | agent' },
];

function answering(outcome: Awaited<ReturnType<CliIo['mendSchema']>>) {
  const asked: unknown[] = [];
  const mendSchema: CliIo['mendSchema'] = async (spicedb, action) => {
    asked.push([spicedb.endpoint, action]);
    return outcome;
  };
  return { asked, mendSchema };
}

test('schema diff prints what SpiceDB has and needs, and ends with 1', async () => {
  const { asked, mendSchema } = answering({ outcome: 'done', differences: DIFFERENCES });
  const { exit, out } = await run('/nowhere', ['schema', 'diff'], { env: ENV, mendSchema });
  assert.equal(exit, 1);
  assert.match(out, /^definition beat\n {2}\+ definition beat\n/);
  assert.match(out, /relation self\n {2}- user\n {2}\+ user \| agent\n$/);
  assert.deepEqual(asked, [['localhost:50051', 'diff']]);
  const json = await run('/nowhere', ['schema', 'diff', '--json'], { env: ENV, mendSchema });
  assert.deepEqual(JSON.parse(json.out), { differences: DIFFERENCES });
});

test('schema diff ends with 0 where nothing is different, schema apply where it was mended', async () => {
  const none = answering({ outcome: 'done', differences: [] });
  const same = await run('/nowhere', ['schema', 'diff'], { env: ENV, ...none });
  assert.deepEqual([same.exit, same.out], [0, 'SpiceDB has the schema of this version.\n']);
  const some = answering({ outcome: 'done', differences: DIFFERENCES });
  const applied = await run('/nowhere', ['schema', 'apply'], { env: ENV, ...some });
  assert.equal(applied.exit, 0);
  assert.match(applied.out, /Applied\.\n$/);
  assert.deepEqual(some.asked, [['localhost:50051', 'apply']]);
});

test('what keeps SpiceDB from answering has its exit code, and the setting to look at', async () => {
  const ends = async (outcome: 'unreachable' | 'token-refused' | 'refused') => {
    const { mendSchema } = answering({ outcome, says: 'in its own words' });
    return run('/nowhere', ['schema', 'apply'], { env: ENV, mendSchema });
  };
  const [away, token, refused] = [
    await ends('unreachable'),
    await ends('token-refused'),
    await ends('refused'),
  ];
  assert.deepEqual([away.exit, token.exit, refused.exit], [4, 3, 5]);
  assert.match(away.err, /SPICEDB_ENDPOINT/);
  assert.match(token.err, /SPICEDB_TOKEN/);
  assert.match(refused.err, /in its own words/);
});

test('without a SpiceDB of its own there is nothing to compare', async () => {
  const { exit, err } = await run('/nowhere', ['schema', 'diff']);
  assert.equal(exit, 2);
  assert.match(err, /SPICEDB_ENDPOINT/);
});
