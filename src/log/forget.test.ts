import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Fault } from '../kernel/errors.ts';
import { randomId } from '../kernel/ids.ts';
import { type CaseStep, stepRecord } from '../twin/break-glass.ts';
import { controlRecord, FORGOTTEN, LEGAL_HOLD } from '../twin/control.ts';
import { addressBundle, addressEach } from '../twin/fhir/resolve.ts';
import { readSubmission } from '../twin/fhir/submission.ts';
import type { DecidingRules } from './identity.ts';
import { openLogDatabase } from './schema.ts';
import { type LogStore, openLogStore } from './store.ts';
import {
  bundleOf,
  collectionOf,
  condition,
  encounter,
  patient,
  practitioner,
  submission,
} from './test/bundles.ts';

const DAY_MS = 24 * 3_600_000;
const KEY = new Uint8Array(32).fill(7);
const folder = mkdtempSync(join(tmpdir(), 'forget-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function open(memberIds: DecidingRules['memberIds'] = 'patient-id') {
  const path = join(folder, `log-${randomId()}.db`);
  const db = openLogDatabase(path);
  const rules = { memberIds, memberIdKey: KEY, etagKey: KEY };
  const reader = { readSubmission, addressBundle, addressEach };
  const store = openLogStore({ db, rules, reader, onGrown: () => undefined });
  const bytes = () =>
    Buffer.concat(
      ['', '-wal'].map((end) => {
        try {
          return readFileSync(path + end);
        } catch {
          return Buffer.alloc(0);
        }
      }),
    ).toString('latin1');
  return { store, db, bytes };
}

function said(
  of: typeof LEGAL_HOLD | typeof FORGOTTEN,
  member: string,
  says: Record<string, string> | null,
  tenant = 'demo',
) {
  const eventId = `keeping-${randomId()}`;
  return controlRecord(of, { tenant, member, says, actor: 'user:operator', eventId });
}

const forget = (store: LogStore, member: string, at = 1_000) =>
  store.submitRecord(said(FORGOTTEN, member, { date: '2026-11-30' }), at);

function everything(store: LogStore) {
  return store.ends().flatMap((_, partition) => store.read(partition, 0, 10_000));
}

function code(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return `${error.code} ${String(error.data.reason ?? '')}`.trim();
    throw error;
  }
  return 'nothing';
}

const LIVES = (member: string, mark: string) =>
  bundleOf(
    patient(member, {
      identifier: [{ system: 'mrn', value: `${mark}-mrn` }],
      name: [{ family: `${mark}-family` }],
    }),
    condition('c1', member, `${mark}-text`),
    practitioner('dr', 'Moss'),
    {
      resourceType: 'Appointment',
      id: 'a1',
      status: 'booked',
      start: '2026-12-01T10:00:00Z',
      description: `${mark}-visit`,
      participant: [
        { actor: { reference: `Patient/${member}` } },
        { actor: { reference: 'Practitioner/dr' } },
      ],
    },
  );

test('B-RT-1: forgetting buries every record of a member, and no byte of them is left', () => {
  const { store, bytes } = open('opaque');
  const receipt = store.submitBundle(submission(LIVES('SECRET.1', 'SECRET')), 0);
  const member = receipt.members[0]?.member ?? '';
  store.submitBundle(submission(LIVES('SECRET.1', 'SECRETCHANGED')), 10);
  store.submitBundle(submission(bundleOf(patient('other')), { source: 'lab' }), 20);
  const session = {
    ...{ tenant: 'demo', type: 'Session', id: 's1', names: {}, eventId: 'session-1' },
    subject: { kind: 'session', id: 's1' },
    resource: { resourceType: 'Session', id: 's1', member, title: 'SECRET-session' },
    provenance: { source: 'chat', actor: 'user:ana' },
  } as const;
  store.submitRecord(session, 30);
  // Waits for its own subject, and names the member.
  const waits = {
    ...condition('c9', 'unknown', 'SECRET-waits'),
    asserter: { reference: 'Patient/SECRET.1' },
  };
  assert.equal(store.submitBundle(submission(collectionOf(waits)), 40).waiting, 1);
  assert.match(bytes(), /SECRET/);
  const place = forget(store, member);
  assert.deepEqual(forget(store, member), place, 'again: no second effect');
  store.purge();
  const left = everything(store);
  assert.deepEqual(
    left.filter(({ subject, resource }) => subject.id === member && resource !== null).length,
    1,
    'only that they were forgotten',
  );
  assert.equal(left.find(({ type }) => type === 'Session')?.resource, null);
  const shown = left.filter(({ type }) => type === 'Appointment');
  assert.deepEqual([...new Set(shown.map(({ resource }) => resource))], [null]);
  assert.equal(store.held('demo').waiting.count, 0);
  assert.doesNotMatch(bytes(), /SECRET/);
  store.close();
});

