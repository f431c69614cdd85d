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
import { isQuiet, membersOf, rowOf } from './record.ts';

const root = await mkdtemp(join(tmpdir(), 'twin-audit-'));
after(() => rm(root, { recursive: true }));
const freshDir = (): Promise<string> => mkdtemp(join(root, 'd'));
const signingKey = Buffer.alloc(32, 7);

const principal: Principal = {
  kind: 'user',
  subject: 'ana',
  actor: 'assistant',
  actors: ['assistant', 'vendor'],
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
  const audit = createAudit({ clock: systemClock, report, signingKey, ...more, dataDir }, spawn);
  await audit.start();
  t.after(() => audit.stop());
  return { audit, dataDir, path: join(dataDir, 'audit.db'), reported };
}

const unavailable = (error: unknown): boolean =>
  error instanceof Fault && error.code === 'AUDIT_UNAVAILABLE';

/** Rows of all generations, without those that the trail writes about itself. */
async function entries(audit: AuditTrail): Promise<string[]> {
  const rows = await audit.inRange({ from: 0, to: Number.MAX_SAFE_INTEGER, limit: 1_000 });
  return rows.filter(({ row }) => row.action !== 'opened').map(({ row }) => row.id);
}

test('P5: a record is on the disk when its append resolves, and its file is private', async (t) => {
  const { audit, path } = await started(t);
  await audit.append(entry('c1'));
  const other = new DatabaseSync(path, { readOnly: true });
  const rows = other.prepare('SELECT seq, body FROM record ORDER BY seq').all();
  other.close();
  assert.deepEqual(
    rows.map(({ seq }) => seq),
    [1, 2],
  );
  assert.match(String(rows[0]?.body), /"action":"opened"/);
  assert.match(String(rows[1]?.body), /"c1"/);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('the log goes on after a restart, as the same generation', async (t) => {
  const { audit, dataDir } = await started(t);
  await audit.append(entry('c1'));
  await audit.stop();
  const next = await started(t, { dataDir });
  await next.audit.append(entry('c2'));
  const { ok, records, generations, says } = await next.audit.verify();
  assert.deepEqual([ok, records, generations.length], [true, 3, 1]);
  assert.match(says.join(' '), /No witness is configured/);
  assert.deepEqual(await entries(next.audit), ['c1', 'c2']);
});

test('records that come together share transactions, each resolved after its own', async (t) => {
  const batches: number[] = [];
  const { audit } = await started(t, { onCommit: (records) => batches.push(records) });
  const first = Array.from({ length: 300 }, (_, i) => audit.append(entry(`a${i}`)));
  await Promise.race(first);
  const second = Array.from({ length: 300 }, (_, i) => audit.append(entry(`b${i}`)));
  await Promise.all([...first, ...second]);
  assert.deepEqual(batches, [300, 300]);
  const { ok, records } = await audit.verify();
  assert.deepEqual([ok, records], [true, 601]);
});

test('records are read newest first, by member, page by page, and by time, oldest first', async (t) => {
  const { audit } = await started(t);
  for (const [index, member] of ['demo-ana', 'demo-ben', 'demo-ana', 'demo-ana'].entries()) {
    await audit.append(entry(`c${index}`, member));
  }
  const page = await audit.ofMember({ member: 'demo-ana', limit: 2 });
  assert.deepEqual(
    page.map(({ row }) => row.id),
    ['c3', 'c2'],
  );
  const before = page.at(-1) ?? assert.fail();
  const rest = await audit.ofMember({ member: 'demo-ana', limit: 2, before });
  assert.deepEqual(
    rest.map(({ row }) => row.id),
    ['c0'],
  );
  assert.deepEqual(await entries(audit), ['c0', 'c1', 'c2', 'c3']);
  const all = { from: 0, to: Number.MAX_SAFE_INTEGER };
  const [, first] = await audit.inRange({ ...all, limit: 2 });
  const after = await audit.inRange({ ...all, limit: 2, after: first ?? assert.fail() });
  assert.deepEqual(
    after.map(({ row }) => row.id),
    ['c1', 'c2'],
  );
});

test('B-AD-8: readings of an access log stand out of it until their day is over', async (t) => {
  const { audit } = await started(t);
  const what = [{ uri: 'mcp://twins/member/demo-ana/access-log' }];
  await audit.append({ ...entry('log'), what });
  await audit.append({ ...entry('denied'), what, outcome: 'denied' });
  await audit.append(entry('care'));
  const of = async (quietBefore: number) => {
    const { rows } = await audit.read({ member: 'demo-ana', limit: 9, quietBefore });
    return rows.map(({ id }) => id);
  };
  assert.deepEqual(await of(0), ['care', 'denied']);
  assert.deepEqual(await of(Date.now() + 86_400_000), ['care', 'denied', 'log']);
});

test('without a running thread nothing may be shown', async () => {
  const report = (): void => undefined;
  const options = { dataDir: await freshDir(), clock: systemClock, report, signingKey };
  const audit = createAudit(options);
  await assert.rejects(audit.append(entry('c')), unavailable);
  await audit.start();
  await audit.stop();
  await assert.rejects(audit.append(entry('c')), unavailable);
});

test('F16: a commit that fails refuses its records, and the next one is tried', async (t) => {
  const { audit, path, reported } = await started(t);
  await audit.append(entry('c1'));
  await audit.checkpoint();
  const other = new DatabaseSync(path, { timeout: 5_000 });
  other.exec('BEGIN IMMEDIATE');
  await assert.rejects(audit.append(entry('c2')), unavailable);
  assert.equal(audit.ready(), false);
  assert.equal(reported.length, 1);
  other.exec('ROLLBACK');
  other.close();
  await audit.append(entry('c3'));
  assert.deepEqual(await entries(audit), ['c1', 'c3']);
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
  await audit.checkpoint();
  await kill();
  await assert.rejects(audit.append(entry('c2')), unavailable);
  assert.equal(reported.length, 1);
  while (!audit.ready()) await sleep(10);
  await audit.append(entry('c3'));
  assert.deepEqual(await entries(audit), ['c1', 'c3']);
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
  assert.throws(() => db.exec('DELETE FROM generation'), /never changed/);
});

test('a row says who, for whom, by which client, what and why, and holds no token', () => {
  assert.deepEqual(rowOf(entry('c1'), 0), {
    v: 2,
    at: '1970-01-01T00:00:00.000Z',
    action: 'read',
    outcome: 'success',
    id: 'c1',
    who: {
      kind: 'user',
      subject: 'ana',
      client: 'cli',
      actor: 'assistant',
      actors: ['assistant', 'vendor'],
      tenant: 'demo',
      issuer: 'http://localhost:3333/oauth',
      token: 'j1',
      scopes: 'twin:chat twin:read',
      purpose: 'TREAT',
    },
    what: [{ uri: 'mcp://twins/member/demo-ana/coverage', etag: '"e1"', variant: 'general' }],
    why: 'view_coverage at revision r1',
  });
});

test('a URI is kept as given, bounded, and names a member only in its canonical form', () => {
  const raw = 'mcp://twins/member/42/../43/labs\n';
  const what = [{ uri: raw }, { uri: 'x'.repeat(5_000) }];
  const denied: AuditEntry = { ...entry('c'), outcome: 'denied', what };
  const text = JSON.stringify(rowOf(denied, 0));
  assert.ok(text.includes(JSON.stringify(raw)));
  assert.ok(!text.includes('x'.repeat(2_101)) && text.includes('x'.repeat(2_048)));
  assert.deepEqual(membersOf(denied), []);
  assert.deepEqual(membersOf({ what: [{ uri: 'member:demo-ana' }] }), ['demo-ana']);
  assert.ok(!isQuiet(rowOf(entry('c'), 0)));
});
