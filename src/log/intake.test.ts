import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../kernel/errors.ts';
import { LIMITS } from '../kernel/limits.ts';
import { addressBundle, addressEach } from '../twin/fhir/resolve.ts';
import { readSubmission } from '../twin/fhir/submission.ts';
import type { BundleSubmission, LogRecord } from '../twin/ports.ts';
import { openLogDatabase } from './schema.ts';
import { openLogStore } from './store.ts';
import {
  bundleOf,
  bytes,
  collectionOf,
  condition,
  encounter,
  linesOf,
  patient,
  practitioner,
  submission,
} from './test/bundles.ts';

const KEY = new Uint8Array(32).fill(7);

function open(memberIds: 'patient-id' | 'opaque' = 'patient-id') {
  const db = openLogDatabase(':memory:');
  const reader = { readSubmission, addressBundle, addressEach };
  const rules = { memberIds, memberIdKey: KEY, etagKey: new Uint8Array(32) };
  const store = openLogStore({ db, rules, reader, onGrown: () => undefined });
  const all = (): LogRecord[] =>
    store.ends().flatMap((_, partition) => store.read(partition, 0, 10_000));
  return {
    db,
    store,
    all,
    submit: (json: Uint8Array, more?: Partial<BundleSubmission>, at = 0) =>
      store.submitBundle(submission(json, more), at),
    latest: (id: string) =>
      all()
        .filter((record) => record.id === id)
        .at(-1),
    waiting: () => store.held('demo').waiting,
    refused: () => store.held('demo').refused,
  };
}

const ndjson = { format: 'ndjson' } as const;

test('of a batch each entry is decided by itself', () => {
  const { submit, all, refused } = open();
  const entry = [
    { resource: patient('ana') },
    { resource: { resourceType: 'Observation', id: 'o', subject: { reference: 'Patient/ana' } } },
    { resource: condition('c1', 'ana', 'Asthma') },
    { request: { method: 'PATCH', url: 'Patient/ana' } },
    { resource: { ...condition('c2', 'ana', 'x'), subject: { display: 'somebody' } } },
  ];
  const receipt = submit(bytes({ resourceType: 'Bundle', type: 'batch', entry }));
  assert.deepEqual([receipt.accepted, receipt.refused, receipt.waiting], [2, 3, 0]);
  const told = receipt.entries.map(({ entry: index, path, reason }) => [index, path, reason]);
  assert.deepEqual(told.toSorted(), [
    [1, 'resource.status', 'shape'],
    [3, 'request.method', 'method'],
    [4, 'resource.subject', 'no-member'],
  ]);
  assert.equal(all().length, 2);
  assert.equal(refused().count, 3);
});

test('a transaction is refused whole; among lines, that line alone', () => {
  const { submit, all } = open();
  const orphan = bundleOf(patient('ben'), condition('c2', 'nobody', 'x'));
  assert.throws(() => submit(orphan), { code: 'REFUSED_INPUT' });
  const json = linesOf(patient('ana'), String(Buffer.from(orphan)), condition('c1', 'ana', 'x'));
  const receipt = submit(json, ndjson);
  assert.deepEqual([receipt.accepted, receipt.refused], [2, 1]);
  const [only] = receipt.entries;
  assert.deepEqual([only?.line, only?.entry, only?.reason], [2, 1, 'no-member']);
  assert.deepEqual(
    all()
      .map(({ id }) => id)
      .sort(),
    ['ana', 'c1'],
  );
});

test('a resource on its own is accepted, waits, or is refused as the request', () => {
  const { submit, waiting } = open();
  assert.equal(submit(bytes(patient('ana'))).accepted, 1);
  assert.equal(submit(bytes(condition('c1', 'ben', 'x'))).waiting, 1);
  assert.equal(waiting().count, 1);
  const alone = { ...condition('c2', 'ana', 'x'), subject: {} };
  assert.throws(
    () => submit(bytes(alone)),
    (error) => error instanceof Fault && error.data.reason === 'no-member',
  );
});

test('a line that is no JSON, and one line too many: the others go in', () => {
  const { submit } = open();
  const receipt = submit(linesOf(patient('ana'), '{"resourceType": "Pat', patient('ben')), ndjson);
  assert.deepEqual([receipt.accepted, receipt.refused, receipt.entries[0]?.line], [2, 1, 2]);
});

