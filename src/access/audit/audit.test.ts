import assert from 'node:assert/strict';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, type TestContext, test } from 'node:test';
import { sleep, systemClock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { startWorker } from '../../kernel/worker.ts';
import type { AuditEntry, Principal } from '../../twin/ports.ts';
import { type AuditOptions, type AuditTrail, createAudit } from './audit.ts';
import type { AuditMethods } from './audit.worker.ts';
import { membersOf, recordOf } from './record.ts';
import { openAuditStore, type StoredRecord } from './store.ts';
import { verifyAudit } from './verify.ts';

const root = await mkdtemp(join(tmpdir(), 'twin-audit-'));
after(() => rm(root, { recursive: true }));
const freshDir = (): Promise<string> => mkdtemp(join(root, 'd'));

const principal: Principal = {
  kind: 'user',
  subject: 'ana',
  actor: 'assistant',
  tenant: 'demo',
  clientId: 'cli',
  scopes: new Set(['twin:read', 'twin:chat']),
  purpose: 'TREAT',
  issuer: 'http://localhost:3333/oauth',
  tokenId: 'j1',
  expiresAtMs: 1,
};

const entry = (correlationId: string, member = 'demo-ana'): AuditEntry => ({
  action: 'read',
  outcome: 'success',
  correlationId,
  principal,
  what: [{ uri: `mcp://twins/member/${member}/coverage`, etag: '"e1"', variant: 'general' }],
  why: 'view_coverage at revision r1',
});

async function started(
  t: TestContext,
  more: Partial<AuditOptions> = {},
  spawn?: Parameters<typeof createAudit>[1],
): Promise<{ audit: AuditTrail; dataDir: string; path: string; reported: unknown[] }> {
  const dataDir = more.dataDir ?? (await freshDir());
  const reported: unknown[] = [];
  const report = (error: unknown): void => void reported.push(error);
  const audit = createAudit({ clock: systemClock, report, ...more, dataDir }, spawn);
  await audit.start();
  t.after(() => audit.stop());
  return { audit, dataDir, path: join(dataDir, 'audit.db'), reported };
}

const unavailable = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'AUDIT_UNAVAILABLE';

test('a record is on the disk when its append resolves, and its file is private', async (t) => {
  const { audit, path } = await started(t);
  await audit.append(entry('c1'));
  const other = new DatabaseSync(path, { readOnly: true });
  const rows = other.prepare('SELECT seq, body FROM record').all();
  other.close();
  assert.equal(rows.length, 1);
  assert.match(String(rows[0]?.body), /"c1"/);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('the chain goes on after a restart', async (t) => {
  const { audit, dataDir, path } = await started(t);
  await audit.append(entry('c1'));
  await audit.stop();
  const next = await started(t, { dataDir });
  await next.audit.append(entry('c2'));
  const verdict = await verifyAudit(path);
  assert.deepEqual(verdict, { ok: true, records: 2, head: await next.audit.head() });
});

test('records that come together share transactions, each resolved after its own', async (t) => {
  const batches: number[] = [];
  const { audit } = await started(t, { onCommit: (records) => batches.push(records) });
  const first = Array.from({ length: 300 }, (_, i) => audit.append(entry(`a${i}`)));
  await Promise.race(first);
  const second = Array.from({ length: 300 }, (_, i) => audit.append(entry(`b${i}`)));
  await Promise.all([...first, ...second]);
  assert.deepEqual(batches, [300, 300]);
  assert.equal((await audit.head()).seq, 600);
  assert.equal((await audit.verify()).ok, true);
});

test('records are read newest first, by member, page by page', async (t) => {
  const { audit } = await started(t);
  for (const member of ['demo-ana', 'demo-ben', 'demo-ana', 'demo-ana']) {
    await audit.append(entry('c', member));
  }
  const page = await audit.read({ member: 'demo-ana', limit: 2 });
  assert.deepEqual(
    page.map(({ seq }) => seq),
    [4, 3],
  );
  const rest = await audit.read({ member: 'demo-ana', limit: 2, before: 3 });
  assert.deepEqual(
    rest.map(({ seq }) => seq),
    [1],
  );
  assert.equal((await audit.read({ limit: 10 })).length, 4);
});

test('without a running thread nothing may be shown', async () => {
  const report = (): void => undefined;
  const audit = createAudit({ dataDir: await freshDir(), clock: systemClock, report });
  await assert.rejects(audit.append(entry('c')), unavailable);
  await audit.start();
  await audit.stop();
  await assert.rejects(audit.append(entry('c')), unavailable);
});

test('F16: a commit that fails refuses its records, and the next one is tried', async (t) => {
  const { audit, path, reported } = await started(t);
  await audit.append(entry('c1'));
  const other = new DatabaseSync(path);
  other.exec('BEGIN IMMEDIATE');
  await assert.rejects(audit.append(entry('c2')), unavailable);
  assert.equal(audit.ready(), false);
  assert.equal(reported.length, 1);
  other.exec('ROLLBACK');
  other.close();
  await audit.append(entry('c3'));
  assert.equal((await audit.head()).seq, 2);
  assert.equal((await audit.verify()).ok, true);
});

test('a thread that dies refuses what waits and is started again', async (t) => {
  let kill: () => Promise<void> = () => Promise.resolve();
  const { audit, reported } = await started(t, {}, (options) => {
    const worker = startWorker<AuditMethods>(options);
    kill = async () => {
      await worker.close();
      options.onDeath?.(new Error('out of memory'));
    };
    return worker;
  });
  await audit.append(entry('c1'));
  await kill();
  await assert.rejects(audit.append(entry('c2')), unavailable);
  assert.equal(reported.length, 1);
  while (!audit.ready()) await sleep(10);
  await audit.append(entry('c3'));
  assert.equal((await audit.head()).seq, 2);
});

test('records cannot be changed through SQL', async (t) => {
  const { audit, path } = await started(t);
  await audit.append(entry('c1'));
  await audit.stop();
  const db = new DatabaseSync(path);
  t.after(() => db.close());
  assert.throws(() => db.exec("UPDATE record SET body = '{}'"), /never changed/);
  assert.throws(() => db.exec('DELETE FROM record'), /never changed/);
  assert.throws(() => db.exec('DELETE FROM about'), /never changed/);
});

/** A chain of five records, then what an attacker with the file does to it. */
async function tampered(change: (db: DatabaseSync, rows: StoredRecord[]) => void): Promise<string> {
  const path = join(await freshDir(), 'audit.db');
  const store = openAuditStore(path);
  for (const n of [1, 2, 3, 4, 5]) store.append([{ body: `{"n":${n}}`, members: [] }]);
  store.close();
  const db = new DatabaseSync(path);
  db.exec('DROP TRIGGER record_no_update; DROP TRIGGER record_no_delete');
  change(db, db.prepare('SELECT * FROM record ORDER BY seq').all() as unknown as StoredRecord[]);
  db.close();
  return path;
}

const CHANGES: [string, number, (db: DatabaseSync, rows: StoredRecord[]) => void][] = [
  ['edit', 3, (db) => db.exec(`UPDATE record SET body = '{"n":9}' WHERE seq = 3`)],
  ['edit of a hash', 5, (db) => db.exec('UPDATE record SET hash = upper(hash) WHERE seq = 5')],
  ['deletion', 2, (db) => db.exec('DELETE FROM record WHERE seq = 2')],
  ['deletion of the first', 1, (db) => db.exec('DELETE FROM record WHERE seq = 1')],
  [
    'deletion closed up',
    3,
    (db) =>
      db.exec(`DELETE FROM record WHERE seq = 3;
               UPDATE record SET seq = 3 WHERE seq = 4; UPDATE record SET seq = 4 WHERE seq = 5`),
  ],
  [
    'reordering',
    2,
    (db) =>
      db.exec(`UPDATE record SET seq = 99 WHERE seq = 2;
               UPDATE record SET seq = 2 WHERE seq = 3; UPDATE record SET seq = 3 WHERE seq = 99`),
  ],
  [
    'duplicate',
    6,
    (db, rows) =>
      db
        .prepare('INSERT INTO record VALUES (6, ?, ?)')
        .run(rows[4]?.hash ?? '', rows[4]?.body ?? ''),
  ],
];

for (const [name, firstBad, change] of CHANGES) {
  test(`verification names the first bad record: ${name}`, async () => {
    const verdict = await verifyAudit(await tampered(change));
    assert.equal(verdict.ok, false);
    assert.equal(!verdict.ok && verdict.firstBad, firstBad);
  });
}

test('a cut or rewritten chain shows against a checkpoint kept elsewhere', async () => {
  const whole = await verifyAudit(await tampered(() => undefined));
  assert.ok(whole.ok);
  const cut = await tampered((db) => db.exec('DELETE FROM record WHERE seq > 3'));
  assert.ok((await verifyAudit(cut)).ok, 'in itself it is whole');
  const verdict = await verifyAudit(cut, whole.head);
  assert.equal(!verdict.ok && verdict.firstBad, 4);
  const path = join(await freshDir(), 'audit.db');
  const store = openAuditStore(path);
  for (const n of [1, 2, 3, 4, 5, 6]) store.append([{ body: `{"m":${n}}`, members: [] }]);
  store.close();
  assert.ok((await verifyAudit(path)).ok);
  const rewritten = await verifyAudit(path, whole.head);
  assert.equal(!rewritten.ok && rewritten.firstBad, 5);
});

test('a database whose end was changed is not written to', async () => {
  const path = await tampered((db) => db.exec(`UPDATE record SET body = '{}' WHERE seq = 5`));
  assert.throws(() => openAuditStore(path), /does not follow/);
});

test('a record says who, for whom, by which client, what and why, and holds no token', () => {
  const text = JSON.stringify(recordOf(entry('c1'), 0));
  for (const part of [
    '"code":"TREAT"',
    '"value":"ana"',
    '"value":"assistant"',
    '"value":"cli"',
    '"value":"demo"',
    'urn:ietf:params:oauth:jti:j1',
    'Patient/demo-ana',
    'mcp://twins/member/demo-ana/coverage',
    '"outcome":"0"',
    '1970-01-01T00:00:00.000Z',
  ]) {
    assert.ok(text.includes(part), part);
  }
  const requestors = (recordOf(entry('c1'), 0).agent as { requestor: boolean }[]).map(
    ({ requestor }) => requestor,
  );
  assert.deepEqual(requestors, [false, false, true], 'the agent that acts is the requestor');
});

test('a URI is kept as given, bounded, and names a member only in its canonical form', () => {
  const raw = 'mcp://twins/member/42/../43/labs\n';
  const what = [{ uri: raw }, { uri: 'x'.repeat(5_000) }];
  const denied: AuditEntry = { ...entry('c'), outcome: 'denied', what };
  const text = JSON.stringify(recordOf(denied, 0));
  assert.ok(text.includes(JSON.stringify(raw)));
  assert.ok(!text.includes('x'.repeat(2_101)) && text.includes('x'.repeat(2_048)));
  assert.deepEqual(membersOf(denied), []);
  assert.deepEqual(membersOf({ what: [{ uri: 'member:demo-ana' }] }), ['demo-ana']);
});
