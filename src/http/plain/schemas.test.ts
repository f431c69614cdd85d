import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Type,
  FieldDescriptorProtoSchema,
  type FileDescriptorProto,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';
import express from 'express';
import { PUBLISHED } from '../../contract/events/published.ts';
import { schemaRoutes } from './schemas.ts';

const app = express();
schemaRoutes(app, 'acme.');
const server = createServer(app);
let base = '';

before(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/schemas`;
});
after(() => server.close());

const source = PUBLISHED.findLast(({ file }) => file === 'twins/v1/source.proto');
assert.ok(source !== undefined);
const SUBJECT = 'acme.twins.sources-value';

test('each topic is a subject under its prefix, each import one by its path', async () => {
  const names = await answer('/subjects');
  assert.ok(Array.isArray(names));
  for (const name of [
    SUBJECT,
    'acme.rte-completion-value',
    'acme.sessions.task.created-value',
    'acme.twins.sources.dlq-value',
    'shared/events/v1/header.proto',
  ]) {
    assert.ok(names.includes(name), name);
  }
  assert.equal(names.includes('acme.access.relationships.dlq-value'), false);
});

test('a version says id, text and what it imports, which can be had in the same way', async () => {
  const versions = PUBLISHED.filter(({ file }) => file === source.file).map((one) => one.version);
  assert.deepEqual(await answer(`/subjects/${SUBJECT}/versions`), versions);
  const latest = await answer(`/subjects/${SUBJECT}/versions/latest`);
  assert.deepEqual(latest, await answer(`/subjects/${SUBJECT}/versions/${source.version}`));
  assert.equal(latest.id, source.id);
  assert.equal(latest.schemaType, 'PROTOBUF');
  assert.equal(latest.schema, source.text);
  const { references } = latest as { references: { subject: string; version: number }[] };
  assert.equal(references.length, source.references.length);
  for (const { subject, version } of references) {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`;
    assert.match(String((await answer(path)).schema), /^syntax = "proto3";/);
  }
});

test('the id of a frame leads to the schema, as text or as a descriptor', async () => {
  const byId = await answer(`/schemas/ids/${source.id}`);
  assert.equal(byId.schema, source.text);
  const serialized = await answer(`/schemas/ids/${source.id}?format=serialized`);
  assert.equal(described(String(serialized.schema)).name, 'twins/v1/source.proto');
  assert.deepEqual(await answer(`/schemas/ids/${source.id}/versions`), [
    { subject: SUBJECT, version: source.version },
    { subject: 'twins/v1/source.proto', version: source.version },
  ]);
});

test('what is not there is told by the codes of the registry', async () => {
  for (const [path, status, code] of [
    ['/subjects/nothing/versions', 404, 40401],
    ['/subjects/nothing/versions/1', 404, 40401],
    [`/subjects/${SUBJECT}/versions/99`, 404, 40402],
    [`/subjects/${SUBJECT}/versions/0`, 422, 42202],
    [`/subjects/${SUBJECT}/versions/one`, 422, 42202],
    ['/schemas/ids/1', 404, 40403],
    ['/schemas/ids/x', 404, 40403],
    ['/elsewhere', 404, 404],
  ] as const) {
    const response = await fetch(base + path);
    assert.equal(response.status, status, path);
    assert.equal(response.headers.get('content-type'), 'application/vnd.schemaregistry.v1+json');
    assert.equal(((await response.json()) as { error_code: number }).error_code, code, path);
  }
});

test('a serializer finds the id of what it wants to write, and nobody registers anything', async () => {
  const found = await posted(`/subjects/${SUBJECT}`, source.text);
  assert.deepEqual([found.status, found.body.id], [200, source.id]);
  const bytes = await posted(`/subjects/${SUBJECT}`, source.descriptor);
  assert.equal(bytes.body.id, source.id);
  const again = await posted(`/subjects/${SUBJECT}/versions`, source.text);
  assert.deepEqual(again.body, { id: source.id });
  const another = await posted(`/subjects/${SUBJECT}/versions`, changed(withField));
  assert.deepEqual([another.status, another.body.error_code], [422, 42205]);
  const elsewhere = await posted('/subjects/other-value/versions', source.text);
  assert.equal(elsewhere.body.error_code, 42205);
  const text = await posted(`/subjects/${SUBJECT}`, 'message {');
  assert.deepEqual([text.status, text.body.error_code], [422, 42201]);
  const avro = await posted(`/subjects/${SUBJECT}`, '"string"', 'AVRO');
  assert.equal(avro.body.error_code, 42201);
});

test('B-EV-4: a change that a reader of either version would not survive is not compatible', async () => {
  const path = `/compatibility/subjects/${SUBJECT}/versions/latest`;
  const verdict = async (schema: string): Promise<unknown> => {
    return (await posted(path, schema)).body.is_compatible;
  };
  assert.equal(await verdict(source.text), true);
  assert.equal(await verdict(changed(() => undefined)), true);
  for (const change of [
    (file: FileDescriptorProto) => void record(file).field.pop(),
    (file: FileDescriptorProto) => Object.assign(field(file, 'subject_id'), { number: 90 }),
    (file: FileDescriptorProto) =>
      Object.assign(field(file, 'subject_id'), { type: FieldDescriptorProto_Type.BYTES }),
    (file: FileDescriptorProto) => void file.messageType.reverse(),
    (file: FileDescriptorProto) => void file.enumType[0]?.value.pop(),
    (file: FileDescriptorProto) => Object.assign(file, { package: 'twins.v2' }),
  ]) {
    assert.equal(await verdict(changed(change)), false, String(change));
  }
});

function record(file: FileDescriptorProto) {
  const found = file.messageType.find(({ name }) => name === 'SourceRecord');
  assert.ok(found !== undefined);
  return found;
}

function field(file: FileDescriptorProto, name: string) {
  const found = record(file).field.find((one) => one.name === name);
  assert.ok(found !== undefined);
  return found;
}

function withField(file: FileDescriptorProto): void {
  const type = FieldDescriptorProto_Type.STRING;
  record(file).field.push(create(FieldDescriptorProtoSchema, { name: 'more', number: 77, type }));
}

function changed(change: (file: FileDescriptorProto) => unknown): string {
  const file = described(source?.descriptor ?? '');
  change(file);
  return Buffer.from(toBinary(FileDescriptorProtoSchema, file)).toString('base64');
}

function described(base64: string): FileDescriptorProto {
  return fromBinary(FileDescriptorProtoSchema, Buffer.from(base64, 'base64'));
}

async function answer(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(base + path);
  assert.equal(response.status, 200, path);
  return (await response.json()) as Record<string, unknown>;
}

async function posted(path: string, schema: string, schemaType = 'PROTOBUF') {
  const response = await fetch(base + path, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema, schemaType }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
