import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ndjson, openSpine, type Spine } from './support/spine.ts';

const ana = { kind: 'member', id: 'ana' } as const;
const anna = { kind: 'member', id: 'anna' } as const;

function patient(id: string, replacedBy?: string, more: object = {}): object {
  const link = [{ other: { reference: `Patient/${replacedBy}` }, type: 'replaced-by' }];
  const name = [{ family: 'Rivera', given: [id] }];
  return { resourceType: 'Patient', id, name, ...(replacedBy !== undefined && { link }), ...more };
}

function condition(id: string, member: string, text = id, lastUpdated?: string): object {
  return {
    resourceType: 'Condition',
    id,
    ...(lastUpdated !== undefined && { meta: { lastUpdated } }),
    subject: { reference: `Patient/${member}` },
    code: { text },
  };
}

function lines(spine: Spine, ...resources: object[]) {
  return spine.submit(ndjson(resources), { format: 'ndjson' });
}

function holds(spine: Spine, subject: typeof ana | typeof anna, id: string): boolean {
  return spine.shard.source(subject, 'Condition', id) !== undefined;
}

test('B-IN-9: a replaced member is gone, and everything is the survivor’s', () => {
  const spine = openSpine();
  lines(spine, patient('ana'), patient('anna'), condition('c1', 'ana'), condition('c2', 'anna'));
  const clinical = 'mcp://twins/member/anna/clinical';
  assert.ok(spine.shard.document(clinical, 'full'));
  spine.changes.length = 0;
  const receipt = lines(spine, patient('anna', 'ana'));
  assert.equal(receipt.accepted, 1);
  assert.deepEqual(spine.shard.documents([anna], '', 100), []);
  const told = spine.changes.filter(({ uri }) => uri.startsWith('mcp://twins/member/anna/'));
  assert.ok(told.some(({ uri, variant }) => uri === clinical && variant === 'general'));
  assert.ok(told.every(({ kind, etag }) => kind === 'deleted' && etag === ''));
  assert.ok(spine.changes.some(({ uri }) => uri === 'mcp://twins/member/ana/clinical'));
  assert.deepEqual([holds(spine, ana, 'c1'), holds(spine, ana, 'c2')], [true, true]);
  const moved = spine.shard.source(ana, 'Condition', 'c2')?.resource;
  assert.deepEqual(moved?.subject, { reference: 'Patient/ana' });
});

test('whoever looks for the old id finds the survivor', () => {
  const spine = openSpine();
  lines(spine, patient('ana'), patient('anna', 'ana'));
  const found = spine.shard.people({ text: 'anna', limit: 5 });
  assert.deepEqual(
    found.map(({ member }) => member),
    ['ana'],
  );
  // Also after the survivor was said again by its source.
  lines(spine, patient('ana', undefined, { gender: 'female' }));
  assert.equal(spine.shard.people({ text: 'anna', limit: 5 }).length, 1);
});

test('what still comes for the old member is the survivor’s, by id and by identifier', () => {
  const spine = openSpine();
  const identifier = [{ system: 'mrn', value: 'old' }];
  lines(spine, patient('ana'), patient('anna', undefined, { identifier }));
  lines(spine, patient('anna', 'ana', { identifier }));
  lines(spine, condition('c3', 'anna'));
  const named = { ...condition('c4', ''), subject: { reference: 'Patient?identifier=mrn|old' } };
  assert.equal(spine.submit(named).accepted, 1);
  assert.deepEqual([holds(spine, ana, 'c3'), holds(spine, ana, 'c4')], [true, true]);
  assert.deepEqual(spine.shard.documents([anna], '', 100), []);
});

test('the Patient of a replaced member changes nothing any more', () => {
  const spine = openSpine();
  lines(spine, patient('ana'), patient('anna', 'ana'));
  const before = spine.etags();
  assert.equal(spine.submit(patient('anna', 'ana')).unchanged, 1);
  assert.equal(spine.submit(patient('anna')).stale, 1);
  assert.deepEqual(spine.etags(), before);
});

test('of a record that both have the newer one stands', () => {
  const spine = openSpine();
  const at = (day: string) => `2026-01-${day}T00:00:00Z`;
  lines(spine, patient('ana'), patient('anna'), condition('c1', 'anna', 'old', at('01')));
  spine.submit(condition('c1', 'ana', 'new', at('02')), { source: 'lab' });
  lines(spine, patient('anna', 'ana'));
  assert.deepEqual(spine.shard.source(ana, 'Condition', 'c1')?.resource?.code, { text: 'new' });
});

test('links in a row lead to the last member; links in a circle move nothing', () => {
  const spine = openSpine();
  lines(spine, patient('anne', 'anna'), condition('c1', 'anne'), patient('anna', 'ana'));
  lines(spine, patient('ana'));
  assert.ok(holds(spine, ana, 'c1'));
  assert.deepEqual(
    spine.shard.people({ text: 'anne', limit: 5 }).map(({ member }) => member),
    ['ana'],
  );
  const circle = openSpine();
  lines(circle, patient('ana', 'anna'), patient('anna', 'ana'), condition('c1', 'ana'));
  const people = circle.shard.people({ text: 'Rivera', limit: 5 });
  assert.equal(people.length, 1);
});

test('a member of another tenant is never a survivor', () => {
  const spine = openSpine();
  spine.submit(patient('ana'), { tenant: 'other' });
  const format = 'ndjson';
  const receipt = spine.submit(ndjson([patient('anna', 'ana')]), { format });
  assert.equal(receipt.accepted, 0);
  assert.equal(receipt.entries[0]?.reason, 'member-id');
  assert.equal(spine.shard.people({ text: 'Rivera', tenant: 'other', limit: 5 }).length, 1);
});

test('a whole transaction may say it: the patients, the link and the records', () => {
  const spine = openSpine({ memberIds: 'opaque' });
  const entry = [patient('ana'), patient('anna', 'ana'), condition('c1', 'anna')].map(
    (resource) => ({ resource }),
  );
  const receipt = spine.submit({ resourceType: 'Bundle', type: 'transaction', entry });
  const [survivor] = receipt.members;
  const subject = { kind: 'member', id: survivor?.member ?? '' } as const;
  assert.ok(spine.shard.source(subject, 'Condition', 'c1'));
});

test('app activity is kept, and in no section; what a device measured is read', () => {
  const spine = openSpine();
  const observation = (id: string, code: string) => ({
    resourceType: 'Observation',
    id,
    status: 'final',
    category: [{ coding: [{ system: 'urn:x', code }] }],
    code: { text: `Something ${id}` },
    subject: { reference: 'Patient/ana' },
    device: { reference: 'Device/d1' },
    effectiveDateTime: '2026-01-01',
  });
  lines(spine, patient('ana'), observation('o1', 'vital-signs'));
  const before = spine.etags();
  assert.equal(lines(spine, observation('o2', 'app-activity')).accepted, 1);
  const sources = (state: unknown) =>
    (state as object[][])[1]?.filter((row) => 'uri' in row && row.uri);
  assert.deepEqual(sources(spine.etags()), sources(before));
  assert.deepEqual((spine.etags() as unknown[])[0], (before as unknown[])[0]);
  assert.ok(spine.shard.source(ana, 'Observation', 'o1'));
  assert.equal(spine.shard.source(ana, 'Observation', 'o2'), undefined);
});
