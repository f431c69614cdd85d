import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LogRecord, ViewChange } from '../twin/ports.ts';
import { applyBatch } from './apply.ts';
import { openViewDatabase } from './schema.ts';
import { createShard } from './shard.ts';
import { SubjectCache } from './subject-cache.ts';
import { type Fact, PARTITION, projectorOf, recordsOf } from './test/records.ts';

const PARTITIONS = 16;
const ANA = { kind: 'member', id: 'ana' } as const;
const CLINICAL = 'mcp://twins/member/ana/clinical';

function openView(cache = new SubjectCache()) {
  const db = openViewDatabase(':memory:');
  const projector = projectorOf();
  const changes: ViewChange[] = [];
  return {
    db,
    changes,
    shard: createShard(db, PARTITIONS),
    apply(records: readonly LogRecord[], at = 1) {
      const upTo = records.at(-1)?.offset ?? -1;
      const applied = applyBatch(db, projector, { partition: PARTITION, records, upTo }, at, cache);
      changes.push(...applied.changes);
      return applied;
    },
  };
}

/** Everything that has an etag, and every searchable row. */
function stateOf({ db }: ReturnType<typeof openView>): unknown {
  return [
    db.prepare('SELECT uri, variant, etag, recorded FROM documents ORDER BY uri, variant').all(),
    db.prepare('SELECT uri, general_etag, full_etag, sensitive FROM sources ORDER BY uri').all(),
    db.prepare('SELECT uri, title, sensitive FROM facts ORDER BY uri, title').all(),
  ];
}

const fact: fc.Arbitrary<Fact> = fc.record({
  member: fc.constantFrom('ana', 'ben'),
  id: fc.constantFrom('c1', 'c2', 'c3'),
  text: fc.oneof(fc.constantFrom('asthma', 'gout', 'like:c1', 'like:c2'), fc.constant(null)),
  secret: fc.boolean(),
});

test('B-LV-3: any batch size and cache, with repeats, gives the same etags and rows', () => {
  fc.assert(
    fc.property(
      fc.array(fact, { maxLength: 25 }),
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom(1, 25_000, 1_000_000),
      (facts, size, charsMax) => {
        const records = recordsOf(facts);
        const whole = openView();
        whole.apply(records);
        const cut = openView(new SubjectCache(charsMax));
        for (let at = 0; at < records.length; at += size) {
          cut.apply(records.slice(at, at + size));
          cut.apply(records.slice(0, at + size));
        }
        assert.deepEqual(stateOf(cut), stateOf(whole));
        assert.equal(cut.shard.applied(PARTITION), records.length - 1);
        whole.db.close();
        cut.db.close();
      },
    ),
    { numRuns: 40 },
  );
});

test('changes name what differs, each at its own place, and nothing else', () => {
  const view = openView();
  const [c1, c2, again] = recordsOf([
    { member: 'ana', id: 'c1', text: 'asthma' },
    { member: 'ana', id: 'c2', text: 'gout' },
    { member: 'ana', id: 'c1', text: 'asthma' },
  ]);
  assert.ok(c1 && c2 && again);
  view.apply([c1, c2]);
  assert.deepEqual(
    view.changes.map(({ uri, variant, kind, place }) => [
      uri.slice(CLINICAL.length),
      variant,
      kind,
      place.offset,
    ]),
    [
      ['', 'general', 'created', 1],
      ['', 'full', 'created', 1],
      ['/Condition/c1', 'general', 'created', 0],
      ['/Condition/c1', 'full', 'created', 0],
      ['/Condition/c2', 'general', 'created', 1],
      ['/Condition/c2', 'full', 'created', 1],
    ],
  );
  const stored = view.shard.document(CLINICAL, 'general');
  assert.equal(stored?.etag, view.changes[0]?.etag);
  assert.deepEqual(view.apply([again]).changes, []);
  assert.equal(view.shard.applied(PARTITION), 2);
});

test('B-TW-3: a record that becomes protected leaves the general variant, with what refers to it', () => {
  const view = openView();
  const records = recordsOf([
    { member: 'ana', id: 'c1', text: 'asthma' },
    { member: 'ana', id: 'c2', text: 'like:c1' },
    { member: 'ana', id: 'c1', text: 'asthma', secret: true },
  ]);
  view.apply(records.slice(0, 2));
  const { changes } = view.apply(records.slice(2));
  assert.deepEqual(
    changes.map(({ uri, variant, kind, etag }) => [
      uri.slice(CLINICAL.length),
      variant,
      kind,
      etag === '',
    ]),
    [
      ['', 'general', 'updated', false],
      ['/Condition/c1', 'full', 'updated', false],
      ['/Condition/c1', 'general', 'deleted', true],
      ['/Condition/c2', 'general', 'deleted', true],
    ],
  );
  assert.equal(view.shard.source(ANA, 'Condition', 'c2')?.sensitive, true);
});

test('B-TW-4: a general document tells nothing of a protected record, not even by its time', () => {
  const view = openView();
  const records = recordsOf([
    { member: 'ana', id: 'c1', text: 'asthma' },
    { member: 'ana', id: 'c2', text: 'secret', secret: true },
  ]);
  view.apply(records.slice(0, 1));
  const before = view.shard.document(CLINICAL, 'general');
  const { changes } = view.apply(records.slice(1));
  assert.deepEqual(view.shard.document(CLINICAL, 'general'), before);
  assert.deepEqual(new Set(changes.map(({ variant }) => variant)), new Set(['full']));
});

