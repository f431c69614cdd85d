import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { assertQuiet, CANARY, canariesPlanted, liveWithCanaries } from './support/canaries.ts';
import { startServer, type TestServer } from './support/server.ts';

/** peers.md T11 on the embedded parts: every place that is no record holds opaque ids alone. */
let server: TestServer;
let member: string;
before(async () => {
  const env = { MEMBER_IDS: 'opaque', DEMO: 'off', LOG_LEVEL: 'trace' };
  server = await startServer({ env });
  member = await liveWithCanaries(server);
});
after(async () => {
  console.log(`# canaries planted: ${canariesPlanted()}`);
  await server.stop();
});

function rowsOf(file: string, sql: string): Record<string, unknown>[] {
  const db = new DatabaseSync(join(server.dataDir, file), { readOnly: true });
  const rows = db.prepare(sql).all();
  db.close();
  return rows;
}

test('P9, T11: 115: the member is known by an id that says nothing', () => {
  assert.match(member, /^[a-z2-7]{26}$/);
});

test('P9, T11: 115: logs at their most talkative and metric labels hold no canary', async () => {
  await assertQuiet(server, member);
});

test('P9, T11: 115: keys of the log hold no canary, and its records do', () => {
  const records = rowsOf('log.db', 'SELECT topic, key, body FROM records');
  assert.ok(
    records.some(({ body }) => CANARY.test(String(body))),
    'the control',
  );
  assert.deepEqual(
    records.filter(({ key, topic }) => CANARY.test(`${topic} ${key}`)),
    [],
  );
});

test('P9, T11: 115: relations, which are all that SpiceDB gets, hold no canary', () => {
  const rows = rowsOf('log.db', 'SELECT key, body, actor FROM relations');
  assert.ok(rows.length > 0);
  assert.deepEqual(
    rows.filter((row) => CANARY.test(JSON.stringify(row))),
    [],
  );
});

test('P9, T11: 115: the audit holds no canary but in what a client sent as a URI', () => {
  for (const { body } of rowsOf('audit.db', 'SELECT body FROM record')) {
    const { outcome } = JSON.parse(String(body)) as { outcome: string };
    if (outcome !== 'denied') assert.doesNotMatch(String(body), CANARY);
  }
});
