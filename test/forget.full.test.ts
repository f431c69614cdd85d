import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { ask, callTool } from './support/ask.ts';
import { canaryBundle } from './support/canaries.ts';
import { patient as another, bundleOf } from './support/changes.ts';
import { run } from './support/run.ts';
import { LAUNCHER, startServer, type TestServer } from './support/server.ts';
import { listen } from './support/streams.ts';
import { tracesOf } from './support/traces.ts';

/** In every text of the member; long enough to be told in base64 at any offset. */
const MARK = 'ZEBRAQUARTZ';
const BORN = '1931-07-19';
const ENV = { MEMBER_IDS: 'opaque', LOG_LEVEL: 'trace' };
let server: TestServer;
let member = '';

before(async () => {
  server = await startServer({ env: ENV });
});
after(() => server.stop());

/** One value for each class of Safe Harbor (A to R), beside those of the bundle's own texts. */
async function markedBundle(day: string): Promise<string> {
  const bundle = await canaryBundle(`${MARK}-id`);
  const identifier = ['SS', 'MR', 'MB', 'AN', 'DL', 'VIN', 'SNO', 'BIO', 'PI'].map((code) => ({
    type: { coding: [{ code }] },
    ...{ system: `urn:${code}`, value: `${MARK}-${code}` },
  }));
  const telecom = ['phone', 'fax', 'email', 'url', 'other'].map((system) => ({
    ...{ system, value: `${MARK}-${system}` },
  }));
  const photo = [
    { contentType: 'image/png', data: Buffer.from(`${MARK}-face`).toString('base64') },
  ];
  const extension = [{ url: 'http://example.org/ip', valueString: `${MARK}-10.1.2.3` }];
  const person = bundle.entry[0]?.resource ?? {};
  Object.assign(person, { identifier, telecom, photo, extension });
  return JSON.stringify(bundle)
    .replaceAll(/CANARY(\d+)/g, `${MARK}-$1`)
    .replaceAll('2026-10-01T', `${day}T`);
}

async function post(path: string, body: object, as = 'operator'): Promise<Response> {
  const token = await server.token(as, { scope: 'admin' });
  const headers = { 'content-type': 'application/json' };
  return await server.fetch(token, path, { method: 'POST', headers, body: JSON.stringify(body) });
}

const forget = (members: readonly string[], as?: string) =>
  post('/v1/forget', { members, confirm: 'forget' }, as);

async function restart(): Promise<void> {
  await server.stop();
  server = await startServer({ env: ENV, dataDir: server.dataDir });
}

async function reads(as: string, section = 'clinical'): Promise<string> {
  const uri = `mcp://twins/member/${member}/${section}`;
  return (await ask(server, await server.token(as), 'resources/read', { uri })).answer.text;
}

test('B-RT-1: a member of whom every text is marked comes in, and is read, found and spoken of', async () => {
  for (const day of ['2026-10-01', '2026-10-02']) {
    const came = await server.importBundle(await markedBundle(day), 'nine');
    assert.equal(came.status, 201);
    const { members } = (await came.json()) as { members: { member: string }[] };
    member = members[0]?.member ?? '';
  }
  await server.relations('touch', `member:${member}#self@user:nina`);
  const nina = await server.token('nina');
  assert.match(await reads('nina'), new RegExp(MARK));
  assert.equal((await callTool(server, nina, 'search', { query: 'opioid' })).failed, false);
  await callTool(server, nina, 'chat', { message: `opioid ${MARK}` });
  const admin = await server.token('operator', { scope: 'admin' });
  assert.equal((await server.fetch(admin, '/v1/snapshots', { method: 'POST' })).status, 201);
  // One that waits for whom it is about, and names the member.
  const waits = {
    ...{ resourceType: 'Condition', id: 'w1', subject: { reference: 'Patient/unknown' } },
    ...{ asserter: { reference: `Patient/${MARK}-id` }, code: { text: `${MARK}-waits` } },
  };
  const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: waits }] };
  assert.equal((await server.importBundle(JSON.stringify(bundle), 'nine')).status, 202);
  assert.ok((await tracesOf(server.dataDir, [MARK])).length >= 3, 'the search finds what is there');
});

test('B-RT-3: a legal hold survives a restart, is listed and audited, and stands against forgetting', async () => {
  assert.equal((await post('/v1/holds', { member, reason: 'case 7' })).status, 200);
  await restart();
  const admin = await server.token('operator', { scope: 'admin' });
  const listed = await (await server.fetch(admin, '/v1/holds')).json();
  assert.deepEqual(
    (listed as { holds: { member: string; reason: string }[] }).holds.map((one) => [
      one.member,
      one.reason,
    ]),
    [[member, 'case 7']],
  );
  const refused = await forget([member]);
  assert.equal(refused.status, 409);
  assert.match(await refused.text(), /legal hold/);
  assert.match(await reads('nina'), new RegExp(MARK));
  assert.equal((await post('/v1/holds/release', { member, reason: 'closed' })).status, 200);
});

