import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { EVENTS, fileOf } from '../../contract/events/catalog.ts';
import { PUBLISHED, subjects } from '../../contract/events/published.ts';
import { RteCompletedEventSchema } from '../../contract/events/rte/v1/completion_pb.js';
import { type FakeRegistry, fakeRegistry } from './fake-registry.rig.ts';
import { decodeFrame, encodeFrame } from './frame.ts';
import {
  createRegistry,
  inEvent,
  outMessage,
  ownIds,
  RegistryFault,
  type RegistryFaultKind,
} from './index.ts';
import { messageNames } from './schema-text.ts';

let fake: FakeRegistry;
before(async () => {
  fake = await fakeRegistry();
});
afterEach(() => {
  fake.instead = undefined;
});
after(() => fake.stop());

const event = create(RteCompletedEventSchema, { header: { id: 'e1' }, checkId: 'c1' });
const written = (ids: typeof ownIds) => outMessage(RteCompletedEventSchema, 'm1', event, ids);

test('every subject is registered once, imports first, and a second instance finds all', async () => {
  const registry = createRegistry({ url: fake.url, topicPrefix: 'acme.' });
  await registry.start();
  assert.deepEqual([...fake.subjects.keys()].toSorted(), [...subjects('acme.').keys()].toSorted());
  assert.ok([...fake.subjects.values()].every((versions) => versions.length === 1));
  fake.asked.length = 0;
  const second = createRegistry({ url: fake.url, topicPrefix: 'acme.' });
  await second.start();
  assert.equal(
    fake.asked.some((line) => line.endsWith('/versions')),
    false,
  );
  for (const { schema } of EVENTS.filter(({ topic }) => topic !== undefined)) {
    assert.equal(second.idOf(schema.typeName), registry.idOf(schema.typeName));
    assert.ok(registry.idOf(schema.typeName) < 1_000);
  }
});

test('records are written with the ids of the registry; our own stay readable', async () => {
  const registry = createRegistry({ url: fake.url });
  await registry.start();
  const message = written(registry);
  const frame = decodeFrame(message.value ?? Buffer.alloc(0));
  assert.equal(frame.id, registry.idOf('rte.v1.RteCompletedEvent'));
  for (const one of [message, written(ownIds)]) {
    assert.equal(inEvent({ ...one, headers: {} }, registry).kind.type, 'rte.completed');
  }
});

test('an id that a foreign producer registered is learnt once, by what the registry says', async () => {
  const registry = createRegistry({ url: fake.url });
  await registry.start();
  const theirs = 'syntax = "proto3"; package rte.v1; message Other {} message RteCompletedEvent {}';
  const id = await register(theirs);
  const value = encodeFrame(id, [1], toBinary(RteCompletedEventSchema, event));
  const message = { key: null, value, headers: {} };
  assert.throws(() => inEvent(message, registry), { reason: 'UNKNOWN_VERSION' });
  await registry.learn(value);
  assert.equal(inEvent(message, registry).kind.type, 'rte.completed');
  fake.asked.length = 0;
  await registry.learn(value);
  assert.deepEqual(fake.asked, []);
  const other = encodeFrame(id, [0], Buffer.alloc(0));
  assert.throws(() => inEvent({ ...message, value: other }, registry), { reason: 'UNKNOWN_TYPE' });
  const beyond = encodeFrame(id, [7], Buffer.alloc(0));
  assert.throws(() => inEvent({ ...message, value: beyond }, registry), { reason: 'UNKNOWN_TYPE' });
});

test('the next major version of a registry is an unknown version', async () => {
  const registry = createRegistry({ url: fake.url });
  const id = await register('package rte.v2; message RteCompletedEvent {}');
  const value = encodeFrame(id, [0], Buffer.alloc(0));
  await registry.learn(value);
  const read = () => inEvent({ key: null, value, headers: {} }, registry);
  assert.throws(read, { reason: 'UNKNOWN_VERSION' });
});