test('a conditional reference waits for whoever carries the identifier, a urn for its record', () => {
  const { submit, latest, waiting } = open();
  submit(bundleOf(patient('ana')));
  const visit = encounter('e1', 'ana', 'x');
  const named = (reference: string) => ({ ...visit, participant: [{ individual: { reference } }] });
  const npi = 'Practitioner?identifier=http://hl7.org/fhir/sid/us-npi|npi-dr';
  assert.equal(submit(bytes(named(npi))).waiting, 1);
  const urn = 'urn:uuid:0a3f2f0e-0000-4000-8000-000000000001';
  assert.equal(submit(bytes({ ...named(urn), id: 'e2' })).waiting, 1);
  assert.deepEqual(
    waiting().records.map(({ needs }) => needs),
    [['Practitioner with that identifier'], ['a record with that urn']],
  );
  const entry = [{ fullUrl: urn, resource: practitioner('dr', 'Moss') }];
  const receipt = submit(bytes({ resourceType: 'Bundle', type: 'collection', entry }));
  assert.equal(receipt.resumed, 2);
  for (const id of ['e1', 'e2']) {
    assert.deepEqual(latest(id)?.names, { 'Practitioner/dr': 'Eve Moss' });
  }
  assert.equal(submit(bytes({ ...named(urn), id: 'e3' })).accepted, 1);
});

test('what waits refers to its own bundle still, under opaque ids too', () => {
  for (const rules of ['patient-id', 'opaque'] as const) {
    const { submit, latest } = open(rules);
    const visit = { ...encounter('e1', 'ana', 'dr'), participant: [] };
    const { subject: _, ...found } = condition('c1', 'ana', 'Asthma');
    const fullUrl = 'urn:uuid:0a3f2f0e-0000-4000-8000-000000000002';
    const entry = [
      { fullUrl, resource: visit },
      { resource: { ...found, encounter: { reference: fullUrl } } },
    ];
    const receipt = submit(bytes({ resourceType: 'Bundle', type: 'collection', entry }));
    assert.equal(receipt.waiting, 2);
    const { members, resumed } = submit(bytes(patient('ana')));
    assert.equal(resumed, 2);
    assert.equal(latest('c1')?.subject.id, members[0]?.member);
    assert.deepEqual(latest('c1')?.resource?.encounter, { reference: 'Encounter/e1' });
  }
});

test('what waits for a day is an error, without anything of its content', () => {
  const { submit, store, waiting, refused } = open();
  submit(linesOf(condition('c1', 'ana', 'Zanzibar')), ndjson);
  assert.equal(store.sweep(LIMITS.waitingMs), 0);
  assert.equal(store.sweep(LIMITS.waitingMs + 1), 1);
  assert.deepEqual([waiting().count, waiting().bytes, refused().count], [0, 0, 1]);
  const [record] = refused().records;
  assert.deepEqual([record?.type, record?.line, record?.reason], ['Condition', 1, 'overdue']);
  assert.doesNotMatch(JSON.stringify(refused()), /Zanzibar|ana|c1/);
  assert.equal(submit(bytes(patient('ana'))).resumed, 0);
});

test('what waits is bounded; one more is refused, and others of its bundle go in', () => {
  const { submit, db, waiting } = open();
  db.exec(`INSERT INTO rooms VALUES ('demo', ${LIMITS.waitingRecordsMax - 1}, 0)`);
  const json = collectionOf(condition('c1', 'x', 'x'), condition('c2', 'x', 'x'), patient('ana'));
  const receipt = submit(json);
  assert.deepEqual([receipt.waiting, receipt.refused, receipt.accepted], [1, 1, 1]);
  assert.equal(receipt.entries.at(-1)?.reason, 'no-room');
  assert.equal(waiting().records.length, 1);
  db.exec(`UPDATE rooms SET records = 1, bytes = ${LIMITS.waitingBytesMax}`);
  assert.equal(submit(collectionOf(condition('c3', 'x', 'x'))).refused, 1);
});

test('more than one transaction lets in are let in by the next ones', () => {
  const { submit, store, waiting } = open();
  const count = LIMITS.wakeRecordsMax + 10;
  const lines = Array.from({ length: count }, (_, index) => condition(`c${index}`, 'ana', 'x'));
  assert.equal(submit(linesOf(...lines), ndjson).waiting, count);
  assert.equal(submit(bytes(patient('ana'))).resumed, LIMITS.wakeRecordsMax);
  assert.equal(waiting().count, 10);
  assert.equal(store.wake(0), false);
  assert.equal(waiting().count, 0);
});

test('sent again: a newer version replaces the one that waits, a deletion takes it away', () => {
  const { submit, waiting, latest, all } = open();
  const version = (text: string, day: string) =>
    collectionOf(condition('c1', 'ana', text, `2026-01-${day}T00:00:00Z`));
  submit(version('new', '05'), { eventId: 'same-file' });
  assert.equal(submit(version('old', '04')).stale, 1);
  assert.equal(submit(version('new', '05'), { eventId: 'same-file' }).waiting, 1);
  assert.equal(waiting().count, 1);
  submit(collectionOf(condition('c2', 'ana', 'x')));
  const entry = [{ request: { method: 'DELETE', url: 'Condition/c2' } }];
  submit(bytes({ resourceType: 'Bundle', type: 'transaction', entry }));
  submit(bytes(patient('ana')));
  assert.deepEqual(latest('c1')?.resource?.code, { text: 'new' });
  assert.equal(all().length, 2);
});

