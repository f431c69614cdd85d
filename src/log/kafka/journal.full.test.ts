import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { sharedKafka } from '../../../test/support/parts.ts';
import { sleep, systemClock } from '../../kernel/clock.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { LIMITS } from '../../kernel/limits.ts';
import type { RelationChange, RelationJournal } from '../../twin/ports.ts';
import { encodeRelation } from '../events/index.ts';
import { journalSuite } from '../journal-suite.rig.ts';
import type { KafkaClient } from './client.ts';
import { createKafkaClient } from './create.ts';
import { createKafkaJournal } from './journal.ts';

let client: KafkaClient;
let prefix: string;

before(async () => {
  const shared = await sharedKafka();
  prefix = shared.prefix;
  client = createKafkaClient({ brokers: [shared.address], clientId: 'journal' }, 'platformatic');
});
after(() => client.close());

/** Kafka compacts such a topic within moments. */
const EAGER = {
  'segment.ms': '100',
  'max.compaction.lag.ms': '100',
  'min.cleanable.dirty.ratio': '0.01',
};
const COMPACTED_WITHIN_MS = 60_000;

async function newTopic(more: Readonly<Record<string, string>> = {}): Promise<string> {
  const topic = `${prefix}${randomUUID().slice(0, 8)}`;
  const configs = { 'cleanup.policy': 'compact', ...more };
  await client.admin.create([{ topic, partitions: 1, replication: 1, configs }]);
  return topic;
}

async function openAt(topic: string): Promise<RelationJournal & Service> {
  const onTrouble = (error: unknown): void => console.error(error);
  const journal = createKafkaJournal({ client, topic, clock: systemClock, onTrouble });
  await journal.start();
  return journal;
}

function touch(user: string): RelationChange {
  const subject = { type: 'user', id: user };
  const resource = { type: 'member', id: 'm' };
  return { operation: 'touch', relationship: { resource, relation: 'delegate', subject } };
}

describe('the journal of relations on Kafka', () => {
  let topic: string;
  before(async () => {
    topic = await newTopic();
  });
  journalSuite(async () => {
    const journal = await openAt(topic);
    return { journal, stop: () => journal.stop() };
  });
});

test('what another instance and a transaction append is told and read, offsets with gaps', async () => {
  const topic = await newTopic();
  const [reading, other] = [await openAt(topic), await openAt(topic)];
  assert.deepEqual(await reading.read(0, 10), []);
  const told = Promise.withResolvers<void>();
  reading.onAppend(told.resolve);
  const first = await other.append([touch('ana')], 'user:operator');
  await told.promise;
  assert.deepEqual(await reading.read(0, 10), [{ offset: first, change: touch('ana') }]);
  const decider = client.producer({ transactionalId: `${topic}-decider` });
  await decider.open();
  for (const [user, ends] of [
    ['aborted', 'abort'],
    ['ben', 'commit'],
  ] as const) {
    const transaction = await decider.begin();
    const at = new Date().toISOString();
    const entry = { change: touch(user), actor: 'decider', at, eventId: user };
    await transaction.send([{ topic, partition: 0, ...encodeRelation(entry) }]);
    await transaction[ends]();
  }
  const last = await other.append([touch('cleo')], 'user:operator');
  const found: RelationChange[] = [];
  for (let next = first + 1; next <= last; ) {
    const entries = await reading.read(next, 10);
    found.push(...entries.map(({ change }) => change));
    next = (entries.at(-1)?.offset ?? next - 1) + 1;
  }
  assert.deepEqual(found, [touch('ben'), touch('cleo')]);
  await decider.close();
  await Promise.all([reading.stop(), other.stop()]);
});

test('more than is held at a time is read whole, page by page', async () => {
  const topic = await newTopic();
  const journal = await openAt(topic);
  const pages = 12;
  for (let page = 0; page < pages; page++) {
    const one = Array.from({ length: LIMITS.relationChangesMax }, (_, index) =>
      touch(`${page}-${index}`),
    );
    await journal.append(one, 'user:operator');
  }
  let next = 0;
  for (let read = 0; read < pages * LIMITS.relationChangesMax; ) {
    const entries = await journal.read(next, LIMITS.relationChangesMax);
    assert.ok(entries.length > 0);
    read += entries.length;
    next = (entries.at(-1)?.offset ?? 0) + 1;
  }
  assert.deepEqual(await journal.read(next, 10), []);
  await journal.stop();
});

test('B-AC-2: from a topic that Kafka has really compacted come the relations in force, and no other', async () => {
  const topic = await newTopic({ ...EAGER, 'delete.retention.ms': '100' });
  const journal = await openAt(topic);
  const remove = (user: string): RelationChange => ({ ...touch(user), operation: 'delete' });
  for (const user of ['ana', 'ben', 'cleo']) await journal.append([touch(user)], 'user:operator');
  await journal.append([remove('ana')], 'user:operator');
  await journal.append([remove('ben')], 'user:operator');
  await journal.append([touch('ben')], 'user:operator');
  const deadline = Date.now() + COMPACTED_WITHIN_MS;
  let entries: readonly { readonly change: RelationChange }[] = [];
  const of = (user: string) =>
    entries.filter(({ change }) => change.relationship.subject.id === user);
  // Segments roll when something is written.
  for (;;) {
    await journal.append([touch('roll')], 'user:operator');
    const late = await openAt(topic);
    entries = await late.read(0, 1_000);
    await late.stop();
    if (of('ana').length === 0 && of('ben').length === 1) break;
    assert.ok(Date.now() < deadline, `Kafka has not compacted it: ${entries.length} entries`);
    await sleep(500);
  }
  assert.deepEqual(of('ben'), [{ ...of('ben')[0], change: touch('ben') }]);
  assert.deepEqual(
    of('cleo').map(({ change }) => change),
    [touch('cleo')],
  );
  await journal.stop();
});

test('a record that cannot be read is not left out: reading stops before it', async () => {
  const topic = await newTopic();
  const journal = await openAt(topic);
  await journal.append([touch('ana')], 'user:operator');
  const stranger = client.producer();
  await stranger.open();
  const [bad] = await stranger.send([
    { topic, partition: 0, key: Buffer.from('x'), value: Buffer.from('no event of ours') },
  ]);
  await journal.append([touch('ben')], 'user:operator');
  const offset = bad?.offset ?? assert.fail();
  const readable = (await journal.read(0, 10)).map(({ change }) => change);
  assert.deepEqual(readable, [touch('ana')]);
  await assert.rejects(journal.read(offset, 10), /cannot be read/);
  await assert.rejects(journal.read(offset, 10), /cannot be read/, 'and again');
  await stranger.close();
  await journal.stop();
});
