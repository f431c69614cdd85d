import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import { rowIn } from './body.ts';
import { legacyNext } from './legacy.ts';
import { createSigner } from './signing.ts';
import { AuditStore } from './store.ts';
import { verifyTrail } from './verify.ts';

const root = await mkdtemp(join(tmpdir(), 'twin-legacy-'));
after(() => rm(root, { recursive: true }));
const { publicKey } = createSigner(Buffer.alloc(32, 7));

const agent = (type: string, value: string, more: object = {}) => ({
  ...{ type: { text: type }, who: { identifier: { system: 'https://i', value } } },
  ...more,
});

function event(n: number): string {
  const token = { policy: ['urn:ietf:params:oauth:jti:j1'], role: [{ text: 'twin:read' }] };
  const tenant = { location: { identifier: { value: 'demo' } } };
  return JSON.stringify({
    ...{ resourceType: 'AuditEvent', type: { code: 'rest' }, subtype: [{ code: 'read' }] },
    ...{ recorded: `2026-01-0${n}T00:00:00.000Z`, outcome: '0', outcomeDesc: 'view_care at r1' },
    agent: [agent('user', 'eve', { ...token, ...tenant }), agent('client', 'app')],
    entity: [
      { what: { reference: 'Patient/ana' } },
      {
        what: { identifier: { value: 'mcp://twins/member/ana/care' } },
        detail: [{ type: 'etag', valueString: '"e"' }],
      },
      { what: { identifier: { value: `c${n}` } }, type: { code: 'XrequestId' } },
    ],
  });
}

/** A trail as it was before the Merkle log. */
function legacy(records: number, change = ''): { path: string; head: string } {
  const path = join(root, `${records}${change.length}.db`);
  const db = new DatabaseSync(path);
  db.exec(`CREATE TABLE record (seq INTEGER PRIMARY KEY, hash TEXT NOT NULL, body TEXT NOT NULL) STRICT;
    CREATE TABLE about (member TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (member, seq)) STRICT, WITHOUT ROWID;
    CREATE TRIGGER record_no_delete BEFORE DELETE ON record BEGIN SELECT RAISE(ABORT, 'never'); END;`);
  let head = '0'.repeat(64);
  for (let n = 1; n <= records; n += 1) {
    head = legacyNext(head, event(n));
    db.prepare('INSERT INTO record VALUES (?, ?, ?)').run(n, head, event(n));
    db.prepare('INSERT INTO about VALUES (?, ?)').run('ana', n);
  }
  if (change !== '') db.exec(change);
  db.close();
  return { path, head };
}

test('a trail of before is taken over whole, its chain proven from the new rows', async () => {
  const { path, head } = legacy(3);
  const store = new AuditStore(path, Date.parse('2026-02-01T00:00:00.000Z'));
  const rows = store.rows.ofMember({ member: 'ana', limit: 9 }).map(({ body }) => rowIn(body));
  assert.deepEqual(
    rows.map(({ id }) => id),
    ['c3', 'c2', 'c1'],
  );
  assert.deepEqual(rows[0]?.who, {
    ...{ kind: 'user', subject: 'eve', client: 'app', tenant: 'demo', issuer: 'https://i' },
    ...{ token: 'j1', scopes: 'twin:read' },
  });
  assert.deepEqual(rows[0]?.what, [{ uri: 'mcp://twins/member/ana/care', etag: '"e"' }]);
  const [opened] = store.rows.from(store.head().generation, 1, 1);
  assert.ok(opened?.body.includes(`a hash chain of 3 records, head ${head}`));
  store.close();
  const again = new AuditStore(path, Date.parse('2026-02-02T00:00:00.000Z'));
  assert.equal(again.head().size, 4, 'once');
  again.close();
  const [verdict] = await verifyTrail({ path, publicKey, outside: [] });
  assert.deepEqual([verdict?.ok, verdict?.records], [true, 4]);
});

test('a trail of before that was broken is taken over as it is, and that is said', () => {
  const { path } = legacy(3, `UPDATE record SET body = replace(body, 'eve', 'bob') WHERE seq = 2`);
  const store = new AuditStore(path, Date.parse('2026-02-01T00:00:00.000Z'));
  const [opened] = store.rows.from(store.head().generation, 1, 1);
  assert.match(opened?.body ?? '', /it was broken at record 2/);
  store.close();
});