test('B-LV-5: a projection that fails holds up nobody else, and its documents say that they are old', () => {
  const view = openView();
  const records = recordsOf([
    { member: 'ana', id: 'c1', text: 'asthma' },
    { member: 'ana', id: 'c2', text: 'poison' },
    { member: 'ben', id: 'c1', text: 'gout' },
    { member: 'ana', id: 'c2', text: 'cured' },
  ]);
  view.apply(records.slice(0, 1));
  const { failures, changes } = view.apply(records.slice(1, 3));
  assert.deepEqual(failures, [{ subject: 'member:ana', message: 'poisoned' }]);
  const old = view.shard.document(CLINICAL, 'general');
  assert.deepEqual(old?.data, { texts: ['asthma'] });
  assert.equal(old?.notices.length, 1);
  assert.equal(view.shard.source(ANA, 'Condition', 'c2'), undefined);
  assert.ok(changes.some(({ uri, kind }) => uri === CLINICAL && kind === 'updated'));
  assert.ok(view.shard.document('mcp://twins/member/ben/clinical', 'general'));
  view.apply(records.slice(3));
  const mended = view.shard.document(CLINICAL, 'general');
  assert.deepEqual([mended?.data, mended?.notices], [{ texts: ['asthma', 'cured'] }, []]);
});

test('B-LV-9: a batch that the disk cannot hold leaves nothing behind', () => {
  const view = openView();
  const long = 'asthma '.repeat(100);
  const records = recordsOf(
    Array.from({ length: 300 }, (_, index) => ({ member: 'ana', id: `c${index}`, text: long })),
  );
  view.apply(records.slice(0, 1));
  const before = stateOf(view);
  view.db.exec('PRAGMA max_page_count = 60');
  assert.throws(() => view.apply(records), /full/);
  assert.deepEqual(stateOf(view), before);
  assert.equal(view.shard.applied(PARTITION), 0);
  view.db.exec('PRAGMA max_page_count = 100000');
  view.apply(records);
  assert.equal(view.shard.applied(PARTITION), 299);
});

test('the feed gives whole offsets in order, after a place, of the subjects alone', () => {
  const view = openView();
  const facts = ['c1', 'c2', 'c3', 'c4'].map((id) => ({ member: 'ana', id, text: 'asthma' }));
  view.apply(recordsOf([...facts, { member: 'ben', id: 'c1', text: 'gout' }]));
  const feed = (after: number, limit: number) =>
    view.shard
      .changes({ subjects: [ANA], after: new Map([[PARTITION, after]]), limit })
      .map(({ place }) => place.offset);
  assert.deepEqual(feed(-1, 3), [0, 0, 1, 1]);
  assert.deepEqual(feed(1, 100), [2, 2, 3, 3, 3, 3]);
  assert.deepEqual(feed(3, 100), []);
});

test('the changes of a partition are those of all subjects, in whole offsets', () => {
  const view = openView();
  const facts = ['c1', 'c2'].map((id) => ({ member: 'ana', id, text: 'asthma' }));
  view.apply(recordsOf([...facts, { member: 'ben', id: 'c1', text: 'gout' }]));
  const after = (offset: number, limit: number) =>
    view.shard.changesAfter(PARTITION, offset, limit).map(({ place }) => place.offset);
  const all = after(-1, 100);
  assert.deepEqual([...new Set(all)], [0, 1, 2]);
  assert.deepEqual(
    after(-1, 1),
    all.filter((offset) => offset === 0),
  );
  assert.deepEqual(
    after(0, 100),
    all.filter((offset) => offset > 0),
  );
  assert.deepEqual(after(2, 100), []);
  assert.deepEqual(view.shard.changesAfter(PARTITION + 1, -1, 100), []);
});

test('recent changes are the newest of each document since a time', () => {
  const view = openView();
  const records = recordsOf([
    { member: 'ana', id: 'c1', text: 'asthma' },
    { member: 'ana', id: 'c1', text: 'gout' },
  ]);
  view.apply(records.slice(0, 1), 100);
  view.apply(records.slice(1), 200);
  const recent = view.shard.recentChanges([CLINICAL], 100);
  assert.deepEqual(
    recent.map(({ variant, kind, at }) => [variant, kind, at]),
    [
      ['full', 'updated', 200],
      ['general', 'updated', 200],
    ],
  );
  assert.deepEqual(view.shard.recentChanges([CLINICAL], 201), []);
});

test('documents come in URI order after a URI, and the tenant is known', () => {
  const view = openView();
  view.apply(
    recordsOf([
      { member: 'ben', id: 'c1', text: 'gout' },
      { member: 'ana', id: 'c1', text: 'asthma' },
    ]),
  );
  const both = [{ kind: 'member', id: 'ben' } as const, ANA];
  const uris = (after: string, limit: number) =>
    view.shard.documents(both, after, limit).map(({ uri, variant }) => `${uri} ${variant}`);
  assert.deepEqual(uris('', Number.MAX_SAFE_INTEGER).slice(0, 3), [
    `${CLINICAL} full`,
    `${CLINICAL} general`,
    'mcp://twins/member/ben/clinical full',
  ]);
  assert.equal(uris(CLINICAL, 1).length, 1);
  assert.equal(view.shard.tenantOf(ANA), 'demo');
  assert.equal(view.shard.tenantOf({ kind: 'member', id: 'nobody' }), undefined);
});
