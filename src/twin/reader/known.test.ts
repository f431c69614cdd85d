import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import { createFloors } from '../floors.ts';
import type { AuditEntry, CheckItem, Principal, StoredDocument } from '../ports.ts';
import { createPositionCodec } from '../position.ts';
import { createReceipts } from '../receipts.ts';
import { createKnownReader } from './known.ts';
import type { ReaderParts } from './parts.ts';
import { read } from './read.ts';

const URI = 'mcp://twins/member/ana/coverage';

/** A door of which everything can be turned: what the view has, what is decided and known. */
function door() {
  const state = {
    version: 1,
    offset: 7,
    allowed: true,
    known: true,
    emergency: false,
    audits: true,
    checks: true,
    loads: 0,
    etag: `"${'a'.repeat(22)}"`,
    recorded: '2026-01-01T00:00:00.000Z',
  };
  const audited: AuditEntry[] = [];
  const clock = { ...systemClock, now: () => 1_000_000, monotonic: () => 1_000_000 };
  const stored = (): StoredDocument => ({
    uri: URI,
    tenant: 'demo',
    subject: { kind: 'member', id: 'ana' },
    section: 'coverage',
    variant: 'full',
    etag: state.etag,
    title: 'Coverage',
    recorded: state.recorded,
    data: { plans: [{ name: 'a "quoted" name\n', position: '"position":"' }] },
    notices: ['one'],
  });
  const shard = {
    applied: () => state.offset,
    tenantOf: () => 'demo',
    commits: () => state.version,
    stampOf: () => ({ etag: state.etag, recorded: state.recorded }),
    document: (uri: string) => {
      state.loads += 1;
      return uri === URI ? stored() : undefined;
    },
  };
  const decide = (items: readonly CheckItem[]) =>
    items.map(({ permission }) => ({
      allowed: permission === 'emergency' ? state.emergency : state.allowed,
      revision: 'r1',
    }));
  const parts = {
    view: {
      epoch: 'aaaaaaaa',
      partitions: 4,
      partitionOf: () => 2,
      for: () => shard,
      shards: () => [shard],
      waitFor: async () => true,
    },
    access: {
      check: async (_: Principal, items: readonly CheckItem[]) => {
        if (!state.checks) throw new Fault('ACCESS_UNAVAILABLE');
        return decide(items);
      },
      known: (_: Principal, items: readonly CheckItem[]) =>
        state.known ? decide(items) : undefined,
    },
    audit: {
      append: async (entry: AuditEntry) => {
        if (!state.audits) throw new Fault('AUDIT_UNAVAILABLE');
        audited.push(entry);
      },
    },
    clock,
    positions: createPositionCodec(new Uint8Array(32)),
    floors: createFloors(),
    receipts: createReceipts(clock),
    etagKey: new Uint8Array(32),
    readWaitMs: 2_000,
  } as unknown as ReaderParts;
  const principal: Principal = {
    kind: 'user',
    subject: 'ana',
    tenant: 'demo',
    clientId: 'test',
    scopes: new Set(['twin:read']),
    issuer: 'http://localhost',
    tokenId: 't',
    expiresAtMs: 1_060_000,
  };
  const caller = { principal, correlationId: 'c' };
  return { parts, caller, principal, state, audited, reader: createKnownReader(parts) };
}

async function textOf(reading: ReturnType<ReturnType<typeof door>['reader']['read']>) {
  const found = await reading;
  return found && found.document.before + found.position + found.document.after;
}

test('B-HP-1: a known read is the read of the door, with its audit record and receipt', async () => {
  const { parts, caller, audited, reader, principal } = door();
  const asked = await read(parts, caller, URI);
  const known = await reader.read(caller, URI);
  assert.equal(await textOf(reader.read(caller, URI)), JSON.stringify(asked.document));
  assert.equal(known?.ttlMs, asked.ttlMs);
  assert.deepEqual(audited[1], audited[0]);
  assert.equal(parts.receipts.of(principal).get(URI), asked.document.etag);
});

test('B-HP-1: the text is kept until the view has another, and never longer', async () => {
  const { caller, reader, state } = door();
  const first = await textOf(reader.read(caller, URI));
  assert.equal(await textOf(reader.read(caller, URI)), first);
  state.version += 1;
  await reader.read(caller, URI);
  assert.equal(state.loads, 1, 'written elsewhere: the stamp is the same');
  state.version += 1;
  state.etag = `"${'b'.repeat(22)}"`;
  assert.ok((await textOf(reader.read(caller, URI)))?.includes('b'.repeat(22)));
  state.version += 1;
  state.recorded = '2026-02-02T00:00:00.000Z';
  assert.ok((await textOf(reader.read(caller, URI)))?.includes('2026-02-02'));
  assert.equal(state.loads, 3);
});

test('B-HP-1: the position is that of the read', async () => {
  const { parts, caller, reader, state } = door();
  const positionAt = (offset: number) =>
    parts.positions.encode({ epoch: 'aaaaaaaa', places: [{ partition: 2, offset }] });
  assert.equal((await reader.read(caller, URI))?.position, positionAt(7));
  state.offset = 8;
  state.version += 1;
  assert.equal((await reader.read(caller, URI))?.position, positionAt(8));
});

test('B-HP-1: whatever would not be a success is left to the door, with nothing audited', async () => {
  const { caller, principal, reader, state, audited, parts } = door();
  const as = (more: Partial<Principal>) => ({ ...caller, principal: { ...principal, ...more } });
  const left = (who = caller, uri = URI) => assert.equal(reader.read(who, uri), undefined, uri);
  for (const uri of [
    'mcp://twins/member/ana/coverage/',
    'mcp://twins/member/ana/coverage/Coverage/c',
    'mcp://twins/member/ana/access-log',
    'mcp://twins/member/a%6ea/coverage',
    'mcp://twins/member//coverage',
    'mcp://twins/member/ana',
    'mcp://twins/practitioner/ana/profile',
    'mcp://twins/changes/now',
    'MCP://twins/member/ana/coverage',
    'mcp://twins/member/absent/coverage',
  ]) {
    left(caller, uri);
  }
  left(as({ scopes: new Set(['twin:read:care']) }));
  left(as({ purpose: 'HQUALIMP' }));
  left(as({ expiresAtMs: 1_000_000 }));
  await parts.floors.raise(principal, URI, { partition: 2, offset: 9 });
  left();
  state.offset = 9;
  state.version += 1;
  assert.ok(await reader.read(caller, URI), 'a floor that the view has reached');
  state.emergency = true;
  left();
  state.emergency = false;
  state.allowed = false;
  left();
  assert.equal(audited.length, 1);
});

test('B-HP-2: what is not known is asked for, and shown if it is known then', async () => {
  const { caller, reader, state, audited } = door();
  state.known = false;
  const asked = reader.read(caller, URI);
  state.known = true;
  assert.ok((await asked)?.document);
  state.known = false;
  assert.equal(await reader.read(caller, URI), undefined, 'still not known: the door asks again');
  state.checks = false;
  assert.equal(await reader.read(caller, URI), undefined, 'the door says what is away');
  assert.equal(audited.length, 1);
});

test('B-HP-1: where the record cannot be written nothing is answered', async () => {
  const { caller, reader, state } = door();
  state.audits = false;
  await assert.rejects(reader.read(caller, URI) ?? Promise.resolve(), {
    code: 'AUDIT_UNAVAILABLE',
  });
});
