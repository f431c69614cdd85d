import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { auditOf } from './support/audit.ts';
import { startServer, type TestServer } from './support/server.ts';

/** F17 and F18 of the audit: whatever a client got has its record, and a damaged record shows. */
const KILLS = Number(process.env.AUDIT_KILLS ?? 12);
const READERS = 6;
const PATH = '/v1/twins/member/demo-ana/coverage';

const dataDir = mkdtempSync(join(tmpdir(), 'twin-kill-audit-'));
let server: TestServer | undefined;
after(async () => {
  await server?.kill();
  rmSync(dataDir, { recursive: true, force: true });
});

/** Reads until the server is gone; notes the correlation ids of all answers of which a byte came. */
async function readUntilDeath(from: TestServer, token: string, seen: string[]): Promise<void> {
  for (;;) {
    const response = await from.fetch(token, PATH).catch(() => undefined);
    if (response === undefined) return;
    const id = response.headers.get('correlation-id');
    assert.equal(response.status, 200);
    seen.push(id ?? assert.fail('an answer without an id'));
    if ((await response.text().catch(() => undefined)) === undefined) return;
  }
}

test(`F17, P5: kill -9 amid reads, ${KILLS} times: every answer has its record, and the trail is whole`, async (t) => {
  const answered: string[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const running = await startServer({ dataDir });
    server = running;
    const token = await running.token('ana');
    const seen: string[] = [];
    const reading = Array.from({ length: READERS }, () => readUntilDeath(running, token, seen));
    while (seen.length < 2 * READERS) await sleep(1);
    await sleep(Math.random() * 200);
    await running.kill();
    await Promise.all(reading);
    answered.push(...seen);
  }
  const last = await startServer({ dataDir });
  server = last;
  const rows = auditOf(last, 'demo-ana/coverage');
  const kept = new Set(rows.map((row) => (JSON.parse(row) as { id: string }).id));
  assert.deepEqual(
    answered.filter((id) => !kept.has(id)),
    [],
    'shown, and not recorded',
  );
  assert.equal(new Set(answered).size, answered.length);
  assert.ok(answered.length >= 2 * KILLS * READERS, `${answered.length} answers`);
  const auditor = await last.token('operator', { scope: 'audit:read' });
  const verdict = await (await last.fetch(auditor, '/v1/audit/verify')).json();
  assert.equal((verdict as { ok?: boolean }).ok, true, JSON.stringify(verdict));
  t.diagnostic(
    `${answered.length} answers, ${kept.size} records of them and of reads that were cut off`,
  );
  await last.stop();
});

test('F18, P5: a byte of the audit that turned on the disk is named by its row, and nothing is shown', async () => {
  const torn = await startServer();
  const { dataDir: where } = torn;
  const token = await torn.token('ana');
  const ids: string[] = [];
  for (let n = 0; n < 20; n += 1) {
    const response = await torn.fetch(token, PATH);
    await response.text();
    ids.push(response.headers.get('correlation-id') ?? assert.fail());
  }
  const bad = ids[8] ?? assert.fail();
  await torn.stop();
  const file = join(where, 'audit.db');
  const bytes = readFileSync(file);
  let turned = 0;
  for (let at = bytes.indexOf(bad); at >= 0; at = bytes.indexOf(bad, at + 1)) {
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    turned += 1;
  }
  assert.ok(turned > 0);
  writeFileSync(file, bytes);
  // Rows are numbered from 1.
  const index = auditOf(torn, '').findIndex((row) => row.includes(bad.slice(1))) + 1;
  assert.ok(index > 1);
  await assert.rejects(
    startServer({ dataDir: where }),
    new RegExp(`the audit's row ${index} does not follow`),
  );
});
