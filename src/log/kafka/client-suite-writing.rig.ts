import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { onTopic } from './client-suite.rig.ts';
import type { KafkaAdapter } from './create.ts';

const run = promisify(execFile);

export function writingSuite(which: KafkaAdapter): void {
  places(which);
  contents(which);
}

function places(which: KafkaAdapter): void {
  it('answers the first offset of each partition, and keeps the order of what is sent', () =>
    onTopic(which, { partitions: 2 }, async ({ client, message, name, follow }) => {
      const producer = client.producer();
      await producer.open();
      const first = await producer.send([message('a', 'a1', 1), message('b', 'b1', 0)]);
      const byPartition = first.toSorted((a, b) => a.partition - b.partition);
      assert.deepEqual(byPartition, [
        { topic: name, partition: 0, offset: 0 },
        { topic: name, partition: 1, offset: 0 },
      ]);
      const [second] = await producer.send([message('a', 'a2', 1), message('a', 'a3', 1)]);
      assert.deepEqual(second, { topic: name, partition: 1, offset: 1 });
      const following = await follow();
      await following.caughtUp();
      const ofOne = following.seen.filter(({ partition }) => partition === 1);
      assert.deepEqual(
        ofOne.map(({ offset, value }) => [offset, String(value)]),
        [
          [0, 'a1'],
          [1, 'a2'],
          [2, 'a3'],
        ],
      );
    }));

  it('answers each of many senders at a time where its own messages went', () =>
    onTopic(which, {}, async ({ client, message, follow }) => {
      const producer = client.producer();
      await producer.open();
      const sendings = Array.from({ length: 200 }, (_, i) => producer.send([message('k', `${i}`)]));
      const places = await Promise.all(sendings);
      const following = await follow();
      await following.caughtUp();
      for (const [i, [place]] of places.entries()) {
        assert.equal(String(following.seen[place?.offset ?? -1]?.value), `${i}`);
      }
      assert.deepEqual(
        following.values(),
        places.map((_, i) => `${i}`),
      );
    }));

  it('carries headers, keys, times, tombstones and empty values', () =>
    onTopic(which, {}, async ({ client, name, follow }) => {
      const producer = client.producer();
      await producer.open();
      const before = Date.now();
      const headers = { text: 'ä', bytes: Buffer.from([0, 255]), ['__proto__']: 'x' };
      await producer.send([
        { topic: name, key: Buffer.from('k'), value: Buffer.from('v'), headers },
        { topic: name, key: Buffer.from('k'), value: null },
        { topic: name, key: null, value: Buffer.alloc(0), partition: 0 },
      ]);
      const following = await follow();
      await following.caughtUp();
      const [full, tombstone, empty] = following.seen;
      assert.deepEqual(Object.entries(full?.headers ?? {}), [
        ['text', Buffer.from('ä')],
        ['bytes', Buffer.from([0, 255])],
        ['__proto__', Buffer.from('x')],
      ]);
      assert.ok((full?.timestamp ?? 0) >= before && (full?.timestamp ?? 0) <= Date.now());
      assert.equal(tombstone?.value, null);
      assert.deepEqual([empty?.key, empty?.value], [null, Buffer.alloc(0)]);
    }));
}

function contents(which: KafkaAdapter): void {
  it('takes more than a batch may hold in one call', () =>
    onTopic(which, {}, async ({ client, message, follow }) => {
      const producer = client.producer();
      await producer.open();
      const large = 'x'.repeat(400_000);
      const [place] = await producer.send(Array.from({ length: 7 }, () => message('k', large)));
      assert.equal(place?.offset, 0);
      const following = await follow();
      await following.caughtUp();
      assert.equal(following.seen.length, 7);
    }));

  it('refuses what is too large for a topic, and writes on', () =>
    onTopic(which, {}, async ({ client, message, follow }) => {
      const producer = client.producer();
      await producer.open();
      const beside = producer.send([message('k', 'beside')]);
      await assert.rejects(producer.send([message('k', 'x'.repeat(2_000_000))]));
      await beside;
      await producer.send([message('k', 'after')]);
      const following = await follow();
      await following.caughtUp();
      assert.deepEqual(following.values(), ['beside', 'after']);
    }));

  it('puts a key where other clients put it, who read what it wrote', () =>
    onTopic(which, { partitions: 7 }, async ({ client, address, name, message, follow }) => {
      const keys = Array.from({ length: 100 }, (_, i) => `mémber-${i}`);
      const producer = client.producer();
      await producer.open();
      await producer.send(keys.map((key) => message(key, 'ours')));
      await writeByAnother(address, name, keys);
      const following = await follow();
      await following.caughtUp();
      const places = new Map<string, Set<number>>();
      for (const { key, partition } of following.seen) {
        const known = places.get(String(key)) ?? new Set();
        places.set(String(key), known.add(partition));
      }
      assert.deepEqual(
        [...places.values()].map(({ size }) => size),
        keys.map(() => 1),
      );
      const { stdout } = await run('kcat', [
        ...['-b', address, '-C', '-t', name, '-e', '-q', '-f', '%p %k %s\\n'],
      ]);
      const read = stdout.trim().split('\n').toSorted();
      const ours = following.seen.map(
        ({ key, value, partition }) => `${partition} ${key} ${value}`,
      );
      assert.deepEqual(read, ours.toSorted());
    }));
}

async function writeByAnother(address: string, topic: string, keys: string[]): Promise<void> {
  const kafka = new Kafka({ brokers: [address], clientId: 'another', logLevel: logLevel.NOTHING });
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
  await producer.connect();
  await producer.send({ topic, messages: keys.map((key) => ({ key, value: 'theirs' })) });
  await producer.disconnect();
}
