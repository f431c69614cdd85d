import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { ImportedEntry } from '../../sdk/index.ts';
import { errorBody, type FakeRequest, type FakeTwin, startFakeTwin } from '../rig/fake-twin.ts';
import { run } from '../rig/run.ts';

let dataDir: string;
let folder: string;
let fake: FakeTwin;

before(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'twin-shapes-'));
  fake = await startFakeTwin(dataDir);
});

after(async () => {
  await fake.stop();
  await rm(dataDir, { recursive: true });
});

afterEach(async () => {
  fake.asked.length = 0;
  await rm(folder, { recursive: true });
});

async function files(all: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  folder = await mkdtemp(join(tmpdir(), 'twin-files-'));
  await mkdir(join(folder, 'deleted'));
  for (const [name, content] of Object.entries(all)) await writeFile(join(folder, name), content);
  return folder;
}

function receipt(request: FakeRequest, entries: readonly ImportedEntry[] = []) {
  const lines = String(request.body).trim().split('\n').length;
  const count = (outcome: string) => entries.filter((one) => one.outcome === outcome).length;
  return {
    accepted: lines - entries.length,
    unchanged: 0,
    stale: count('stale'),
    waiting: count('waiting'),
    resumed: 0,
    refused: count('refused'),
    entries,
    members: [],
    ignored: {},
    eventId: 'e',
  };
}

const line = (id: number) => `{"resourceType":"Patient","id":"p${id}"}`;
const lines = (count: number) => Array.from({ length: count }, (_, id) => line(id)).join('\n');
const sent = () =>
  fake.asked.map(({ headers, body }) => {
    const format = String(headers['content-type']).replace('application/fhir+', '');
    return `${format} ${String(body).trim().split('\n').length}`;
  });

test('B-IN-10: ndjson by its name or by its lines, packed or plain; JSON as one document', async () => {
  fake.route = (request) => ({ status: 201, body: receipt(request) });
  const path = await files({
    'a.ndjson': line(1),
    'b.json': `${line(1)}\n${line(2)}\n`,
    'c.json': `${line(1)}\n\n`,
    'd.json': '{\n"resourceType": "Patient"\n}',
    'e.jsonl.gz': gzipSync(lines(3)),
  });
  const { exit, out } = await run(dataDir, ['import', path, '--jobs', '1']);
  assert.equal(exit, 0);
  assert.deepEqual(sent(), ['ndjson 1', 'ndjson 2', 'json 1', 'json 3', 'ndjson 3']);
  assert.match(out, /5 of 5 files/);
});

test('B-IN-10: an export folder goes in with what others refer to first, its deletions last', async () => {
  fake.route = (request) => ({ status: 201, body: receipt(request) });
  const names = ['Observation', 'Patient', 'Practitioner', 'Organization', 'PractitionerRole'];
  const all = names.map((name) => [`${name}.ndjson`, `{"of":"${name}"}`] as const);
  const path = await files({
    ...Object.fromEntries(all),
    'manifest.json': '{"output":[]}',
    'deleted/Patient.ndjson': '{"of":"deleted"}',
  });
  await run(dataDir, ['import', path, '--jobs', '1']);
  assert.deepEqual(
    fake.asked.map(({ body }) => (JSON.parse(String(body)) as { of: string }).of),
    ['Organization', 'Practitioner', 'PractitionerRole', 'Patient', 'Observation', 'deleted'],
  );
});

test('a large file of lines goes in groups, and the report names lines of the file', async () => {
  fake.route = (request) => {
    const last = fake.asked.length === 3;
    const entry = { outcome: 'refused', line: 7, entry: 0, type: 'Patient', says: 'No.' } as const;
    return { status: 201, body: receipt(request, last ? [entry] : []) };
  };
  const path = await files({ 'Patient.ndjson.gz': gzipSync(lines(25_000)) });
  const report = join(path, 'report.jsonl');
  const { exit, err, out } = await run(dataDir, ['import', path, '--report', report]);
  assert.deepEqual(sent(), ['ndjson 10000', 'ndjson 10000', 'ndjson 5000']);
  assert.equal(exit, 5);
  assert.match(err, /line 20007, Patient: refused: No\./);
  assert.match(out, /24999 records accepted.* 1 refused alone/);
  const said = (await readFile(report, 'utf8'))
    .trim()
    .split('\n')
    .map((text) => JSON.parse(text));
  assert.equal(said.length, 2);
  assert.deepEqual([said[0].accepted, said[0].refused], [24_999, 1]);
  assert.deepEqual([said[1].line, said[1].outcome, said[1].says], [20_007, 'refused', 'No.']);
});