test('conditional create: what exists is referred to and not written again', () => {
  const { submit, latest, all } = open();
  submit(bundleOf(practitioner('dr', 'Moss'), patient('ana')));
  const fullUrl = 'urn:uuid:0a3f2f0e-0000-4000-8000-000000000003';
  const ifNoneExist = 'identifier=http://hl7.org/fhir/sid/us-npi|npi-dr';
  const other = { ...practitioner('other', 'Stone'), identifier: [] };
  const visit = {
    ...encounter('e1', 'ana', 'x'),
    participant: [{ individual: { reference: fullUrl } }],
  };
  const entry = [
    { fullUrl, resource: other, request: { method: 'POST', url: 'Practitioner', ifNoneExist } },
    { resource: visit, request: { method: 'POST', url: 'Encounter' } },
  ];
  const receipt = submit(bytes({ resourceType: 'Bundle', type: 'transaction', entry }));
  assert.deepEqual([receipt.accepted, receipt.unchanged], [1, 1]);
  assert.deepEqual(latest('e1')?.names, { 'Practitioner/dr': 'Eve Moss' });
  assert.ok(all().every(({ id }) => id !== 'other'));
  const wrong = { ...entry[0], request: { ...entry[0]?.request, ifNoneExist: 'name=Stone' } };
  const json = bytes({ resourceType: 'Bundle', type: 'transaction', entry: [wrong] });
  assert.throws(
    () => submit(json),
    (error) => error instanceof Fault && error.data.reason === 'if-none-exist',
  );
});

test('of a history the newest version stands, told newest first and without times', () => {
  const { submit, latest } = open();
  submit(bytes(patient('ana')));
  const history = (...entry: unknown[]) =>
    bytes({ resourceType: 'Bundle', type: 'history', entry });
  const put = { method: 'PUT', url: 'Condition/c1' };
  const [newer, older] = ['new', 'old'].map((text) => ({
    resource: condition('c1', 'ana', text),
    request: put,
  }));
  assert.deepEqual(submit(history(newer, older)).stale, 1);
  assert.deepEqual(latest('c1')?.resource?.code, { text: 'new' });
  const gone = { request: { method: 'DELETE', url: 'Condition/c1/_history/3' } };
  submit(history(gone, newer, older));
  assert.equal(latest('c1')?.resource, null);
});

test('deletions of an export are as old as the export says', () => {
  const { submit, latest } = open();
  const day = (date: string) => `2026-01-${date}T00:00:00Z`;
  submit(bundleOf(patient('ana'), condition('c1', 'ana', 'x', day('05'))));
  const deleted = (date: string) => ({
    resourceType: 'Bundle',
    type: 'transaction',
    meta: { lastUpdated: day(date) },
    entry: [{ request: { method: 'DELETE', url: 'Condition/c1' } }],
  });
  assert.equal(submit(linesOf(deleted('04')), ndjson).stale, 1);
  assert.equal(submit(linesOf(deleted('06')), ndjson).accepted, 1);
  assert.equal(latest('c1')?.resource, null);
  assert.equal(submit(bundleOf(condition('c1', 'ana', 'y', day('05')))).stale, 1);
  assert.equal(submit(bundleOf(condition('c1', 'ana', 'y', day('07')))).accepted, 1);
});

test('B-TW-3: a label of the directory reaches what mentions it, whenever it comes, and leaves', () => {
  const { submit, latest } = open();
  const medication = (code?: string) => ({
    resourceType: 'Medication',
    id: 'm1',
    code: { text: 'Something' },
    ...(code !== undefined && { meta: { security: [{ code }] } }),
  });
  const request = {
    resourceType: 'MedicationRequest',
    id: 'r1',
    subject: { reference: 'Patient/ana' },
    medicationReference: { reference: 'Medication/m1' },
  };
  const codes = () => JSON.stringify(latest('r1')?.resource?.meta ?? null);
  submit(bundleOf(patient('ana'), medication('ETH')));
  submit(bundleOf(request));
  assert.match(codes(), /"code":"R"/);
  assert.equal(submit(bundleOf(request)).unchanged, 1);
  submit(bundleOf(medication()));
  assert.equal(codes(), 'null');
  submit(bundleOf(medication('PSY')));
  assert.match(codes(), /"code":"R"/);
});
