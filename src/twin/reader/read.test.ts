import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../kernel/clock.ts';
import { createCursorCodec } from '../cursor.ts';
import { createFloors } from '../floors.ts';
import type {
  AuditEntry,
  CheckItem,
  Place,
  Principal,
  SourceRecord,
  StoredDocument,
} from '../ports.ts';
import { createPositionCodec } from '../position.ts';
import { createReceipts } from '../receipts.ts';
import type { ReaderParts } from './parts.ts';
import { read } from './read.ts';

const URI = 'mcp://twins/member/ana/coverage';
const EPOCH = 'aaaaaaaa';
const WAIT_MS = 2_000;

/** A door whose clock moves only while it waits, and which writes down the order of its steps. */
function door({
  held = new Set<string>(),
  mayRead = true,
  lateMs = 0,
  broken,
}: {
  held?: Set<string>;
  mayRead?: boolean;
  lateMs?: number;
  broken?: SourceRecord[];
} = {}) {
  const steps: string[] = [];
  const audited: AuditEntry[] = [];
  const waits: number[] = [];
  let nowMs = 1_000_000;
  const clock = { ...systemClock, now: () => nowMs, monotonic: () => nowMs };
  const document: StoredDocument = {
    uri: URI,
    tenant: 'demo',
    subject: { kind: 'member', id: 'ana' },
    section: 'coverage',
    variant: 'full',
    etag: `"${'a'.repeat(22)}"`,
    title: 'Coverage',
    recorded: '2026-01-01T00:00:00.000Z',
    data: { plans: [] },
    notices: [],
  };
  const shard = {
    applied: () => 7,
    tenantOf: () => 'demo',
    controls: () => broken ?? [],
    document: () => {
      steps.push('load');
      return document;
    },
  };
  const parts = {
    view: {
      epoch: EPOCH,
      partitions: 4,
      partitionOf: () => 2,
      for: () => shard,
      shards: () => [shard],
      waitFor: async ({ partition, offset }: Place, timeoutMs: number) => {
        steps.push('wait');
        waits.push(timeoutMs);
        const reached = !held.has(`${partition}/${offset}`);
        nowMs += reached ? lateMs : timeoutMs;
        return reached;
      },
    },
    access: {
      lookup: async () => [],
      check: async (_: Principal, items: readonly CheckItem[]) => {
        steps.push('check');
        return items.map(({ permission }) => ({
          allowed: permission === 'emergency' ? broken !== undefined : mayRead,
          revision: 'r1',
        }));
      },
    },
    audit: {
      append: async (entry: AuditEntry) => {
        await new Promise((resolve) => setImmediate(resolve));
        steps.push('audit');
        audited.push(entry);
      },
    },
    clock,
    positions: createPositionCodec(new Uint8Array(32)),
    cursors: createCursorCodec([new Uint8Array(32)], clock),
    floors: createFloors(),
    receipts: createReceipts(clock),
    etagKey: new Uint8Array(32),
    readWaitMs: WAIT_MS,
  } as unknown as ReaderParts;
  const principal: Principal = {
    kind: 'user',
    subject: 'ana',
    tenant: 'demo',
    clientId: 'test',
    scopes: new Set(['twin:read']),
    issuer: 'http://localhost',
    tokenId: 't',
    expiresAtMs: nowMs + 60_000,
  };
  const at = (...places: Place[]) => parts.positions.encode({ epoch: EPOCH, places });
  return { parts, principal, caller: { principal, correlationId: 'c' }, steps, audited, waits, at };
}

test('the order of the door: wait, check, load, audit, and only then the answer', async () => {
  const { parts, caller, steps, audited, at } = door();
  const minPosition = at({ partition: 2, offset: 3 });
  const answer = await read(parts, caller, URI, { minPosition });
  assert.deepEqual(steps, ['wait', 'check', 'load', 'audit']);
  assert.equal(answer.document.uri, URI);
  assert.deepEqual(audited[0]?.what, [{ uri: URI, etag: answer.document.etag, variant: 'full' }]);
});

test('a denied read loads nothing, is audited, and says what an absent one says', async () => {
  const { parts, caller, steps, audited } = door({ mayRead: false });
  await assert.rejects(read(parts, caller, URI), { code: 'NOT_FOUND', data: { uri: URI } });
  assert.deepEqual(steps, ['check', 'audit']);
  assert.equal(audited[0]?.outcome, 'denied');
});