test('a transaction that another file mends is sent again; one that nothing mends is refused', async () => {
  const there = new Set<string>();
  fake.route = (request) => {
    const { id, needs } = JSON.parse(String(request.body)) as { id: string; needs?: string };
    if (needs !== undefined && !there.has(needs)) {
      const data = { entry: 1, path: 'resource.subject', reason: 'reference' };
      return { status: 422, body: errorBody('REFUSED_INPUT', 'Entry 1: unknown.', data) };
    }
    there.add(id);
    return { status: 201, body: receipt(request) };
  };
  const path = await files({
    'a.json': '{"id":"a","needs":"b"}',
    'b.json': '{"id":"b","needs":"c"}',
    'c.json': '{"id":"c"}',
    'd.json': '{"id":"d","needs":"nobody"}',
  });
  const { exit, out, err } = await run(dataDir, ['import', path, '--jobs', '1']);
  assert.equal(exit, 5);
  assert.deepEqual([...there].sort(), ['a', 'b', 'c']);
  assert.match(out, /3 of 4 files/);
  assert.equal(err.match(/refused: Entry 1: unknown/g)?.length, 1);
});

test('files go side by side, never more than --jobs', async () => {
  let open = 0;
  let most = 0;
  fake.route = (request) => {
    most = Math.max(most, open);
    return { status: 201, body: receipt(request) };
  };
  const original = globalThis.fetch;
  globalThis.fetch = async (...args) => {
    const isImport = String(args[0]).includes('/v1/sources');
    if (isImport) open += 1;
    try {
      return await original(...args);
    } finally {
      if (isImport) open -= 1;
    }
  };
  try {
    const all = Array.from({ length: 12 }, (_, id) => [`f${id}.json`, line(id)] as const);
    const path = await files(Object.fromEntries(all));
    await run(dataDir, ['import', path, '--jobs', '3']);
  } finally {
    globalThis.fetch = original;
  }
  assert.equal(fake.asked.length, 12);
  assert.ok(most > 1 && most <= 3, `${most} at once`);
});

test('--dry-run, --tenant and --source go with every request, and nothing is sent twice', async () => {
  fake.route = () => {
    const data = { reason: 'no-member' };
    return { status: 422, body: errorBody('REFUSED_INPUT', 'Whole: unknown.', data) };
  };
  const path = await files({ 'a.json': line(1) });
  const args = ['import', path, '--dry-run', '--tenant', 'acme', '--source', 'ehr'];
  const { exit, out } = await run(dataDir, args);
  assert.equal(exit, 5);
  assert.match(out, /^dry run, nothing stored: 0 of 1 file/);
  assert.equal(fake.asked.length, 1);
  assert.equal(String(fake.asked[0]?.query), 'source=ehr&tenant=acme&dryRun=true');
  assert.equal(fake.tokens.at(-1)?.tenant, 'acme');
});

test('--status lists what waits and what was refused, and takes no files', async () => {
  const record = { type: 'Condition', source: 'ehr', eventId: 'e'.repeat(64), entry: 4 };
  const at = '2026-11-24T10:00:00.000Z';
  fake.route = ({ path }) =>
    path === '/v1/sources/waiting'
      ? {
          body: {
            waiting: { count: 9, bytes: 2048, records: [{ ...record, at, needs: ['Patient'] }] },
            refused: {
              count: 1,
              records: [{ ...record, line: 3, at, path: 'resource.code', reason: 'shape' }],
            },
            outbox: { count: 2, bytes: 3072, since: at },
            logAway: true,
          },
        }
      : undefined;
  const path = await files({});
  const { exit, out } = await run(dataDir, ['import', '--status']);
  assert.equal(exit, 0);
  assert.match(out, /^2 held \(3 KB\) by this instance since 2026-11-24T10:00:00, until/m);
  assert.match(out, /^The log is away: /m);
  assert.match(out, /^9 waiting \(2 KB\), 1 refused within 30 days$/m);
  assert.match(out, /ehr +Condition +entry 4 +e{12} +Patient$/m);
  assert.match(out, /and 8 more/);
  assert.match(out, /line 3 +e{12} +shape at resource\.code$/m);
  assert.equal((await run(dataDir, ['import', '--status', path])).exit, 2);
  assert.equal((await run(dataDir, ['import'])).exit, 2);
  assert.equal((await run(dataDir, ['import', path, '--jobs', '0'])).exit, 2);
});
