import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { create, toBinary } from '@bufbuild/protobuf';
import { RteCompletedEventSchema } from '../../contract/events/rte/v1/completion_pb.js';
import { type FakeRegistry, fakeRegistry } from '../events/fake-registry.rig.ts';
import { decodeFrame, encodeFrame } from '../events/frame.ts';
import {
  createRegistry,
  decodeRelation,
  encodeRelation,
  inEvent,
  outMessage,
  ownIds,
  type Registry,
  RegistryFault,
} from '../events/index.ts';
import type { FollowOptions, KafkaClient, KafkaMessage, KafkaRecord } from './client.ts';
import { withRegistry } from './with-registry.ts';

let fake: FakeRegistry;
let registry: Registry;
before(async () => {
  fake = await fakeRegistry();
  registry = createRegistry({ url: fake.url });
  await registry.start();
});
after(() => fake.stop());

const event = create(RteCompletedEventSchema, { header: { id: 'e1' }, checkId: 'c1' });
const ours = outMessage(RteCompletedEventSchema, 'm1', event, ownIds);
const gone = encodeRelation({
  change: {
    operation: 'delete',
    relationship: {
      resource: { type: 'member', id: 'm1' },
      relation: 'self',
      subject: { type: 'user', id: 'ana' },
    },
  },
  eventId: 'e2',
  actor: 'user:ana',
  at: '2026-01-02T03:04:05.678Z',
});
const plain = { key: null, value: Buffer.from('{"a":1}'), headers: {} };

test('what leaves has the id of the registry, in a transaction and in an envelope too', async () => {
  const { client, sent } = memory();
  const kafka = withRegistry(client, registry);
  const messages = [ours, gone, plain].map((one) => ({ ...one, topic: 't' }));
  const before = ours.value?.toString('hex');
  await kafka.producer().send(messages);
  await (await kafka.producer().begin()).send(messages);
  assert.equal(sent.length, 6);
  for (const [event, tombstone, other] of [sent.slice(0, 3), sent.slice(3)]) {
    const rte = registry.idOf('rte.v1.RteCompletedEvent');
    assert.equal(event?.value?.readInt32BE(1), rte);
    assert.equal(tombstone?.value, null);
    const envelope = tombstone?.headers?.envelope;
    assert.ok(Buffer.isBuffer(envelope));
    assert.equal(envelope.readInt32BE(1), registry.idOf('access.v1.RelationshipChangedEvent'));
    assert.deepEqual(other?.value, plain.value);
  }
  assert.equal(ours.value?.toString('hex'), before);
});

test('what comes is read as if it had never been anywhere else', async () => {
  const { client, sent } = memory();
  await withRegistry(client, registry)
    .producer()
    .send([ours, gone, plain].map((one) => ({ ...one, topic: 't' })));
  const [event, tombstone, other] = await received(client, sent);
  assert.ok(event && tombstone && other);
  assert.deepEqual(event.value, ours.value);
  assert.equal(decodeRelation(tombstone).change.operation, 'delete');
  assert.deepEqual(other.value, plain.value);
});

test('a schema that a foreign producer registered in its own words is ours to read', async () => {
  const schema = 'package rte.v1; message Other {} message RteCompletedEvent { string x = 9; }';
  const body = JSON.stringify({ schema, references: [] });
  const response = await fetch(`${fake.url}/subjects/x/versions`, { method: 'POST', body });
  const { id } = (await response.json()) as { id: number };
  const value = encodeFrame(id, [1], toBinary(RteCompletedEventSchema, event));
  const [record] = await received(memory().client, [{ topic: 't', key: null, value }]);
  assert.ok(record);
  assert.equal(inEvent(record, ownIds).kind.type, 'rte.completed');
  const other = encodeFrame(id, [0], Buffer.alloc(1));
  const [unknown] = await received(memory().client, [{ topic: 't', key: null, value: other }]);
  assert.deepEqual(unknown?.value, other);
});

test('a registry that does not answer holds the record back, and is told of', async () => {
  const value = encodeFrame(424_242, [0], Buffer.alloc(1));
  fake.instead = (res) => {
    fake.instead = undefined;
    res.writeHead(503).end();
  };
  const troubles: unknown[] = [];
  const [record] = await received(memory().client, [{ topic: 't', key: null, value }], troubles);
  assert.ok(troubles[0] instanceof RegistryFault);
  assert.equal(decodeFrame(record?.value ?? Buffer.alloc(0)).id, 424_242);
});

test('the settings of a reader that cannot ask any more end with it', async () => {
  const value = encodeFrame(434_343, [0], Buffer.alloc(1));
  fake.instead = (res) => void res.writeHead(503).end();
  const { client, handlers } = memory();
  const troubles: unknown[] = [];
  const reader = withRegistry(client, registry).follow({
    from: [],
    onRecords: () => assert.fail('it was handed on'),
    onTrouble: (error) => troubles.push(error),
  });
  const handing = handlers[0]?.onRecords([recordOf({ topic: 't', key: null, value })]);
  while (troubles.length === 0) await new Promise((done) => setImmediate(done));
  await reader.stop();
  await assert.rejects(async () => await handing, RegistryFault);
  fake.instead = undefined;
});

/** The records as a reader behind the registry has them. */
async function received(
  client: KafkaClient & { readonly handlers?: unknown },
  messages: readonly KafkaMessage[],
  troubles: unknown[] = [],
): Promise<KafkaRecord[]> {
  const got: KafkaRecord[] = [];
  const { handlers } = client as ReturnType<typeof memory>['client'];
  withRegistry(client, registry).follow({
    from: [],
    onRecords: async (records) => void got.push(...records),
    onTrouble: (error) => troubles.push(error),
  });
  await handlers.at(-1)?.onRecords(messages.map(recordOf));
  return got;
}

function recordOf({ topic, key, value, headers = {} }: KafkaMessage): KafkaRecord {
  const bytes = Object.entries(headers).map(([name, held]) => [name, Buffer.from(held)] as const);
  const place = { partition: 0, offset: 0, timestamp: 0 };
  return { topic, key, value, headers: Object.fromEntries(bytes), ...place };
}

/** A client that keeps what it is given. */
function memory() {
  const sent: KafkaMessage[] = [];
  const handlers: FollowOptions[] = [];
  const nothing = async (): Promise<void> => {};
  const send = async (messages: readonly KafkaMessage[]) => {
    sent.push(...messages);
    return [];
  };
  const client = {
    handlers,
    admin: {} as KafkaClient['admin'],
    producer: () => ({
      ...{ open: nothing, close: nothing, send },
      begin: async () => ({ send, commit: nothing, abort: nothing }),
    }),
    follow(options: FollowOptions) {
      handlers.push(options);
      return { start: nothing, caughtUp: nothing, stop: nothing };
    },
    group: () => assert.fail('no group is asked for'),
    close: nothing,
  };
  return { client, sent, handlers };
}