test('a denied read looks no tenant up, which takes longer for who is not there', async () => {
  const { parts, caller, steps } = door({ mayRead: false });
  const shard = parts.view.for(0);
  const tenantOf = () => {
    steps.push('tenant');
    return 'demo';
  };
  Object.assign(parts.view, { for: () => ({ ...shard, tenantOf }) });
  await assert.rejects(read(parts, caller, URI), { code: 'NOT_FOUND' });
  assert.deepEqual(steps, ['check', 'audit']);
});

test('P3: a floor is waited for where no position was named', async () => {
  const { parts, principal, caller, steps } = door({ held: new Set(['2/9']) });
  await parts.floors.raise(principal, URI, { partition: 2, offset: 9 });
  await assert.rejects(read(parts, caller, URI), { code: 'VIEW_BEHIND' });
  assert.deepEqual(steps, ['wait']);
  const answer = await read(parts, caller, URI, { allowBehind: true });
  assert.equal(answer.behind, true);
});

test('B-LV-6: the bound is of the whole wait, however many places are named', async () => {
  const { parts, caller, waits, at } = door({ lateMs: 900, held: new Set(['3/1']) });
  const minPosition = at(...[0, 1, 2, 3].map((partition) => ({ partition, offset: 1 })));
  const feed = read(parts, caller, 'mcp://twins/changes/now', { minPosition });
  await assert.rejects(feed, { code: 'VIEW_BEHIND' });
  assert.deepEqual(waits, [2_000, 1_100, 200, 0]);
});

test('whoever has gone is not waited for, reads nothing, and no reading is in the audit', async () => {
  const { parts, caller, steps, audited, at } = door();
  const gone = new AbortController();
  const never = new Promise<boolean>(() => undefined);
  Object.assign(parts.view, { waitFor: () => never });
  const minPosition = at({ partition: 2, offset: 3 });
  const reading = read(parts, caller, URI, { minPosition, signal: gone.signal });
  gone.abort(new Error('gone'));
  await assert.rejects(reading, /gone/);
  await assert.rejects(read(parts, caller, URI, { signal: gone.signal }), /gone/);
  assert.deepEqual([steps, audited], [[], []]);
});

test('a place of another partition is not waited for by a document of one member', async () => {
  const { parts, caller, waits, at } = door({ held: new Set(['0/9']) });
  await read(parts, caller, URI, { minPosition: at({ partition: 0, offset: 9 }) });
  assert.deepEqual(waits, []);
});

test('P1: a token that expires during the wait shows nothing', async () => {
  const { parts, principal, caller, steps, at } = door({ lateMs: 1_000 });
  const brief = { ...principal, expiresAtMs: principal.expiresAtMs - 59_500 };
  const minPosition = at({ partition: 2, offset: 3 });
  const reading = read(parts, { ...caller, principal: brief }, URI, { minPosition });
  await assert.rejects(reading, { code: 'UNAUTHENTICATED' });
  assert.deepEqual(steps, ['wait']);
});

const until = '1970-01-01T00:16:42Z';
const opened = {
  ...{ tenant: 'demo', subject: { kind: 'member', id: 'ana' }, type: 'BreakGlass', id: 'c1' },
  resource: { resourceType: 'BreakGlass', person: 'ana', reason: 'BTG', until, opened: 'x' },
} as unknown as SourceRecord;

test('B-BG-4: while the glass is broken a read says so, and is held no longer than that lasts', async () => {
  const plain = await read(door().parts, door().caller, URI);
  const { parts, caller } = door({ broken: [opened] });
  const answer = await read(parts, caller, URI);
  assert.deepEqual(answer.breakGlass, [{ member: 'ana', id: 'c1', reason: 'BTG', until }]);
  // 1,000,000 ms is 00:16:40.
  assert.equal(answer.ttlMs, 2_000);
  assert.deepEqual([plain.breakGlass, plain.ttlMs], [undefined, 10_000]);
  assert.equal(answer.document.etag, plain.document.etag);
});

test('B-BG-4: an instance that has not been told of the case says all the same that there is one', async () => {
  const { parts, caller } = door({ broken: [] });
  const answer = await read(parts, caller, URI);
  assert.deepEqual([answer.breakGlass, answer.ttlMs], [[{ member: 'ana' }], 0]);
});
