import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { SourceRecordSchema } from '../../contract/events/twins/v1/source_pb.js';
import { facts, sourceRecord } from './arbitraries.rig.ts';
import { decodeFrame, encodeFrame } from './frame.ts';
import {
  decodeCheckStep,
  decodeSource,
  decodeSubmission,
  encodeBundle,
  encodeRecordCommand,
  encodeSource,
  inEvent,
  type OutMessage,
  ownIds,
  type SchemaIds,
  Undecodable,
  type UndecodableReason,
} from './index.ts';

const place = { partition: 0, offset: 0 };
const [sample] = fc.sample(
  sourceRecord.filter(({ resource }) => resource !== null),
  1,
);
const [kept] = fc.sample(facts, 1);
assert.ok(sample !== undefined && kept !== undefined);
const good = encodeSource(sample, kept);
const bytes = good.value ?? Buffer.alloc(0);

test('the frame is that of the Confluent documentation, byte by byte', () => {
  const payload = Buffer.from([0x08, 0x01]);
  assert.equal(encodeFrame(7, [0], payload).toString('hex'), '00000000070008' + '01');
  assert.equal(encodeFrame(7, [1], payload).toString('hex'), '000000000702020801');
  assert.equal(encodeFrame(7, [1, 0], payload).toString('hex'), '00000000070402000801');
  assert.equal(encodeFrame(7, [200], payload).toString('hex'), '00000000070290030801');
  for (const indexes of [[0], [1], [1, 0], [200]]) {
    assert.deepEqual(decodeFrame(encodeFrame(7, indexes, payload)), { id: 7, indexes, payload });
  }
  // Written without the shorter form of the first message.
  assert.deepEqual(decodeFrame(Buffer.from('00000000070200', 'hex')).indexes, [0]);
});

test('every truncation of a record is malformed or, never, another record', () => {
  for (let length = 0; length < bytes.length; length++) {
    const error = thrownBy({ ...good, value: bytes.subarray(0, length) });
    assert.equal(error.reason, 'MALFORMED', `${length} of ${bytes.length} bytes`);
  }
});

