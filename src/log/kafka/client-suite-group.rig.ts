import assert from 'node:assert/strict';
import { it } from 'node:test';
import { sleep } from '../../kernel/clock.ts';
import { type KafkaGroup, type KafkaRecord, Revoked, type TopicPartition } from './client.ts';
import { type Ground, onTopic, until } from './client-suite.rig.ts';
import type { KafkaAdapter } from './create.ts';

interface Member extends KafkaGroup {
  readonly name: string;
  readonly seen: KafkaRecord[];
  readonly held: Set<number>;
}

/** What members were told, in the order of telling: `a+0`, `a-0`. */
type Told = string[];

export function groupSuite(which: KafkaAdapter): void {
  sharing(which);
  offsets(which);
  flow(which);
}

function sharing(which: KafkaAdapter): void {
  it('shares partitions, each with one member, and gives up before another has them', () =>
    onTopic(which, { partitions: 4 }, async (ground) => {
      const told: Told = [];
      const a = memberOf(ground, 'a', told);
      await a.start();
      await until(() => a.held.size === 4);
      const b = memberOf(ground, 'b', told);
      await b.start();
      await until(() => a.held.size === 2 && b.held.size === 2);
      assert.deepEqual([...a.held, ...b.held].toSorted(), [0, 1, 2, 3]);
      for (const partition of b.held) {
        assert.ok(told.indexOf(`a-${partition}`) < told.indexOf(`b+${partition}`), told.join(' '));
        assert.ok(told.includes(`a-${partition}`));
      }
      await write(ground, 20);
      await until(() => a.seen.length + b.seen.length === 80);
      for (const { held, seen } of [a, b]) {
        assert.ok(seen.every(({ partition }) => held.has(partition)));
      }
      await a.stop();
      await until(() => b.held.size === 4);
      await b.stop();
      assert.equal(b.held.size, 0);
    }));

  it('goes on at committed offsets, and begins elsewhere at the start or the end as asked', () =>
    onTopic(which, {}, async (ground) => {
      const { name } = ground;
      await write(ground, 10);
      const first = memberOf(ground, 'first', []);
      await first.start();
      await until(() => first.seen.length === 10);
      await first.commit([{ topic: name, partition: 0, offset: 6 }]);
      await first.stop();
      const second = memberOf(ground, 'second', []);
      await second.start();
      await until(() => second.seen.length > 0);
      assert.deepEqual(
        second.seen.map(({ offset }) => offset),
        [6, 7, 8, 9],
      );
      await second.stop();
      const latest = memberOf(ground, 'latest', [], { groupId: `${name}-2`, start: 'latest' });
      await latest.start();
      await until(() => latest.held.size === 1);
      await write(ground, 1);
      await until(() => latest.seen.length > 0);
      assert.equal(latest.seen[0]?.offset, 10);
      await latest.stop();
    }));
}