test('what is no frame, and an id that nobody knows, are left as they are', async () => {
  const registry = createRegistry({ url: fake.url });
  await registry.learn(null);
  await registry.learn(Buffer.from('{"resourceType":"Patient"}'));
  await registry.learn(encodeFrame(999_999, [0], Buffer.alloc(0)));
  assert.equal(registry.nameOf(999_999, [0]), undefined);
});

test('the user of the URL is asked with, and no fault tells of it', async () => {
  const url = fake.url.replace('//', '//reader:p%40ss@');
  fake.authorizations.clear();
  await createRegistry({ url }).learn(encodeFrame(1_234, [0], Buffer.alloc(0)));
  const expected = `Basic ${Buffer.from('reader:p@ss').toString('base64')}`;
  assert.deepEqual([...fake.authorizations], [expected]);
  fake.instead = (res) => void res.writeHead(500).end('p@ss of reader');
  const fault = await thrownBy(() => createRegistry({ url }).start());
  for (const secret of ['reader', 'p@ss', 'p%40ss']) {
    assert.equal(`${fault.message}${fault.stack}${fault.mend}`.includes(secret), false);
  }
});

test('each failure is told by a kind and a mend, within a bound', async () => {
  const asks = async (kind: RegistryFaultKind, instead: FakeRegistry['instead']): Promise<void> => {
    fake.instead = instead;
    const registry = createRegistry({ url: fake.url, timeoutMs: 200 });
    const fault = await thrownBy(() => registry.start());
    assert.equal(fault.kind, kind);
    assert.ok(fault.mend.length > 0);
  };
  await asks('unauthorized', (res) => void res.writeHead(401).end());
  await asks('unauthorized', (res) => void res.writeHead(403).end());
  await asks('incompatible', (res) => void res.writeHead(409).end());
  await asks('refused', (res) => void res.writeHead(422).end());
  await asks('unreachable', (res) => void res.writeHead(503).end());
  await asks('unreachable', () => undefined);
  await asks('unreachable', (res) => void res.writeHead(200).end('{"id":'));
  await asks('unreachable', (res) => void res.writeHead(302, { location: 'http://a.test' }).end());
  await asks('refused', (res) => void res.writeHead(200).end('[]'));
  await asks('refused', (res) => void res.writeHead(200).end('{"id":"1"}'));
  await asks('refused', (res) => void res.writeHead(200).end(`"${'x'.repeat(5_000_000)}"`));
  const gone = createRegistry({ url: 'http://127.0.0.1:1' });
  assert.equal((await thrownBy(() => gone.start())).kind, 'unreachable');
});

test('messages are named by the text alone, whatever stands around them', () => {
  const text = `syntax = "proto3"; // message No1 {
    package a.b.v1; /* message No2 { */
    option x = "message No3 {";
    enum E { A = 0; }
    message One { message Inner {} oneof o { string s = 1 [deprecated = true]; } }
    service S { rpc R (One) returns (Two) {} }
    message
      Two{}`;
  assert.deepEqual(messageNames(text), ['a.b.v1.One', 'a.b.v1.Two']);
  assert.deepEqual(messageNames('message Bare {}'), ['Bare']);
  for (const { schema } of EVENTS) {
    const ours = PUBLISHED.findLast(({ file }) => file === fileOf(schema));
    const names = schema.file.messages.map(({ typeName }) => typeName);
    assert.deepEqual(messageNames(ours?.text ?? ''), names);
  }
});

async function register(schema: string): Promise<number> {
  const body = JSON.stringify({ schema, references: [] });
  const response = await fetch(`${fake.url}/subjects/theirs/versions`, { method: 'POST', body });
  return ((await response.json()) as { id: number }).id;
}

async function thrownBy(work: () => Promise<void>): Promise<RegistryFault> {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof RegistryFault, String(error));
    return error;
  }
  assert.fail('nothing was thrown');
}