test('B-EV-2: any bytes at all are a record or an Undecodable, and no text of theirs is told', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (random, framed) => {
      const value = Buffer.from(framed ? [...bytes.subarray(0, 6), ...random] : random);
      for (const decode of [
        decodeSubmission,
        decodeCheckStep,
        (one: OutMessage) => decodeSource({ ...one, ...place }),
      ]) {
        try {
          decode({ ...good, value });
        } catch (error) {
          assert.ok(error instanceof Undecodable, String(error));
          assert.match(error.message, /^[a-zA-Z0-9 ,.:-]+$/);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test('a changed byte never makes a record under a key that is not its own', () => {
  fc.assert(
    fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, byte) => {
      const value = Buffer.from(bytes);
      value[at] = byte;
      try {
        const { record } = decodeSource({ ...good, value, ...place });
        assert.deepEqual([record.type, record.id], [sample.type, sample.id]);
      } catch (error) {
        assert.ok(error instanceof Undecodable, String(error));
      }
    }),
    { numRuns: 2_000 },
  );
});

test('another magic byte is malformed', () => {
  refused({ ...good, value: Buffer.from([1, ...bytes.subarray(1)]) }, 'MALFORMED');
});

test('a tombstone without its envelope, or with content, is malformed', () => {
  refused({ ...good, value: null }, 'MALFORMED');
  refused({ ...good, value: null, headers: { ...good.headers, envelope: bytes } }, 'MALFORMED');
});

test('a record under the key of another is malformed', () => {
  refused({ ...good, key: Buffer.from('demo/member:other/Patient/p') }, 'MALFORMED');
});

test('fields of a newer version are kept', () => {
  const { payload } = decodeFrame(bytes);
  const newer = Buffer.concat([payload, Buffer.from([0x9a, 0x06, 0x02, 0x68, 0x69])]);
  const id = ownIds.idOf(SourceRecordSchema.typeName);
  const value = encodeFrame(id, decodeFrame(bytes).indexes, newer);
  assert.equal(decodeSource({ ...good, value, ...place }).record.id, sample.id);
  const { message } = inEvent({ ...good, value }, ownIds);
  assert.equal(message.$unknown?.length, 1);
  const again = toBinary(SourceRecordSchema, fromBinary(SourceRecordSchema, newer));
  assert.deepEqual(Buffer.from(again).subarray(-5), newer.subarray(-5));
});

test('a schema id that nobody knows is of an unknown version, unless a header names the type', () => {
  const value = encodeFrame(2_147_000_000, [2], decodeFrame(bytes).payload);
  assert.equal(decodeSource({ ...good, value, ...place }).record.id, sample.id);
  refused({ ...good, value, headers: {} }, 'UNKNOWN_VERSION');
});

test('B-EV-2: another major version is told from a type that is none of ours', () => {
  const value = encodeFrame(2_147_000_000, [2], decodeFrame(bytes).payload);
  const named = (name: string): OutMessage => {
    return { ...good, value, headers: { type: Buffer.from(name) } };
  };
  refused(named('twins.v2.SourceRecord'), 'UNKNOWN_VERSION');
  refused(named('twins.v99.Renamed'), 'UNKNOWN_VERSION');
  refused(named('twins.v1.Nothing'), 'UNKNOWN_TYPE');
  refused(named('acme.v1.SourceRecord'), 'UNKNOWN_TYPE');
  refused(named('twins.v1.DirectoryRecord'), 'UNKNOWN_TYPE');
  refused(named(''), 'UNKNOWN_TYPE');
});

test('a registry whose id means another message is believed, whatever the header says', () => {
  const ids: SchemaIds = { ...ownIds, nameOf: () => 'twins.v2.SourceRecord' };
  assert.throws(
    () => inEvent(good, ids),
    (error) => error instanceof Undecodable && error.reason === 'UNKNOWN_VERSION',
  );
});

test('a member of another kind, a resource that is no JSON: malformed', () => {
  const wire = fromBinary(SourceRecordSchema, decodeFrame(bytes).payload);
  const id = ownIds.idOf(SourceRecordSchema.typeName);
  for (const wrong of [
    { subjectKind: 9 },
    { resource: Buffer.from('{"resourceType":') },
    { resource: Buffer.from('[]') },
    { resource: Buffer.from('{"resourceType":7}') },
  ]) {
    const message = create(SourceRecordSchema, { ...wire, ...wrong });
    const value = encodeFrame(id, [2], toBinary(SourceRecordSchema, message));
    refused({ ...good, value }, 'MALFORMED');
  }
});

test('plain JSON without the headers that say whose it is, is malformed', () => {
  const value = Buffer.from('{}');
  for (const missing of ['tenant', 'source', 'event-id']) {
    const { [missing]: _, ...headers } = {
      tenant: value,
      source: value,
      'event-id': value,
    } as Record<string, Buffer>;
    assert.throws(
      () => decodeSubmission({ key: null, value, headers }),
      (error) => error instanceof Undecodable && error.reason === 'MALFORMED',
    );
  }
});

test('what keys are built from has its shape, or is malformed', () => {
  const fits = { tenant: 'demo', source: 'ehr', actor: 'ehr', eventId: 'e1' };
  const bundle = { format: 'json', gzip: false, body: Buffer.from('{}'), dryRun: false } as const;
  const read = (wrong: object): unknown => {
    const [message] = encodeBundle({ ...bundle, ...fits, ...wrong }, 'm1');
    assert.ok(message);
    return decodeSubmission(message);
  };
  assert.ok(read({}));
  for (const wrong of [
    { tenant: 'demo/member:other' },
    { tenant: '' },
    { tenant: 't'.repeat(65) },
    { source: 'a b' },
    { source: '../x' },
    { eventId: 'line\nbreak' },
    { eventId: 'é' },
    { eventId: 'e'.repeat(257) },
    { actor: '' },
    { actor: 'a'.repeat(513) },
  ]) {
    assert.throws(() => read(wrong), { reason: 'MALFORMED' }, JSON.stringify(wrong));
  }
  const { recorded: _, ...provenance } = sample.provenance;
  for (const wrong of [
    { type: 'Condition/x' },
    { id: 'a b' },
    { subject: { kind: 'member' as const, id: 'm1/Patient' } },
  ]) {
    const command = encodeRecordCommand({ ...sample, provenance, ...wrong }, 'm1');
    assert.throws(() => decodeSubmission(command), { reason: 'MALFORMED' });
  }
});

function thrownBy(message: OutMessage): Undecodable {
  try {
    decodeSource({ ...message, ...place });
  } catch (error) {
    assert.ok(error instanceof Undecodable, String(error));
    return error;
  }
  assert.fail('it was decoded');
}

function refused(message: OutMessage, reason: UndecodableReason): void {
  assert.equal(thrownBy(message).reason, reason);
}