function offsets(which: KafkaAdapter): void {
  it('refuses the commit of a partition that is no longer ours', () =>
    onTopic(which, { partitions: 2 }, async (ground) => {
      const { name } = ground;
      const a = memberOf(ground, 'a', []);
      await a.start();
      await until(() => a.held.size === 2);
      const b = memberOf(ground, 'b', []);
      await b.start();
      await until(() => a.held.size === 1 && b.held.size === 1);
      const [given = -1] = b.held;
      const place = { topic: name, partition: given, offset: 1 };
      await assert.rejects(a.commit([place]), Revoked);
      await b.commit([place]);
      await b.stop();
      await a.stop();
      await assert.rejects(b.commit([place]), Revoked);
    }));

  it('lets the last commit be made while partitions are given up, work in hand finished', () =>
    onTopic(which, {}, async (ground) => {
      const { client, name } = ground;
      await write(ground, 5);
      const done: number[] = [];
      const a = client.group({
        groupId: name,
        topics: [name],
        async onRecords(records) {
          await sleep(300);
          done.push(...records.map(({ offset }) => offset));
        },
        async onRevoked([place]) {
          assert.equal(done.length, 5);
          if (place) await a.commit([{ ...place, offset: 5 }]);
        },
        onTrouble: () => undefined,
      });
      await a.start();
      await sleep(100);
      await a.stop();
      assert.deepEqual(done, [0, 1, 2, 3, 4]);
      await write(ground, 1);
      const b = memberOf(ground, 'b', []);
      await b.start();
      await until(() => b.seen.length > 0);
      assert.equal(b.seen[0]?.offset, 5);
      await b.stop();
    }));

  it('stops and starts the coming of a partition; the others go on', () =>
    onTopic(which, { partitions: 2 }, async (ground) => {
      const { name } = ground;
      const a = memberOf(ground, 'a', []);
      await a.start();
      await until(() => a.held.size === 2);
      a.pause([{ topic: name, partition: 0 }]);
      await write(ground, 3);
      await until(() => a.seen.length === 3);
      await sleep(500);
      assert.deepEqual(new Set(a.seen.map(({ partition }) => partition)), new Set([1]));
      a.resume([{ topic: name, partition: 0 }]);
      await until(() => a.seen.length === 6);
      await a.stop();
    }));
}

function flow(which: KafkaAdapter): void {
  it('handles partitions side by side, each in its order', () =>
    onTopic(which, { partitions: 2 }, async (ground) => {
      await write(ground, 3);
      const gate = Promise.withResolvers<void>();
      const seen: KafkaRecord[] = [];
      const a = memberOf(ground, 'a', [], {
        async onRecords(records) {
          if (records[0]?.partition === 0) await gate.promise;
          seen.push(...records);
        },
      });
      await a.start();
      await until(() => seen.length === 3);
      assert.ok(seen.every(({ partition }) => partition === 1));
      gate.resolve();
      await until(() => seen.length === 6);
      await a.stop();
    }));

  it('keeps its partitions while a handler takes longer than a session', () =>
    onTopic(which, {}, async (ground) => {
      await write(ground, 1);
      const told: Told = [];
      const handled = Promise.withResolvers<void>();
      const a = memberOf(ground, 'a', told, {
        sessionTimeoutMs: 6_000,
        onRecords: () => sleep(9_000).then(handled.resolve),
      });
      await a.start();
      await handled.promise;
      assert.deepEqual(told, ['a+0']);
      await a.commit([{ topic: ground.name, partition: 0, offset: 1 }]);
      await a.stop();
    }));
}

function memberOf(
  { client, name: topic }: Ground,
  name: string,
  told: Told,
  options: Partial<Parameters<Ground['client']['group']>[0]> = {},
): Member {
  const seen: KafkaRecord[] = [];
  const held = new Set<number>();
  const tell = (sign: '+' | '-', partitions: readonly TopicPartition[]): void => {
    for (const { partition } of partitions) {
      told.push(`${name}${sign}${partition}`);
      if (sign === '+') held.add(partition);
      else held.delete(partition);
    }
  };
  const group = client.group({
    groupId: topic,
    topics: [topic],
    onAssigned: async (partitions) => tell('+', partitions),
    onRevoked: async (partitions) => tell('-', partitions),
    onRecords: async (records) => void seen.push(...records),
    onTrouble: () => undefined,
    ...options,
  });
  return {
    ...{ name, seen, held },
    start: () => group.start(),
    stop: () => group.stop(),
    commit: (places) => group.commit(places),
    pause: (partitions) => group.pause(partitions),
    resume: (partitions) => group.resume(partitions),
  };
}

/** So many records into each partition. */
async function write({ client, name, message }: Ground, count: number): Promise<void> {
  const [description] = await client.admin.describe([name]);
  const producer = client.producer();
  await producer.open();
  for (let partition = 0; partition < (description?.partitions ?? 0); partition += 1) {
    const values = Array.from({ length: count }, (_, i) => message('k', `${i}`, partition));
    await producer.send(values);
  }
  await producer.close();
}
