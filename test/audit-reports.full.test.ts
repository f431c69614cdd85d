import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { balpFaults } from '../src/access/audit/balp.rig.ts';
import type { AccessReview, DisclosurePage } from '../src/contract/audit/reports.ts';
import { sleep } from '../src/kernel/clock.ts';
import { run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';

/** The audit as a privacy officer has it, from a real server with a witness beside it. */
let server: TestServer;
let folder: string;
let officer: string;
const MEMBER = 'demo-ana';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twin-reports-'));
  const env = { AUDIT_WITNESS: join(folder, 'witness'), AUDIT_CHECKPOINT_SECONDS: '1' };
  server = await startServer({ env });
  officer = await server.token('officer', { scope: 'audit:read' });
  for (const [who, section] of [
    ['ana', 'profile'],
    ['eve', 'clinical'],
    ['ben', 'clinical'],
  ] as const) {
    await server.fetch(await server.token(who), `/v1/twins/member/${MEMBER}/${section}`);
  }
});
after(async () => {
  await server?.stop();
  await rm(folder, { recursive: true, force: true });
});

async function asked<T>(path: string, token = officer): Promise<T> {
  const response = await server.fetch(token, path);
  assert.equal(response.status, 200, path);
  return (await response.json()) as T;
}

test('B-AD-6, B-AD-10: the accounting says who saw what when, and by which relations', async () => {
  const path = `/v1/audit/disclosures/${MEMBER}`;
  let page = await asked<DisclosurePage>(path);
  const byEve = () => page.entries.find(({ who }) => who === 'user:eve');
  for (let tries = 0; byEve()?.relations === undefined; tries += 1) {
    assert.ok(tries < 100, 'the relations are found a moment later');
    await sleep(100);
    page = await asked<DisclosurePage>(path);
  }
  const { who, action, what, right, relations = [] } = byEve() ?? assert.fail();
  assert.deepEqual([who, action, what, right], ['user:eve', 'read', ['clinical'], 'view_clinical']);
  assert.match(relations.join('\n'), /^care team clinician: member:demo-ana#care_team@/m);
  assert.ok(page.entries.some((entry) => entry.who === 'user:ana'));
  assert.ok(!page.entries.some((entry) => entry.who === 'user:ben'));
  assert.equal(page.others['read denied'], 1, 'nothing is left out silently');
  assert.equal(page.completeUpTo.length, 1);
});

test('B-AD-6: an accounting comes page by page, each entry once', async () => {
  const seen: string[] = [];
  const to = new Date().toISOString();
  for (let cursor = ''; ; ) {
    const query = `to=${to}&limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`;
    const page = await asked<DisclosurePage>(`/v1/audit/disclosures/${MEMBER}?${query}`);
    seen.push(...page.entries.map(({ row, who }) => `${row} ${who}`));
    if (page.next === undefined) break;
    cursor = page.next;
  }
  assert.equal(new Set(seen).size, seen.length);
  assert.ok(seen.length >= 2);
});

test('B-AD-6: the review counts members by person, and refusals', async () => {
  const { lines } = await asked<AccessReview>('/v1/audit/review');
  const of = (who: string) => lines.find((line) => line.who === who);
  assert.deepEqual([of('user:eve')?.members, of('user:eve')?.rights.view_clinical], [1, 1]);
  assert.deepEqual([of('user:ben')?.members, of('user:ben')?.denied], [0, 1]);
});

test('B-AD-6: no scope, no office, another tenant: nothing, and the attempt is a record', async () => {
  const paths = [
    `/v1/audit/disclosures/${MEMBER}`,
    ...['review', 'events', 'rows'].map((name) => `/v1/audit/${name}`),
  ];
  const tokens = [
    await server.token('ana', { scope: 'audit:read' }),
    await server.token('operator', { scope: 'audit:read' }),
    await server.token('officer', { scope: 'audit:read', tenant: 'other' }),
  ];
  for (const path of paths) {
    for (const token of tokens) assert.equal((await server.fetch(token, path)).status, 404, path);
    const without = await server.fetch(await server.token('officer'), path);
    assert.equal(without.status, 403, path);
  }
  const { lines } = await asked<AccessReview>('/v1/audit/review');
  assert.equal(lines.find(({ who }) => who === 'user:operator')?.denied, paths.length);
  assert.ok(!JSON.stringify(lines).includes('"other"'));
});

test('B-AD-6: what another tenant has is not there, for its member or its rows', async () => {
  await server.relations('touch', 'organization:demo#privacy_officer@user:officer');
  const response = await server.fetch(officer, '/v1/audit/disclosures/nobody-else');
  assert.equal(((await response.json()) as DisclosurePage).entries?.length, 0);
  const wrong = await server.fetch(officer, '/v1/audit/disclosures/..%2Fx');
  assert.equal(wrong.status, 404);
  const unknown = await server.fetch(officer, '/v1/audit/review?all=1');
  assert.equal(unknown.status, 400, 'an unknown parameter is no wider result');
});

test('B-AD-5: the export is lines of AuditEvents that are whole', async () => {
  const response = await server.fetch(officer, `/v1/audit/events?member=${MEMBER}`);
  assert.equal(response.headers.get('content-type'), 'application/fhir+ndjson');
  const lines = (await response.text()).trim().split('\n');
  assert.ok(lines.length >= 3);
  for (const line of lines) assert.deepEqual(balpFaults(JSON.parse(line)), [], line);
});

test('B-AD-7: a flood of bad tokens is a row at once, and a count later', async () => {
  for (let n = 0; n < 40; n += 1) await server.fetch('a.b.c', '/v1/search?q=x');
  const { failedAuthentications, rows } = await asked<AccessReview>('/v1/audit/review');
  const again = await asked<AccessReview>('/v1/audit/review');
  assert.equal(failedAuthentications, 1);
  assert.ok(again.rows - rows < 10);
});

interface Proof {
  readonly ok: boolean;
  readonly records: number;
  readonly witness: object;
  readonly says: string[];
  readonly generations: readonly { generation: string; witnessed: number }[];
}

test('B-AD-3: the witness has what was signed, and verification says up to where', async () => {
  const token = await server.token('operator', { scope: 'audit:read' });
  const verified = () => asked<Proof>('/v1/audit/verify', token);
  let proof = await verified();
  // By which relations somebody saw something is a row that comes a moment later.
  for (let tries = 0; proof.generations[0]?.witnessed !== proof.records; tries += 1) {
    assert.ok(tries < 50, 'the last row is signed a moment later');
    await sleep(200);
    proof = await verified();
  }
  assert.ok(proof.ok);
  assert.deepEqual(proof.witness, { kind: 'directory', reached: true });
  const files = await readdir(join(folder, 'witness'));
  assert.deepEqual(files, [`${proof.generations[0]?.generation}.jsonl`]);
});

test('B-AD-9: an export is verified by the command line alone, and a changed one is not', async () => {
  const token = await server.token('operator', { scope: 'audit:read' });
  const { publicKey } = await asked<{ publicKey: string }>('/v1/audit/verify', token);
  const [file = ''] = await readdir(join(folder, 'witness'));
  const checkpoints = join(folder, 'checkpoints.jsonl');
  await writeFile(checkpoints, await readFile(join(folder, 'witness', file)));
  const rows = await (await server.fetch(officer, '/v1/audit/rows')).text();
  const verify = async (text: string) => {
    const path = join(folder, 'rows.ndjson');
    await writeFile(path, text);
    const args = ['audit', 'verify', '--export', path, '--checkpoints', checkpoints];
    return await run(LAUNCHER, [...args, '--key', publicKey, '--json']);
  };
  const whole = await verify(rows);
  assert.equal(whole.code, 0, whole.stdout);
  const changed = await verify(rows.replace('user', 'uses'));
  assert.equal(changed.code, 1);
  const { generations } = JSON.parse(changed.stdout) as { generations: { firstBad: number }[] };
  assert.ok((generations[0]?.firstBad ?? 0) >= 1);
  const cut = await verify(`${rows.split('\n').slice(0, 3).join('\n')}\n`);
  assert.equal(cut.code, 1);
});