test('B-RT-2: what comes later of a forgotten member is refused, until they are allowed again', () => {
  const { store, bytes } = open();
  const first = submission(LIVES('ana', 'ONE'));
  store.submitBundle(first, 0);
  forget(store, 'ana');
  assert.equal(
    code(() => store.submitBundle(submission(LIVES('ana', 'TWO')), 0)),
    'REFUSED_INPUT forgotten-member',
  );
  const later = collectionOf(condition('c2', 'ana', 'TWO'), condition('c3', 'ana', 'TWO'));
  const { entries, waiting } = store.submitBundle(submission(later), 0);
  assert.deepEqual(
    [waiting, ...entries.map(({ reason }) => reason)],
    [0, 'forgotten-member', 'forgotten-member'],
  );
  // The event that brought them has no second effect, and its receipt names nobody any more.
  assert.deepEqual(store.submitBundle(first, 0).members, []);
  assert.equal(
    code(() => store.submitBundle(submission(LIVES('ana', 'X'), { tenant: 'other' }), 0)),
    'REFUSED_INPUT member-id',
    'another tenant hears what it would hear of any id in use',
  );
  store.purge();
  assert.doesNotMatch(bytes(), /ONE-|TWO/);
  store.submitRecord(said(FORGOTTEN, 'ana', null), 0);
  assert.ok(store.submitBundle(submission(LIVES('ana', 'BACK')), 0).accepted > 0);
  store.close();
});

test('B-RT-3: a legal hold keeps a member from being forgotten, and every version from compaction', () => {
  const { store } = open();
  store.submitBundle(submission(LIVES('ana', 'ONE')), 0);
  store.submitBundle(submission(LIVES('ben', 'ONE')), 0);
  store.submitRecord(said(LEGAL_HOLD, 'ana', { reason: 'case 7' }), 0);
  assert.equal(
    code(() => forget(store, 'ana')),
    'CONFLICT legal-hold',
  );
  store.submitBundle(submission(LIVES('ana', 'TWO')), 0);
  store.submitBundle(submission(LIVES('ben', 'TWO')), 0);
  store.compact(40 * DAY_MS);
  const text = (member: string) =>
    JSON.stringify(everything(store).filter(({ subject }) => subject.id === member));
  assert.match(text('ana'), /ONE-text.*TWO-text/);
  assert.doesNotMatch(text('ben'), /ONE-text/);
  store.submitRecord(said(LEGAL_HOLD, 'ana', null), 0);
  forget(store, 'ana');
  store.purge();
  assert.doesNotMatch(text('ana'), /ONE-text|TWO-text/);
  store.close();
});

test('B-BG-6: nobody is forgotten before each break-glass case has its review; then the words go', () => {
  const { store, bytes } = open();
  store.submitBundle(submission(LIVES('ana', 'ONE')), 0);
  const step = (kind: CaseStep, says: Record<string, string>) =>
    store.submitRecord(
      stepRecord(kind, { tenant: 'demo', member: 'ana', id: 'c1' }, says, 'eve'),
      0,
    );
  step('opened', { text: 'WHY-IT-WAS', person: 'eve', opened: '2026-11-30T00:00:00Z' });
  assert.equal(
    code(() => forget(store, 'ana')),
    'CONFLICT break-glass-review',
  );
  step('ended', { at: '2026-11-30T00:05:00Z', by: 'eve' });
  assert.equal(
    code(() => forget(store, 'ana')),
    'CONFLICT break-glass-review',
  );
  step('reviewed', { outcome: 'justified', by: 'olaf', at: '2026-11-30T00:09:00Z' });
  assert.match(bytes(), /WHY-IT-WAS/);
  forget(store, 'ana');
  store.purge();
  assert.doesNotMatch(bytes(), /WHY-IT-WAS/);
  store.close();
});

test('B-RT-1: who was replaced by a forgotten member is forgotten with them; others stay', () => {
  const { store } = open();
  store.submitBundle(submission(bundleOf(patient('old'), condition('c1', 'old', 'OLD'))), 0);
  const link = [{ other: { reference: 'Patient/new' }, type: 'replaced-by' }];
  store.submitBundle(submission(bundleOf(patient('new'), patient('old', { link }))), 10);
  store.submitBundle(submission(bundleOf(patient('ben'), encounter('e1', 'ben', 'dr'))), 20);
  assert.equal(
    code(() => forget(store, 'old')),
    'CONFLICT',
  );
  assert.equal(
    code(() => forget(store, 'nobody')),
    'NOT_FOUND',
  );
  assert.equal(
    code(() => store.submitRecord(said(FORGOTTEN, 'ben', { date: 'x' }, 'other'), 0)),
    'NOT_FOUND',
  );
  forget(store, 'new');
  for (const id of ['old', 'new']) {
    assert.equal(
      code(() => store.submitBundle(submission(bundleOf(patient(id))), 0)),
      'REFUSED_INPUT forgotten-member',
    );
  }
  const ben = everything(store).filter(({ subject }) => subject.id === 'ben');
  assert.ok(ben.length > 1 && ben.every(({ resource }) => resource !== null));
  store.close();
});
