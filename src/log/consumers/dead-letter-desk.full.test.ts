import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sharedKafka } from '../../../test/support/parts.ts';
import { sleep } from '../../kernel/clock.ts';
import { Fault } from '../../kernel/errors.ts';
import type { DeadLetters, Replays } from '../../twin/ports.ts';
import { applyTopics } from '../kafka/apply-topics.ts';
import type { KafkaClient, KafkaProducer, KafkaRecord } from '../kafka/client.ts';
import { committedRecords } from '../kafka/committed-records.rig.ts';
import { createKafkaClient } from '../kafka/create.ts';
import { deadLetterTopic, topicSpecs } from '../kafka/topics.ts';
import { KEYS, updateOf, updatesOf } from './consumer.testing.ts';
import { createConsumer } from './consumer.ts';
import { letterOf } from './dead-letter.ts';
import { createDeadLetterDesk } from './dead-letter-desk.ts';
import { decodeEvents } from './decode.ts';
import { createMemoryIdempotency, type Idempotency } from './idempotency.ts';
import { createReplays } from './replays.ts';

const TOPIC = 'twins.resource-events';
const PARTITIONS = 4;
const ONLY: readonly string[] = [TOPIC, 'sessions.care.updated', 'twins.sources'];

describe('dead letters and replays', { timeout: 120_000 }, () => {
  let client: KafkaClient;
  let producer: KafkaProducer;
  let prefix = '';
  let desk: DeadLetters;
  let replays: Replays;
  let made: string[] = [];

  before(async () => {
    const shared = await sharedKafka();
    prefix = shared.prefix;
    client = createKafkaClient({ brokers: [shared.address], clientId: 'desk' }, 'platformatic');
    const names = ONLY.flatMap((name) => [name, deadLetterTopic(name)]).map(
      (name) => prefix + name,
    );
    const specs = topicSpecs({ prefix, partitions: PARTITIONS, replication: 1 });
    made = names;
    await applyTopics(
      client.admin,
      specs.filter(({ topic }) => names.includes(topic)),
    );
    producer = client.producer();
    await producer.open();
    const of = { client, topicPrefix: prefix };
    desk = createDeadLetterDesk({ ...of, keys: KEYS, transactionalId: `${prefix}desk` });
    replays = createReplays(of);
  });

  after(async () => {
    await producer.close();
    await client.admin.remove(made);
    await client.close();
  });

  const recordsOf = (topic: string) => committedRecords(client, prefix + topic);

  /** Handles what there is, but for the events named. */
  async function consume(failing: ReadonlySet<string>, idempotency: Idempotency, count: number) {
    const effects: string[] = [];
    let failed = 0;
    const consumer = createConsumer({
      ...{ client, idempotency, topicPrefix: prefix, group: `${prefix}g`, sessionTimeoutMs: 6_000 },
      topics: [prefix + TOPIC],
      ...{ decode: decodeEvents(), deadLetters: { keys: KEYS }, retries: { backoffMs: 10 } },
      handler({ id }) {
        if (failing.has(id)) {
          failed += 1;
          throw new Error('no');
        }
        effects.push(id);
      },
    });
    await consumer.start();
    const until = performance.now() + 20_000;
    while (effects.length + failed / 3 < count && performance.now() < until) await sleep(50);
    await sleep(300);
    await consumer.stop();
    return effects;
  }

  it('a letter is counted, shown, sent again once, and then has its effect', async () => {
    const idempotency = createMemoryIdempotency({ clock: { now: () => Date.now() } });
    await producer.send(updatesOf(prefix + TOPIC, 0, 10));
    await producer.send([{ ...updateOf(prefix + TOPIC, 0), value: Buffer.from('{') }]);
    const effects = await consume(new Set(['e3', 'e4']), idempotency, 10);
    assert.equal(effects.length, 8);

    const { topics, letters, more } = await desk.list('demo');
    assert.deepEqual(topics, [{ topic: TOPIC, count: 3, reasons: topics[0]?.reasons ?? {} }]);
    assert.deepEqual(topics[0]?.reasons, { FAILED: 2, MALFORMED: 1 });
    assert.equal(more, false);
    assert.deepEqual((await desk.list('other')).topics[0]?.reasons, { MALFORMED: 1 });

    const third = letters.find(({ eventId }) => eventId === 'e3')?.id ?? '';
    const fourth = letters.find(({ eventId }) => eventId === 'e4')?.id ?? '';
    const shown = await desk.show('demo', third);
    assert.equal(shown.key, 'm3');
    assert.equal((shown.event as { member?: string } | undefined)?.member, 'm3');
    await refused('NOT_FOUND', desk.show('other', third));
    const unread = letters.find(({ reason }) => reason === 'MALFORMED')?.id ?? '';
    const { key, headers, value } = await desk.show('demo', unread);
    assert.deepEqual([key, headers, value], [null, {}, undefined], 'it may be of another tenant');
    await refused('NOT_FOUND', desk.settle('demo', 'a'.repeat(26), 'retried'));

    await desk.settle('demo', third, 'retried');
    await desk.settle('demo', fourth, 'discarded');
    await refused('CONFLICT', desk.settle('demo', third, 'retried'));
    await refused('CONFLICT', desk.settle('demo', fourth, 'retried'));
    assert.equal((await desk.list('demo', TOPIC)).topics[0]?.count, 1);
    assert.deepEqual(await consume(new Set(), idempotency, 1), ['e3']);
    assert.equal((await recordsOf(TOPIC)).length, 12);
  });

  it('two operators at once send it again once', async () => {
    const before = (await recordsOf(TOPIC)).length;
    const id = (await desk.list('demo')).letters[0]?.id ?? '';
    const outcomes = await Promise.allSettled([
      desk.settle('demo', id, 'retried'),
      desk.settle('demo', id, 'retried'),
    ]);
    const done = outcomes.filter(({ status }) => status === 'fulfilled').length;
    assert.ok(done <= 1);
    if (done === 0) await desk.settle('demo', id, 'retried');
    assert.equal((await recordsOf(TOPIC)).length, before + 1);
  });

  it('a letter goes back to no topic but that beside which it lies, and to none of the log', async () => {
    const letters = { keys: KEYS, topicPrefix: prefix };
    const failure = { reason: 'FAILED', attempts: 3, firstFailed: 1, lastFailed: 2 } as const;
    const place = { partition: 0, offset: 5, timestamp: 1, headers: {} };
    const record = { ...place, key: Buffer.from('m1'), value: Buffer.from('x') };
    const forged = letterOf(
      letters,
      { ...record, topic: `${prefix}twins.intake` },
      { ...failure, consumer: 'forger' },
    );
    const sources = { ...record, topic: `${prefix}twins.sources` };
    await producer.send([
      { ...forged, topic: deadLetterTopic(prefix + TOPIC) },
      letterOf(letters, sources, { ...failure, consumer: 'views' }),
    ]);
    const { letters: open } = await desk.list('demo');
    for (const consumer of ['forger', 'views']) {
      const id = open.find((one) => one.consumer === consumer)?.id ?? '';
      await refused('CONFLICT', desk.settle('demo', id, 'retried'));
      await desk.settle('demo', id, 'discarded');
    }
  });

  it('a replay keeps events as they were, is bounded, and skips replays', async () => {
    const before = await recordsOf(TOPIC);
    const step = await replays.step({ topic: TOPIC, from: { offset: 0 } });
    assert.deepEqual(step, { sent: before.length, skipped: 0 });
    const all = await recordsOf(TOPIC);
    assert.equal(all.length, before.length * 2);
    const again = all.filter(({ headers }) => headers['replayed-from'] !== undefined);
    const values = (list: readonly KafkaRecord[]) =>
      list.map(({ value }) => value?.toString('hex'));
    assert.deepEqual(values(again).sort(), values(before).sort());
    const second = await replays.step({ topic: TOPIC, from: { offset: 0 } });
    assert.deepEqual(second, { sent: before.length, skipped: before.length });

    const aside = 'sessions.care.updated';
    const future = { time: new Date(Date.now() + 60_000).toISOString() };
    const none = await replays.step({ topic: TOPIC, from: future, into: aside });
    assert.equal(none.sent, 0);
    const first = { topic: TOPIC, from: { offset: 1 }, to: { offset: 2 }, into: aside };
    const { sent } = await replays.step(first);
    const expected = (await recordsOf(TOPIC)).filter(({ offset }) => offset === 1).length;
    assert.deepEqual([sent, (await recordsOf(aside)).length], [expected, expected]);
  });

  it('a replay goes on over several steps', async () => {
    const aside = 'sessions.care.updated';
    for (let sent = 0; sent < 12_000; sent += 2_000) {
      await producer.send(updatesOf(prefix + aside, sent, sent + 2_000));
    }
    const before = (await recordsOf(aside)).length;
    const request = { topic: aside, from: { offset: 0 } };
    let step = await replays.step(request);
    let steps = 1;
    let { sent, skipped } = step;
    for (; step.next !== undefined; steps += 1) {
      step = await replays.step({ ...request, next: step.next });
      sent += step.sent;
      skipped += step.skipped;
    }
    assert.ok(steps >= 3);
    assert.equal(sent + skipped, before);
  });

  it('nothing is replayed into what only the product writes', async () => {
    const from = { offset: 0 };
    for (const request of [
      { topic: 'twins.sources', from },
      { topic: TOPIC, from, into: 'twins.sources' },
      { topic: TOPIC, from, into: `${TOPIC}.dlq` },
      { topic: TOPIC, from, into: 'audit.records' },
      { topic: 'constructor', from },
      { topic: TOPIC, from, next: [[0, 1] as const] },
    ]) {
      await refused('INVALID_ARGUMENT', replays.step(request));
    }
  });
});

async function refused(code: string, work: Promise<unknown>): Promise<void> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Fault, `it should have been refused: ${String(error)}`);
  assert.equal(error.code, code);
}
