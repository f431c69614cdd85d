import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '../kernel/errors.ts';
import { addressBundle, addressEach } from '../twin/fhir/resolve.ts';
import { readSubmission } from '../twin/fhir/submission.ts';
import { type DecidingRules, memberIdOf } from './identity.ts';
import { openLogDatabase } from './schema.ts';
import { openLogStore } from './store.ts';
import { bundleOf, condition, deletionOf, patient, submission } from './test/bundles.ts';

const DAY_MS = 24 * 3_600_000;
const KEY = new Uint8Array(32).fill(7);
const OPAQUE: DecidingRules = {
  memberIds: 'opaque',
  memberIdKey: KEY,
  etagKey: new Uint8Array(32),
};
const PLAIN: DecidingRules = {
  memberIds: 'patient-id',
  memberIdKey: KEY,
  etagKey: new Uint8Array(32),
};

function open(rules: DecidingRules = PLAIN, db = openLogDatabase(':memory:')) {
  const reader = { readSubmission, addressBundle, addressEach };
  return openLogStore({ db, rules, reader, onGrown: () => undefined });
}

function everything(store: ReturnType<typeof open>) {
  return store.ends().flatMap((_, partition) => store.read(partition, 0, 10_000));
}

test('opaque member ids hide Patient.id, differ by tenant and source, and stay the same', () => {
  const store = open(OPAQUE);
  const json = bundleOf(patient('MRN.1'), condition('c.1', 'MRN.1', 'Asthma'));
  const ids = ['demo/ehr', 'demo/lab', 'other/ehr', 'demo/ehr'].map((whose) => {
    const [tenant = '', source = ''] = whose.split('/');
    return store.submitBundle(submission(json, { tenant, source }), 0).members[0]?.member;
  });
  assert.equal(new Set(ids).size, 3);
  assert.equal(ids[0], ids[3]);
  assert.match(ids[0] ?? '', /^[a-z2-7]{26}$/);
  assert.equal(ids[0], memberIdOf(OPAQUE, 'demo', 'ehr', 'MRN.1'));
  assert.equal(JSON.stringify(everything(store)).includes('"Patient/MRN.1"'), false);
});

test('a Patient.id outside the rule is refused where ids are taken as they come', () => {
  const store = open();
  assert.throws(
    () => store.submitBundle(submission(bundleOf(patient('MRN.1'))), 0),
    (error) =>
      error instanceof Fault &&
      error.code === 'REFUSED_INPUT' &&
      error.message.includes('MEMBER_IDS=opaque') &&
      error.data.entry === 0,
  );
  assert.deepEqual(everything(store), []);
});

test('compaction keeps every head, and tombstones and receipts for 30 days', () => {
  const store = open();
  const first = submission(bundleOf(patient('ana'), condition('c1', 'ana', 'One')));
  store.submitBundle(first, 0);
  store.submitBundle(submission(bundleOf(condition('c1', 'ana', 'Two'))), DAY_MS);
  store.submitBundle(submission(deletionOf('Condition/c1')), 2 * DAY_MS);
  const [partition] = store.ends().flatMap((end, part) => (end > 0 ? [part] : []));
  const offsets = () => store.read(partition ?? -1, 0, 10).map(({ offset }) => offset);
  store.compact(3 * DAY_MS);
  assert.deepEqual(offsets(), [0, 1, 2, 3]);
  store.compact(20 * DAY_MS);
  assert.deepEqual(offsets(), [0, 3]);
  assert.equal(store.submitBundle(first, 20 * DAY_MS).accepted, 2);
  assert.deepEqual(offsets(), [0, 3]);
  store.compact(40 * DAY_MS);
  assert.deepEqual(offsets(), [0]);
  const again = store.submitBundle(
    submission(bundleOf(condition('c1', 'ana', 'Three'))),
    40 * DAY_MS,
  );
  assert.deepEqual(again.places, [{ partition, offset: 4 }]);
});

test('F16: a full disk is LOG_UNAVAILABLE, and nothing is half written', () => {
  const db = openLogDatabase(':memory:');
  const store = open(PLAIN, db);
  store.submitBundle(submission(bundleOf(patient('ana'))), 0);
  const before = everything(store);
  const conditions = Array.from({ length: 200 }, (_, index) =>
    condition(`c${index}`, 'ben', 'x'.repeat(1_000)),
  );
  const large = submission(bundleOf(patient('ben'), ...conditions));
  db.exec('PRAGMA max_page_count = 40');
  assert.throws(
    () => store.submitBundle(large, 0),
    (error) => error instanceof Fault && error.code === 'LOG_UNAVAILABLE',
  );
  assert.deepEqual(everything(store), before);
  assert.equal(store.readRelations(0, 10).length, 1);
  db.exec('PRAGMA max_page_count = 10000');
  assert.equal(store.submitBundle(large, 0).accepted, 201);
});
