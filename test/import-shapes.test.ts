import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { run } from '../src/cli/rig/run.ts';
import { startServer, type TestServer } from './support/server.ts';
import { ndjson } from './support/spine.ts';

/** Every shape of FHIR by the real command into a real server; and by POST, with its status. */
const DATA = fileURLToPath(new URL('../../shared/data/fhir/', import.meta.url));
const MEMBERS = [
  'Olympia319_Fay398_2dd37182-28c6-a51c-7176-191560f6e346.json.gz',
  'Beatriz277_Jaramillo133_94addfa6-2ffb-482d-f989-58498df39474.json.gz',
];
const DIRECTORY = [
  'practitionerInformation1788220800000.json.gz',
  'hospitalInformation1788220800000.json.gz',
];

let server: TestServer;
let folder: string;

before(async () => {
  server = await startServer({ env: { DEMO: 'off' } });
  folder = await mkdtemp(join(tmpdir(), 'twin-any-order-'));
});
after(async () => {
  await server.stop();
  await rm(folder, { recursive: true });
});

async function imported(args: readonly string[], stdin?: string | Uint8Array): Promise<string> {
  const options = stdin === undefined ? {} : { stdin };
  const { exit, out, err } = await run(server.dataDir, ['import', ...args], options);
  assert.equal(exit, 0, err);
  return out;
}

async function post(body: string, type: string, query = ''): Promise<[number, Receipt]> {
  const token = await server.token('operator', { scope: 'sources:write' });
  const headers = { 'content-type': type };
  const path = `/v1/sources?source=post${query}`;
  const response = await server.fetch(token, path, { method: 'POST', headers, body });
  return [response.status, (await response.json()) as Receipt];
}

interface Receipt {
  readonly accepted: number;
  readonly waiting: number;
  readonly resumed: number;
  readonly refused: number;
  readonly position?: string;
  readonly error?: { readonly data?: { readonly reason?: string } };
}

const patient = (id: string) => ({ resourceType: 'Patient', id, name: [{ family: id }] });
const condition = (id: string, member: string) => ({
  resourceType: 'Condition',
  id,
  subject: { reference: `Patient/${member}` },
  code: { text: 'Asthma' },
});

test('B-IN-10: folders of single resources: the payers’ examples', async () => {
  for (const [name, count] of [
    ['carin-bb-2.0.0', 19],
    ['pdex-2.0.0', 6],
  ] as const) {
    const out = await imported([join(DATA, name), '--source', name]);
    assert.match(out, new RegExp(`${count} of ${count} files: ${count} records accepted`));
  }
});

test('B-IN-10: transactions whose directory comes last, in files that do not say so', async () => {
  for (const [index, name] of [...MEMBERS, ...DIRECTORY].entries()) {
    await copyFile(join(DATA, 'synthea-3.3.0', name), join(folder, `file-${index}.json.gz`));
  }
  const out = await imported([folder, '--source', 'synthea', '--jobs', '2']);
  assert.match(out, /4 of 4 files/);
  for (const name of MEMBERS) assert.match(out, new RegExp(name.slice(-44, -8)));
});

test('B-IN-10: stdin, packed: lines of resources and of bundles of each kind', async () => {
  const kinds = ['transaction', 'batch', 'collection', 'searchset', 'history'].map((type) => ({
    resourceType: 'Bundle',
    type,
    entry: [{ resource: condition(`of-${type}`, 'line') }],
  }));
  const lines = ndjson([patient('line'), ...kinds]);
  const out = await imported(['-', '--source', 'stdin'], gzipSync(lines));
  assert.match(out, /1 of 1 file: 6 records accepted/);
});

test('a dry run says what would come of it; the same then does', async () => {
  const file = join(folder, 'dry.json');
  await writeFile(file, JSON.stringify(patient('dry')));
  const report = join(folder, 'report.jsonl');
  const dry = await imported([file, '--dry-run', '--report', report]);
  assert.match(dry, /dry run, nothing stored: 1 of 1 file: 1 records accepted/);
  assert.equal(JSON.parse(await readFile(report, 'utf8')).accepted, 1);
  assert.match(await imported([file]), /1 records accepted/);
});

test('B-IN-8: over HTTP: waiting is 202, arrival 201, and the list is the tenant’s own', async () => {
  const lines = ndjson([condition('w1', 'late')]);
  const [held, receipt] = await post(lines, 'application/fhir+ndjson');
  assert.deepEqual([held, receipt.waiting], [202, 1]);
  const scope = 'sources:write';
  const listOf = async (tenant: string) => {
    const token = await server.token('operator', { scope, tenant });
    const response = await server.fetch(token, '/v1/sources/waiting');
    return ((await response.json()) as { waiting: { count: number } }).waiting.count;
  };
  assert.deepEqual([await listOf('demo'), await listOf('other')], [1, 0]);
  const unscoped = await server.token('operator', { scope: 'twin:read' });
  assert.equal((await server.fetch(unscoped, '/v1/sources/waiting')).status, 403);
  const [arrived, { resumed, position }] = await post(
    JSON.stringify(patient('late')),
    'application/fhir+json',
  );
  assert.deepEqual([arrived, resumed, typeof position], [201, 1, 'string']);
  assert.equal(await listOf('demo'), 0);
});

test('over HTTP: a refused resource, another tenant, a wrong switch', async () => {
  const alone = JSON.stringify({ ...condition('x', ''), subject: {} });
  const [refused, { error }] = await post(alone, 'application/fhir+json');
  assert.deepEqual([refused, error?.data?.reason], [422, 'no-member']);
  const body = JSON.stringify(patient('other'));
  assert.equal((await post(body, 'application/fhir+json', '&tenant=other'))[0], 400);
  assert.equal((await post(body, 'application/fhir+json', '&dryRun=perhaps'))[0], 400);
  assert.equal((await post(body, 'text/plain'))[0], 415);
  const [dry, { accepted, position }] = await post(body, 'application/json', '&dryRun=true');
  assert.deepEqual([dry, accepted, position], [200, 1, undefined]);
});
