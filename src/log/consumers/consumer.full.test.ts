import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { sharedKafka } from '../../../test/support/parts.ts';
import { sleep, systemClock } from '../../kernel/clock.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import { LIMITS } from '../../kernel/limits.ts';
import { openDatabase } from '../../kernel/sqlite.ts';
import { encodeFrame } from '../events/frame.ts';
import type { KafkaClient, KafkaMessage, KafkaProducer, KafkaRecord } from '../kafka/client.ts';
import { committedRecords } from '../kafka/committed-records.rig.ts';
import { createKafkaClient, type KafkaAdapter } from '../kafka/create.ts';
import { deadLetterTopic } from '../kafka/topics.ts';
import { freshName, KEYS, MEMBERS, updateOf, updatesOf } from './consumer.testing.ts';
import { createConsumer } from './consumer.ts';
import { contentOf, readLetter } from './dead-letter.ts';
import { decodeEvents, type EventMessage } from './decode.ts';
import type { Handler } from './event.ts';
import { createMemoryIdempotency } from './idempotency.ts';

const RIG = fileURLToPath(new URL('./consumer.rig.ts', import.meta.url));
const PARTITIONS = 8;
const EVENTS = 2_000;
const DEADLINE_MS = 60_000;

for (const adapter of ['platformatic', 'kafkajs'] satisfies KafkaAdapter[]) {
  describe(`a consumer on Kafka by ${adapter}`, { timeout: 240_000 }, () => {
    let client: KafkaClient;
    let producer: KafkaProducer;
    let address = '';
    const made: string[] = [];
    const children: ChildProcess[] = [];

    before(async () => {
      ({ address } = await sharedKafka());
      client = createKafkaClient({ brokers: [address], clientId: 'consumers' }, adapter);
      producer = client.producer();
      await producer.open();
    });

    after(async () => {
      for (const child of children) child.kill('SIGKILL');
      await producer.close();
      await client.admin.remove(made);
      await client.close();
    });

    async function freshTopic(): Promise<string> {
      const topic = freshName();
      const spec = { partitions: PARTITIONS, replication: 1, configs: {} };
      await client.admin.create([
        { topic, ...spec },
        { topic: deadLetterTopic(topic), ...spec },
      ]);
      made.push(topic, deadLetterTopic(topic));
      return topic;
    }

    function consumerOf(
      topic: string,
      handler: Handler<EventMessage>,
      idempotency = createMemoryIdempotency({ clock: systemClock }),
    ): Service {
      return createConsumer({
        ...{ client, handler, idempotency, group: `${topic}-g`, topics: [topic] },
        ...{ decode: decodeEvents(), deadLetters: { keys: KEYS }, sessionTimeoutMs: 6_000 },
        retries: { backoffMs: 20 },
      });
    }

    const recordsOf = (topic: string) => committedRecords(client, topic);

    /** Where the group would begin again, as another member of it finds out. */
    async function isCommitted(topic: string): Promise<void> {
      const seen: KafkaRecord[] = [];
      const group = client.group({
        ...{ groupId: `${topic}-g`, topics: [topic] },
        onRecords: async (records) => void seen.push(...records),
        onTrouble: () => undefined,
      });
      await group.start();
      const marker = updateOf(topic, 0, 'marker');
      await producer.send(
        Array.from({ length: PARTITIONS }, (_, partition) => ({ ...marker, partition })),
      );
      await until(() => seen.length >= PARTITIONS);
      await group.stop();
      assert.equal(seen.length, PARTITIONS, 'what had ended was not committed');
    }

    it('F13: poison becomes dead letters, and everything else is handled', async () => {
      const topic = await freshTopic();
      const poison = poisonOf(topic);
      const good = updatesOf(topic, 0, EVENTS);
      await producer.send([...good.slice(0, 500), ...poison, ...good.slice(500)]);
      const effects: string[] = [];
      const consumer = consumerOf(topic, async ({ id, attempt }) => {
        if (id === 'e77') throw new Error('always');
        if (id === 'e78' && attempt < 3) throw new Error('twice');
        effects.push(id);
      });
      await consumer.start();
      await until(() => effects.length >= EVENTS - 1);
      await until(async () => (await recordsOf(deadLetterTopic(topic))).length >= 4);
      await consumer.stop();
      assert.equal(new Set(effects).size, EVENTS - 1);
      const letters = (await recordsOf(deadLetterTopic(topic))).flatMap((record) => {
        const letter = readLetter(record);
        return letter === undefined ? [] : [{ record, letter }];
      });
      const reasons = letters.map(({ letter }) => `${letter.reason} ${letter.attempts}`);
      assert.deepEqual(reasons.sort(), [
        'FAILED 3',
        'MALFORMED 1',
        'TOO_LARGE 1',
        'UNKNOWN_VERSION 1',
      ]);
      for (const { record, letter } of letters) {
        const outside = JSON.stringify(record.headers, (_, held) =>
          Buffer.isBuffer(held) ? `${held}` : held,
        );
        assert.doesNotMatch(
          `${outside}${record.key}${record.value?.toString('latin1')}`,
          /Example/,
        );
        if (letter.reason !== 'MALFORMED') continue;
        assert.match(contentOf(KEYS, letter)?.value?.toString() ?? '', /Ana Example/);
      }
      await isCommitted(topic);
    });

    it('F14: duplicates have no second effect, and each key keeps its order', async () => {
      const topic = await freshTopic();
      const all = updatesOf(topic, 0, EVENTS);
      const again = all.filter((_, index) => index % 3 === 0);
      await producer.send([
        ...all.slice(0, 1_000),
        ...again,
        ...all.slice(1_000),
        ...all.slice(900),
      ]);
      const effects: string[] = [];
      const consumer = consumerOf(topic, async ({ id }) => {
        if (Number(id.slice(1)) % 5 === 0) await sleep(1);
        effects.push(id);
      });
      await consumer.start();
      await until(() => effects.length >= EVENTS);
      await sleep(500);
      await consumer.stop();
      assert.equal(effects.length, EVENTS);
      assert.equal(new Set(effects).size, EVENTS);
      expectOrder(effects.filter((id) => firstCame(id)));
      await isCommitted(topic);
    });

    it('F21: ten rebalances lose nothing and have no second effect', async () => {
      const topic = await freshTopic();
      const idempotency = createMemoryIdempotency({ clock: systemClock });
      const effects: string[] = [];
      const member = () =>
        consumerOf(
          topic,
          async ({ id }) => {
            await sleep(2);
            effects.push(id);
          },
          idempotency,
        );
      const steady = member();
      await steady.start();
      let sent = 0;
      const feeding = (async () => {
        for (; sent < EVENTS; sent += 50) {
          await producer.send(updatesOf(topic, sent, sent + 50));
          await sleep(150);
        }
      })();
      for (let round = 0; round < 5; round++) {
        const guest = member();
        await guest.start();
        await sleep(300);
        await guest.stop();
        await sleep(200);
      }
      await feeding;
      await until(() => new Set(effects).size >= EVENTS);
      await sleep(500);
      await steady.stop();
      assert.equal(new Set(effects).size, EVENTS, 'an event was lost');
      assert.equal(effects.length, EVENTS, 'an effect came twice');
      expectOrder(effects);
      await isCommitted(topic);
    });

    it('F21: a member that is killed, and one that is stopped for a while, lose and repeat nothing', async () => {
      const topic = await freshTopic();
      const folder = mkdtempSync(join(tmpdir(), 'consumers-'));
      const file = join(folder, 'effects.db');
      const start = async (): Promise<ChildProcess> => {
        const child = spawn(process.execPath, [RIG, address, topic, file, adapter], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        children.push(child);
        if (child.stdout !== null) await once(child.stdout, 'data');
        return child;
      };
      const first = await start();
      const second = await start();
      const db = openDatabase(file, 'NORMAL');
      const feeding = (async () => {
        for (let sent = 0; sent < EVENTS; sent += 50) {
          await producer.send(updatesOf(topic, sent, sent + 50));
          await sleep(150);
        }
      })();
      await sleep(1_500);
      first.kill('SIGKILL');
      const third = await start();
      await sleep(1_000);
      second.kill('SIGSTOP');
      await feeding;
      const distinct = () =>
        Number(db.prepare('SELECT count(DISTINCT id) AS n FROM effects').get()?.n);
      await until(() => distinct() >= EVENTS);
      second.kill('SIGCONT');
      await sleep(3_000);
      const rows = db.prepare('SELECT id FROM effects ORDER BY rowid').all();
      db.close();
      for (const child of [second, third]) child.kill('SIGKILL');
      rmSync(folder, { recursive: true });
      assert.equal(new Set(rows.map(({ id }) => id)).size, EVENTS, 'an event was lost');
      assert.equal(rows.length, EVENTS, 'an effect came twice');
    });
  });
}

function poisonOf(topic: string): KafkaMessage[] {
  const key = Buffer.from('m1');
  const newer = encodeFrame(999_999, [0], Buffer.from('Ana Example'));
  return [
    { topic, key, value: Buffer.from('{"name": "Ana Example"') },
    { topic, key, value: newer, headers: { type: 'twins.v99.TwinResourceUpdatedEvent' } },
    { topic, key, value: Buffer.alloc(LIMITS.recordBytesMax + 1, 'Ana Example ') },
  ];
}

/** Not sent a second time before what came first of its member had passed. */
function firstCame(id: string): boolean {
  return Number(id.slice(1)) < 900;
}

/** Of each member in the order in which they were sent. */
function expectOrder(effects: readonly string[]): void {
  const last = new Map<number, number>();
  for (const id of effects) {
    const index = Number(id.slice(1));
    const member = index % MEMBERS;
    assert.ok(index > (last.get(member) ?? -1), `${id} came after a later one of its member`);
    last.set(member, index);
  }
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  while (!(await holds()) && performance.now() < deadline) await sleep(50);
}
