import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { type KafkaPart, kafka, proxiedKafka } from '../../../test/support/parts.ts';
import type { KafkaClient } from './client.ts';
import { clientOf, groundOf, until } from './client-suite.rig.ts';
import type { KafkaAdapter } from './create.ts';

/** On a broker of its own, which it kills, starts again and cuts off. */
export function brokerSuite(which: KafkaAdapter): void {
  const own = new Own();
  before(() => own.start(which));
  after(() => own.stop());
  restarts(own);
  memberships(own);
  cutOff(which);
}

class Own {
  #part: KafkaPart | undefined;
  #client: KafkaClient | undefined;
  #topics = 0;

  get part(): KafkaPart {
    assert.ok(this.#part);
    return this.#part;
  }

  get client(): KafkaClient {
    assert.ok(this.#client);
    return this.#client;
  }

  async start(which: KafkaAdapter): Promise<void> {
    this.#part = await kafka();
    this.#client = clientOf(which, { brokers: [this.#part.address] });
  }

  async stop(): Promise<void> {
    await this.#client?.close();
    await this.#part?.stop();
  }

  async topic(): Promise<string> {
    this.#topics += 1;
    const topic = `broker-${this.#topics}`;
    await this.client.admin.create([{ topic, partitions: 1, replication: 1, configs: {} }]);
    return topic;
  }
}

function restarts(own: Own): void {
  it('reads and writes on after the broker was killed and started again', async () => {
    const name = await own.topic();
    const { message, follow } = groundOf(own.client, own.part.address, name, 1);
    const following = await follow();
    const producer = own.client.producer();
    await producer.open();
    await producer.send([message('k', 'before')]);
    await following.caughtUp();
    await own.part.kill();
    const during = producer.send([message('k', 'during')]);
    await until(() => following.troubles.length > 0);
    await own.part.restart();
    await during;
    await producer.send([message('k', 'after')]);
    await following.caughtUp();
    assert.deepEqual(following.values(), ['before', 'during', 'after']);
    await following.stop();
  });

  it('has a transaction that a restart fell into either whole or not at all', async () => {
    const name = await own.topic();
    const { message, follow } = groundOf(own.client, own.part.address, name, 1);
    const producer = own.client.producer({ transactionalId: name });
    await producer.open();
    const transaction = await producer.begin();
    await transaction.send([message('k', 'one')]);
    const restarting = own.part.restart();
    const ended = await transaction
      .send([message('k', 'two')])
      .then(() => transaction.commit())
      .then(() => true)
      .catch(() => false);
    await restarting;
    const successor = own.client.producer({ transactionalId: name });
    await successor.open();
    const next = await successor.begin();
    await next.send([message('k', 'next')]);
    await next.commit();
    const following = await follow();
    await following.settled();
    const values = following.values();
    const whole = values.length === 3;
    assert.deepEqual(values, whole ? ['one', 'two', 'next'] : ['next']);
    if (ended) assert.ok(whole, 'what was said to be committed is there');
    await following.stop();
  });
}

function memberships(own: Own): void {
  it('is a member of its group again after a restart, at its committed offset', async () => {
    const name = await own.topic();
    const { message } = groundOf(own.client, own.part.address, name, 1);
    const seen: number[] = [];
    let held = 0;
    const group = own.client.group({
      groupId: name,
      topics: [name],
      sessionTimeoutMs: 6_000,
      onAssigned: async (partitions) => {
        held += partitions.length;
      },
      onRevoked: async (partitions) => {
        held -= partitions.length;
      },
      async onRecords(records) {
        for (const { offset } of records) {
          seen.push(offset);
          await group.commit([{ topic: name, partition: 0, offset: offset + 1 }]);
        }
      },
      onTrouble: () => undefined,
    });
    await group.start();
    const producer = own.client.producer();
    await producer.open();
    await producer.send([message('k', 'a')]);
    await until(() => seen.length === 1);
    await own.part.restart();
    await producer.send([message('k', 'b')]);
    await until(() => seen.includes(1));
    assert.ok(held <= 1);
    await group.commit([{ topic: name, partition: 0, offset: 2 }]);
    await group.stop();
  });
}

function cutOff(which: KafkaAdapter): void {
  it('gives its partitions up by itself when it is cut off, and another has them', async () => {
    const apart = await proxiedKafka(1);
    const [way] = apart.proxies;
    assert.ok(way);
    const near = clientOf(which, { brokers: [apart.address] });
    const cutOff = clientOf(which, { brokers: [way.address] });
    try {
      const name = 'cut-off';
      await near.admin.create([{ topic: name, partitions: 1, replication: 1, configs: {} }]);
      const told: string[] = [];
      const options = (who: string) => ({
        groupId: name,
        topics: [name],
        sessionTimeoutMs: 2_000,
        onAssigned: async (of: readonly unknown[]) => void (of.length > 0 && told.push(`${who}+`)),
        onRevoked: async () => void told.push(`${who}-`),
        onRecords: async () => undefined,
        onTrouble: () => undefined,
      });
      const a = cutOff.group(options('a'));
      await a.start();
      await until(() => told.includes('a+'));
      way.silence();
      const b = near.group(options('b'));
      await b.start();
      await until(() => told.includes('b+') && told.includes('a-'));
      const place = { topic: name, partition: 0, offset: 0 };
      await assert.rejects(a.commit([place]));
      await b.commit([place]);
      assert.ok(told.indexOf('a-') < told.indexOf('b+'), told.join(' '));
      way.restore();
      await b.stop();
      await until(() => told.lastIndexOf('a+') > told.indexOf('a-'));
      await a.stop();
    } finally {
      await Promise.all([near.close(), cutOff.close()]);
      await apart.stop();
    }
  });
}
