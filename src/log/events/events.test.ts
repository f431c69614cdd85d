import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LIMITS } from '../../kernel/limits.ts';
import {
  change,
  directoryRecord,
  facts,
  factsOfKept,
  instant,
  sourceRecord,
  submittedBundle,
} from './arbitraries.rig.ts';
import {
  decodeDirectory,
  decodeOutcome,
  decodeRelation,
  decodeSource,
  decodeSubmission,
  encodeBundle,
  encodeDirectory,
  encodeOutcome,
  encodeRecordCommand,
  encodeRelation,
  encodeSource,
  type Outcome,
} from './index.ts';

const at = { partition: 3, offset: 2 ** 40 };

test('B-EV-1: a source record, or its tombstone, comes back as it was, facts included', () => {
  fc.assert(
    fc.property(sourceRecord, facts, (record, kept) => {
      const message = encodeSource(record, kept);
      assert.equal(message.value === null, record.resource === null);
      const back = decodeSource({ ...message, ...at });
      assert.deepEqual(back, { record: { ...record, ...at }, facts: factsOfKept(record, kept) });
    }),
  );
});

test('a directory record comes back as it was', () => {
  fc.assert(
    fc.property(directoryRecord, facts, (record, kept) => {
      const back = decodeDirectory(encodeDirectory(record, kept));
      assert.deepEqual(back, { record, facts: factsOfKept(record, kept) });
    }),
  );
});

test('a change of relations comes back as it was', () => {
  fc.assert(
    fc.property(change, instant, (one, recorded) => {
      const entry = { change: one, eventId: 'e1', actor: 'user:ana', at: recorded };
      assert.deepEqual(decodeRelation(encodeRelation(entry)), entry);
    }),
  );
});

test('two touches that differ in their expiry alone have one key', () => {
  const relationship = {
    resource: { type: 'member', id: 'm1' },
    relation: 'delegate',
    subject: { type: 'user', id: 'ben' },
  };
  const key = (expiresAt: string): string => {
    const touch = { operation: 'touch', relationship: { ...relationship, expiresAt } } as const;
    const entry = { change: touch, eventId: 'e', actor: 'a', at: '2026-01-01T00:00:00.000Z' };
    return encodeRelation(entry).key.toString();
  };
  assert.equal(key('2027-01-01T00:00:00Z'), 'member:m1#delegate@user:ben');
  assert.equal(key('2028-01-01T00:00:00Z'), key('2027-01-01T00:00:00Z'));
});

test('a submission comes back as it was', () => {
  fc.assert(
    fc.property(submittedBundle, (bundle) => {
      const [message, ...more] = encodeBundle(bundle, 'm1');
      assert.ok(message !== undefined && more.length === 0);
      const { body, ...back } = bundleIn(decodeSubmission(message));
      const { body: sent, ...rest } = bundle;
      assert.deepEqual(back, { kind: 'bundle', ...rest, part: { index: 0, count: 1 } });
      assert.deepEqual(Buffer.from(body), Buffer.from(sent));
    }),
  );
  fc.assert(
    fc.property(sourceRecord, (accepted) => {
      const { recorded: _, ...provenance } = accepted.provenance;
      const record = { ...accepted, provenance };
      assert.deepEqual(decodeSubmission(encodeRecordCommand(record, 'm1')), {
        kind: 'record',
        record,
      });
    }),
  );
});

test('a body over the bound of a record goes in parts that fit, and joins again', () => {
  const body = Buffer.alloc(2_500_000, 'x');
  const bundle = { tenant: 't', source: 's', actor: 'a', eventId: 'e', dryRun: false, body };
  const messages = encodeBundle({ ...bundle, format: 'ndjson', gzip: false }, 'm1');
  assert.equal(messages.length, 3);
  assert.ok(messages.every(({ value }) => (value?.length ?? 0) <= LIMITS.recordBytesMax));
  const parts = messages.map((message) => bundleIn(decodeSubmission(message)));
  assert.deepEqual(
    parts.map(({ part }) => part),
    [0, 1, 2].map((index) => ({ index, count: 3 })),
  );
  assert.deepEqual(Buffer.concat(parts.map((part) => part.body)), body);
});

test('plain FHIR JSON of another producer is a submission, by its headers', () => {
  const headers = {
    tenant: Buffer.from('demo'),
    source: Buffer.from('ehr'),
    'event-id': Buffer.from('e1'),
  };
  const value = Buffer.from('{"resourceType":"Patient"}');
  assert.deepEqual(decodeSubmission({ key: null, value, headers }), {
    kind: 'bundle',
    tenant: 'demo',
    source: 'ehr',
    actor: 'ehr',
    eventId: 'e1',
    format: 'json',
    gzip: false,
    body: value,
    dryRun: false,
    part: { index: 0, count: 1 },
  });
});

test('an outcome of each kind comes back as it was', () => {
  const base = {
    tenant: 'demo',
    eventId: 'e1',
    provenance: { source: 's', actor: 'a', recorded: '2026-01-02T03:04:05.678Z' },
  };
  const receipt = {
    accepted: 1,
    unchanged: 0,
    stale: 0,
    waiting: 0,
    resumed: 0,
    refused: 0,
    entries: [],
    members: [{ member: 'm1', patient: 'p1' }],
    ignored: { Basic: 2 },
    places: [at],
  };
  const outcomes: Outcome[] = [
    { ...base, result: { kind: 'receipt', receipt } },
    { ...base, result: { kind: 'place', place: at } },
    {
      ...base,
      result: { kind: 'refusal', code: 'REFUSED_INPUT', detail: 'No.', data: { entry: 1 } },
    },
  ];
  for (const outcome of outcomes) {
    const message = encodeOutcome(outcome);
    assert.equal(message.key.toString(), 'demo/e1');
    assert.deepEqual(decodeOutcome(message), outcome);
  }
});

function bundleIn(submission: ReturnType<typeof decodeSubmission>) {
  assert.ok(submission.kind === 'bundle');
  return submission;
}
