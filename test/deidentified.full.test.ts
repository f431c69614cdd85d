import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { canaryBundle } from './support/canaries.ts';
import { run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';

/** The export of a running server, with a member of whom every text and id is marked. */
const MARK = 'ZEBRAQUARTZ';
let server: TestServer;

before(async () => {
  server = await startServer();
  const text = JSON.stringify(await canaryBundle('zebra-member'))
    .replaceAll(/CANARY(\d+)/g, `${MARK}-$1`)
    .replaceAll('nine-', 'zebra-');
  assert.equal((await server.importBundle(text, 'nine')).status, 201);
});
after(() => server.stop());

const fetched = async (as: string, scope: string, query = '', more = {}) =>
  await server.fetch(await server.token(as, { scope, ...more }), `/v1/deidentified${query}`);

test('B-RT-7: an export tells records of use, and nobody by a text, a date or an id', async () => {
  const args = ['export', 'deidentified', '--data-dir', server.dataDir];
  const first = await run(LAUNCHER, args);
  assert.equal(first.code, 0, first.stderr);
  const lines = first.stdout.trim().split('\n');
  const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.ok(records.length > 20, `${records.length} records`);
  assert.ok(records.some(({ resourceType }) => resourceType === 'Observation'));
  assert.doesNotMatch(first.stdout, new RegExp(`${MARK}|zebra|demo-|"ana|Rivera`, 'i'));
  assert.doesNotMatch(first.stdout, /\d{4}-\d\d-\d\d/);
  const people = records.filter(({ resourceType }) => resourceType === 'Patient');
  assert.ok(
    people.some(({ age }) => age === '90+'),
    'who was born in 1931',
  );
  const again = await run(LAUNCHER, args);
  const idsOf = (text: string) => new Set(text.match(/Patient\/[\w-]{22}/g));
  const ids = idsOf(first.stdout);
  assert.equal(ids.size, people.length);
  assert.deepEqual(idsOf(again.stdout).intersection(ids).size, 0, 'of this export alone');
});

test('B-RT-7: the export needs its own scope, an admin, and members of the tenant', async () => {
  const scope = 'twin:deidentified';
  assert.equal((await fetched('operator', scope)).status, 200);
  assert.equal((await fetched('operator', 'admin audit:read')).status, 403);
  assert.equal((await fetched('ana', scope)).status, 404);
  assert.equal((await fetched('operator', scope, '?members=nobody')).status, 404);
  assert.equal((await fetched('operator', scope, '?members=a/b')).status, 400);
  assert.equal((await fetched('operator', scope, '?member=demo-ana')).status, 400);
  const one = await (await fetched('operator', scope, '?members=demo-ana')).text();
  assert.equal(one.match(/"resourceType":"Patient"/g)?.length, 1);
});
