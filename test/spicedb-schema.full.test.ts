/** From a SpiceDB that knows nothing of us to a server that runs on it, by the command line alone. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { connectSchemas } from '../src/access/spicedb/grpc.ts';
import { type SpicedbPart, spicedb } from './support/parts.ts';
import { LAUNCHER, startServer } from './support/server.ts';

const THEIRS = [
  'definition shop/user {}',
  'definition shop/order {\n\trelation owner: shop/user\n}',
];

let db: SpicedbPart;
let schemas: ReturnType<typeof connectSchemas>;

before(async () => {
  db = await spicedb();
  schemas = connectSchemas({ endpoint: db.address, token: db.token, tls: false });
  await schemas.write(THEIRS.join('\n\n'));
});
after(async () => {
  schemas.close();
  await db.stop();
});

interface Ran {
  readonly exit: number | null;
  readonly out: string;
  readonly err: string;
}

async function schema(action: 'diff' | 'apply', more: Record<string, string> = {}): Promise<Ran> {
  const env = { ...process.env, ...db.env, ...more };
  const child = spawn(process.execPath, [LAUNCHER, 'schema', action], { env });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => (err += String(chunk)));
  const exit = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { exit, out, err };
}

for (const prefix of ['acme', undefined]) {
  const more: Record<string, string> = prefix === undefined ? {} : { SPICEDB_PREFIX: prefix };
  const where = prefix === undefined ? 'without a prefix' : 'with a prefix';

  test(`${where}: refused with the command that mends it, mended, and served`, async () => {
    const env = { ...db.env, ...more };
    await assert.rejects(startServer({ env }), /digital-twin schema apply/);
    const lacking = await schema('diff', more);
    assert.equal(lacking.exit, 1);
    const member = prefix === undefined ? 'member' : `${prefix}/member`;
    assert.ok(lacking.out.includes(`+ definition ${member}\n`), lacking.out);
    const applied = await schema('apply', more);
    assert.deepEqual([applied.exit, applied.err], [0, '']);
    assert.equal((await schema('diff', more)).exit, 0);
    const present = await schemas.read();
    for (const theirs of THEIRS) assert.ok(present.includes(theirs), theirs);
    const server = await startServer({ env });
    const read = await server.fetch(await server.token('ana'), '/v1/twins/member/demo-ana/profile');
    assert.equal(read.status, 200);
    await server.stop();
  });
}

test('a token that is not theirs, and nobody there, have their exit codes', async () => {
  assert.equal((await schema('diff', { SPICEDB_TOKEN: 'wrong' })).exit, 3);
  assert.equal((await schema('diff', { SPICEDB_ENDPOINT: '127.0.0.1:1' })).exit, 4);
});
