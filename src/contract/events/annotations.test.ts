import assert from 'node:assert/strict';
import { globSync } from 'node:fs';
import { test } from 'node:test';
import { create, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { EVENTS, eventNamed, fileOf } from './catalog.ts';
import { holds, redact } from './redact.ts';

/** Text and bytes that stand beside health information and hold none, each with the reason. */
const BARE: Readonly<Record<string, string>> = {
  'access.v1.AuditCheckpointEvent.checkpoint': 'a size and a hash, signed',
  'access.v1.AuditCheckpointEvent.generation': 'random, of a whole log',
  'access.v1.AuditCheckpointEvent.instance': 'random, of a server',
  'access.v1.AuditRecordedEvent.chain': 'hash over rows and a random id',
  'access.v1.AuditRecordedEvent.generation': 'random, of a whole log',
  'access.v1.AuditRecordedEvent.instance': 'random, of a server',
  'access.v1.ObjectReference.type': 'a word of schemas/twin.zed',
  'access.v1.Relationship.subject_relation': 'a word of schemas/twin.zed: "member", "clinician"',
  'membercron.v1.ActivityPrediction.basis': 'name of a rule of ours',
  'membercron.v1.MemberContext.sections': 'names of sections, the same for everybody',
  'membercron.v1.MemberCronEvent.schedule': 'name of a schedule of the operator',
  'rte.v1.EligibilityRequest.batch_id': 'a random id of a file, of nobody',
  'sessions.v1.CoverageUpdatedEvent.etag': 'keyed hash',
  'sessions.v1.SessionParticipantJoinedEvent.role': 'one of four words',
  'sessions.v1.SessionResumedEvent.channel': 'one of five words',
  'sessions.v1.SessionStartedEvent.channel': 'one of five words',
  'shared.events.v1.Header.causation_id': 'id of an event, of nobody',
  'shared.events.v1.Header.correlation_id': 'id of a request, of nobody',
  'shared.events.v1.Header.id': 'id of an event, of nobody',
  'shared.events.v1.Header.tenant': 'an organization, of nobody',
  'shared.events.v1.Header.type': 'a word of the topics',
  'shared.events.v1.Position.epoch': 'random, of the whole log',
  'shared.events.v1.Provenance.source': 'name of a system',
  'twins.v1.DeadLetter.consumer': 'name of a consumer group',
  'twins.v1.DeadLetter.reason': 'a code of a closed list',
  'twins.v1.DirectoryRecord.type': 'a FHIR type',
  'twins.v1.Identifier.system': 'a namespace, the same for all whom it numbers',
  'twins.v1.Origin.topic': 'a word of the topics',
  'twins.v1.Refusal.code': 'a code of a closed list',
  'twins.v1.Refusal.data': 'structured data of a Fault: no value from outside',
  'twins.v1.Refusal.detail': 'a sentence of ours: no value from outside',
  'twins.v1.SealedContent.algorithm': 'name of a cipher',
  'twins.v1.SealedContent.key_id': 'name of a key',
  'twins.v1.SealedContent.nonce': 'random, of nobody',
  'twins.v1.SourceRecord.type': 'a FHIR type',
  'twins.v1.TwinResourceCreatedEvent.etag': 'keyed hash',
  'twins.v1.TwinResourceUpdatedEvent.etag': 'keyed hash',
};

const TEXT: readonly unknown[] = [ScalarType.STRING, ScalarType.BYTES];
const CANARY = 'canary';

test('B-EV-3: text and bytes say which identifiers they hold, or why they hold none', () => {
  const silent = fields().filter((field) => isText(field) && holds(field).length === 0);
  assert.deepEqual(silent.map(nameOf).toSorted(), Object.keys(BARE).toSorted());
});

test('B-EV-3: a redacted event shows no value of an annotated field, whatever stands in it', () => {
  for (const { schema } of EVENTS) {
    const message = create(schema);
    const marked = fill(schema, message, CANARY);
    const shown = JSON.stringify(redact(schema, message));
    assert.equal(shown.includes(CANARY), false, schema.typeName);
    assert.ok(marked > 0, `${schema.typeName} holds nothing`);
  }
});

test('a redacted event tells what stood there, and keeps the rest', () => {
  const schema = eventNamed('twins.v1.SourceRecord')?.schema;
  assert.ok(schema);
  const message = create(schema, {
    header: { id: 'e1', type: 'twins.source-record', member: 'm1', tenant: 'demo' },
    resource: new Uint8Array(3),
    names: { 'Practitioner/x': 'Dr. Eve' },
    facts: { hash: 'h', identifiers: [{ system: 's', value: '123-45-6789' }] },
    subjectKind: 1,
  });
  assert.deepEqual(redact(schema, message), {
    header: { id: 'e1', type: 'twins.source-record', tenant: 'demo', member: '[other-unique-id]' },
    subjectKind: 'SUBJECT_KIND_MEMBER',
    resource: redactedResource(),
    names: '[name, other-unique-id]',
    facts: {
      hash: '[health-information]',
      identifiers: [
        {
          system: 's',
          value:
            '[medical-record-number, social-security-number, health-plan-number, ' +
            'license-number, other-unique-id]',
        },
      ],
    },
  });
});

test('every event has a header, a provenance, a word of its own and a file in the catalog', () => {
  for (const { schema, type } of EVENTS) {
    assert.equal(schema.field.header?.message?.typeName, 'shared.events.v1.Header');
    assert.equal(schema.field.provenance?.message?.typeName, 'shared.events.v1.Provenance');
    assert.match(type, /^[a-z-]+(\.[a-z_-]+)+$/);
  }
  assert.equal(new Set(EVENTS.map(({ type }) => type)).size, EVENTS.length);
  const root = new URL('../../../schemas/', import.meta.url);
  const files = globSync('**/*.proto', { cwd: root }).filter((file) => !file.startsWith('shared/'));
  assert.deepEqual(
    [...new Set(EVENTS.map(({ schema }) => fileOf(schema)))].toSorted(),
    files.toSorted(),
  );
});

/** Puts the canary wherever an annotated field takes text; answers into how many. */
function fill(schema: DescMessage, message: object, canary: string): number {
  const reflected = reflect(schema, message as never);
  let marked = 0;
  for (const field of schema.fields) {
    if (field.fieldKind === 'message' && !field.message.typeName.startsWith('google.')) {
      const inner = create(field.message);
      marked += fill(field.message, inner, canary);
      reflected.set(field, reflect(field.message, inner));
    }
    if (field.fieldKind === 'list' && field.listKind === 'message') {
      const inner = create(field.message);
      marked += fill(field.message, inner, canary);
      reflected.get(field).add(reflect(field.message, inner));
    }
    if (holds(field).length === 0) continue;
    const value = field.scalar === ScalarType.BYTES ? Buffer.from(canary) : canary;
    if (field.fieldKind === 'scalar' && isText(field)) reflected.set(field, value);
    else if (field.fieldKind === 'list' && isText(field)) reflected.get(field).add(value);
    else if (field.fieldKind === 'map') reflected.get(field).set(canary, value);
    else continue;
    marked += 1;
  }
  return marked;
}

function isText(field: DescField): boolean {
  return TEXT.includes(field.scalar) || field.fieldKind === 'map';
}

/** Of every message that an event reaches, ours alone. */
function fields(): DescField[] {
  const seen = new Set<DescMessage>();
  const visit = (schema: DescMessage): void => {
    if (seen.has(schema) || schema.typeName.startsWith('google.')) return;
    seen.add(schema);
    for (const { message } of schema.fields) if (message) visit(message);
  };
  for (const { schema } of EVENTS) visit(schema);
  return [...seen].flatMap((schema) => schema.fields);
}

function nameOf(field: DescField): string {
  return `${field.parent.typeName}.${field.name}`;
}

function redactedResource(): string {
  return (
    '[name, geography, date, telephone, fax, email, social-security-number, ' +
    'medical-record-number, health-plan-number, account-number, license-number, vehicle, device, ' +
    'url, ip-address, biometric, photograph, other-unique-id, health-information]'
  );
}
