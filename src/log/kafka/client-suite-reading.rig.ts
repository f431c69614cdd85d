import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sleep } from '../../kernel/clock.ts';
import type { KafkaRecord } from './client.ts';
import { type Ground, onTopic, until } from './client-suite.rig.ts';
import type { KafkaAdapter } from './create.ts';

const COMPACTED = {
  'cleanup.policy': 'compact',
  'segment.ms': '200',
  'max.compaction.lag.ms': '200',
  'min.cleanable.dirty.ratio': '0.01',
  'delete.retention.ms': '60000',
};

export function readingSuite(which: KafkaAdapter): void {
  beginnings(which);
  catchingUp(which);
  handing(which);
}

function beginnings(which: KafkaAdapter): void {
  it('begins at the offsets that are asked for, and only in those partitions', () =>
    onTopic(which, { partitions: 3 }, async (ground) => {
      const { name, follow } = ground;
      await write(ground, 0, 5);
      await write(ground, 1, 5);
      await write(ground, 2, 5);
      const from = [
        { topic: name, partition: 0, offset: 3 },
        { topic: name, partition: 2, offset: 5 },
      ];
      const following = await follow({ from });
      await following.caughtUp();
      assert.deepEqual(placesOf(following.seen), ['0:3', '0:4']);
      await write(ground, 2, 1);
      await write(ground, 1, 1);
      await following.caughtUp();
      assert.deepEqual(placesOf(following.seen), ['0:3', '0:4', '2:5']);
    }));

  it('begins at the first there is where the offset was trimmed away', () =>
    onTopic(which, {}, async (ground) => {
      const { client, name, follow } = ground;
      await write(ground, 0, 10);
      await client.admin.trim([{ topic: name, partition: 0, offset: 7 }]);
      assert.deepEqual(await client.admin.starts(name), [7]);
      const following = await follow();
      await following.caughtUp();
      assert.deepEqual(placesOf(following.seen), ['0:7', '0:8', '0:9']);
    }));

  it('has caught up where nothing but control records stands at the end', () =>
    onTopic(which, { partitions: 2 }, async ({ client, name, message, follow }) => {
      const following = await follow();
      await following.caughtUp();
      const producer = client.producer({ transactionalId: name });
      await producer.open();
      for (const end of ['commit', 'abort', 'abort'] as const) {
        const transaction = await producer.begin();
        await transaction.send([message('k', end, 1)]);
        await transaction[end]();
        await following.settled();
      }
      assert.deepEqual(following.values(), ['commit']);
      assert.deepEqual(await client.admin.ends(name), [0, 6]);
    }));

  it('has caught up with what was committed, whoever still has a transaction open', () =>
    onTopic(which, {}, async ({ client, name, message, follow }) => {
      const plain = client.producer();
      await plain.open();
      await plain.send([message('k', 'before')]);
      const producer = client.producer({ transactionalId: name });
      await producer.open();
      const open = await producer.begin();
      await open.send([message('k', 'open')]);
      await plain.send([message('k', 'behind')]);
      assert.deepEqual(await client.admin.ends(name), [1]);
      assert.deepEqual(await client.admin.nexts(name), [3]);
      const following = await follow();
      await following.caughtUp();
      assert.deepEqual(following.values(), ['before']);
      await open.commit();
      await following.settled();
      assert.deepEqual(following.values(), ['before', 'open', 'behind']);
    }));
}

function catchingUp(which: KafkaAdapter): void {
  it('hands over one piece at a time, and nothing more until it was taken', () =>
    onTopic(which, { partitions: 3 }, async (ground) => {
      for (const partition of [0, 1, 2]) await write(ground, partition, 50);
      let now = 0;
      let most = 0;
      const seen: KafkaRecord[] = [];
      const gate = Promise.withResolvers<void>();
      const following = await ground.follow({
        async onRecords(records) {
          now += 1;
          most = Math.max(most, now);
          await gate.promise;
          await sleep(1);
          seen.push(...records);
          now -= 1;
        },
      });
      await until(() => now > 0);
      let caughtUp = false;
      const waiting = following.caughtUp().then(() => {
        caughtUp = true;
      });
      await sleep(600);
      assert.deepEqual([most, seen.length, caughtUp], [1, 0, false]);
      gate.resolve();
      await waiting;
      assert.deepEqual([most, seen.length], [1, 150]);
      for (const of of Map.groupBy(seen, ({ partition }) => partition).values()) {
        const offsets = of.map(({ offset }) => offset);
        assert.deepEqual(
          offsets,
          offsets.map((_, i) => i),
        );
      }
    }));

  it('hands over again what its receiver failed to take, tells of it, and leaves nothing out', () =>
    onTopic(which, {}, async (ground) => {
      await write(ground, 0, 5);
      let failures = 2;
      const seen: KafkaRecord[] = [];
      const following = await ground.follow({
        async onRecords(records) {
          failures -= 1;
          if (failures >= 0) throw new Error('not now');
          seen.push(...records);
        },
      });
      await following.caughtUp();
      assert.equal(following.troubles.length, 2);
      assert.deepEqual(placesOf(seen), ['0:0', '0:1', '0:2', '0:3', '0:4']);
    }));
}

function handing(which: KafkaAdapter): void {
  it('ends for good: after stop nothing comes, and who waits is told', () =>
    onTopic(which, {}, async (ground) => {
      const following = await ground.follow({ onRecords: () => new Promise(() => undefined) });
      await write(ground, 0, 1);
      const waiting = assert.rejects(following.caughtUp(), /stopped/);
      await sleep(100);
      await following.stop();
      await waiting;
      const other = await ground.follow();
      await other.stop();
      await write(ground, 0, 1);
      await sleep(400);
      assert.deepEqual(other.seen, []);
    }));

  it('reads a really compacted topic: gaps, last values and tombstones', () =>
    onTopic(which, { configs: COMPACTED }, async (ground) => {
      const { client, name, message, follow } = ground;
      const producer = client.producer({ transactionalId: name });
      await producer.open();
      for (let round = 0; round < 6; round += 1) {
        const transaction = await producer.begin();
        const value = round === 5 ? null : `${round}`;
        await transaction.send([message('a', `${round}`), message('b', value)]);
        await transaction.commit();
        await sleep(250);
      }
      const full = await client.admin.nexts(name);
      const held = async (): Promise<KafkaRecord[]> => {
        const following = await follow();
        await following.caughtUp();
        await following.stop();
        return following.seen;
      };
      // What was written last is in the open segment, which is never compacted.
      await until(async () => {
        await write(ground, 0, 1, 'c');
        await sleep(300);
        const of = (await held()).filter(({ offset }) => offset < (full[0] ?? 0));
        return of.length === 2;
      });
      const of = (await held()).filter(({ key }) => String(key) !== 'c');
      assert.deepEqual(
        of.map(({ key, value }) => [String(key), value && String(value)]),
        [
          ['a', '5'],
          ['b', null],
        ],
      );
      assert.equal(of[0]?.offset, 15);
    }));
}

async function write(
  { client, message }: Ground,
  partition: number,
  count: number,
  key = 'k',
): Promise<void> {
  const producer = client.producer();
  await producer.open();
  const values = Array.from({ length: count }, (_, i) => message(key, `${i}`, partition));
  await producer.send(values);
  await producer.close();
}

function placesOf(records: readonly KafkaRecord[]): string[] {
  return records.map(({ partition, offset }) => `${partition}:${offset}`);
}