test('B-RT-1: nobody forgets without the scope, the role, the tenant and the confirmation', async () => {
  const body = JSON.stringify({ members: [member], confirm: 'forget' });
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
  const send = async (as: string, more: Record<string, unknown>) =>
    (await server.fetch(await server.token(as, more), '/v1/forget', init)).status;
  assert.equal(await send('operator', { scope: 'twin:read' }), 403);
  assert.equal(await send('nina', { scope: 'admin' }), 404);
  assert.equal(await send('operator', { scope: 'admin', tenant: 'other' }), 404);
  assert.equal((await post('/v1/forget', { members: [member] })).status, 400);
  assert.equal((await forget(['nobody'])).status, 404);
  const unsure = await run(LAUNCHER, ['forget', member, '--data-dir', server.dataDir]);
  assert.equal(unsure.code, 2, unsure.stderr);
  assert.match(await reads('nina'), new RegExp(MARK));
});

test('B-RT-1: after forgetting, no file of the data directory holds anything of the member', async () => {
  const nina = await server.token('nina');
  const uri = `mcp://twins/member/${member}/clinical`;
  const stream = await listen(server, nina, [uri]);
  const feed = await (await server.fetch(nina, '/v1/changes?cursor=start')).text();
  assert.match(feed, new RegExp(member));
  const { next } = JSON.parse(feed) as { next: string };
  const args = ['forget', member, '--yes', '--json', '--data-dir', server.dataDir];
  const done = await run(LAUNCHER, args);
  assert.equal(done.code, 0, done.stderr);
  const report = JSON.parse(done.stdout) as Record<string, unknown>;
  assert.equal(report.snapshotsRemoved, 1);
  assert.ok(Number(report.relations) >= 2);
  // Whoever listened is told, or cut off because their right has gone with the member.
  if (!stream.ended) await stream.heard(1);
  const { changes } = (await (
    await server.fetch(nina, `/v1/changes?cursor=${encodeURIComponent(next)}`)
  ).json()) as { changes: { uri: string; kind: string }[] };
  assert.ok(
    changes.some((one) => one.uri === uri && /deleted|no-longer/.test(one.kind)),
    JSON.stringify(changes),
  );
  stream.close();
  assert.match(await reads('nina'), /nothing here, or you may not read it/);
  const texts = [MARK, BORN, Buffer.from(`${MARK}-face`).toString('base64').slice(4, 16)];
  assert.deepEqual(await tracesOf(server.dataDir, texts), []);
  assert.deepEqual(
    (await readdir(server.dataDir)).filter((one) => one.includes('copying')),
    [],
  );
  assert.doesNotMatch(server.output(), new RegExp(MARK));
});

test('B-RT-2: what comes later of them is refused, also after a restart, until it is allowed', async () => {
  await restart();
  assert.deepEqual(await tracesOf(server.dataDir, [MARK, BORN]), []);
  const refused = await server.importBundle(await markedBundle('2026-10-03'), 'nine');
  assert.equal(refused.status, 422);
  assert.match(await refused.text(), /forgotten-member/);
  assert.equal((await server.importBundle(bundleOf(another('zoe')), 'nine')).status, 201);
  assert.deepEqual(await tracesOf(server.dataDir, [MARK]), []);
  assert.equal((await post('/v1/forget/allow', { member })).status, 200);
  assert.equal((await server.importBundle(await markedBundle('2026-10-04'), 'nine')).status, 201);
  await server.relations('touch', `member:${member}#self@user:nina`);
  assert.match(await reads('nina'), new RegExp(MARK));
});

test('B-RT-4: each hold, release, forgetting and refusal of them is in the audit', async () => {
  const token = await server.token('operator', { scope: 'audit:read' });
  const proof = await (await server.fetch(token, '/v1/audit/verify')).json();
  assert.equal((proof as { ok: boolean }).ok, true);
  await server.stop();
  const db = new DatabaseSync(join(server.dataDir, 'audit.db'), { readOnly: true });
  const rows = db.prepare("SELECT body FROM record WHERE body LIKE '%configuration%'").all();
  db.close();
  const text = rows.map(({ body }) => String(body)).join('\n');
  for (const does of ['done: hold', 'failed: forget', 'done: release hold', 'done: forget']) {
    assert.ok(text.includes(`${does};`), does);
  }
  assert.match(text, new RegExp(`member:${member}`));
  assert.doesNotMatch(text, new RegExp(MARK));
});
