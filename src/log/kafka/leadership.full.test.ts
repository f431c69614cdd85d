import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sharedKafka } from '../../../test/support/parts.ts';
import { sleep } from '../../kernel/clock.ts';
import type { KafkaClient } from './client.ts';
import { createKafkaClient } from './create.ts';
import { createLeadership } from './leadership.ts';

const TAKEOVER_MS = 20_000;

let clients: KafkaClient[];
let topic: string;

before(async () => {
  const { address, prefix } = await sharedKafka();
  topic = `${prefix}leaders`;
  const connection = { brokers: [address], clientId: 'leadership' };
  clients = Array.from({ length: 3 }, () => createKafkaClient(connection, 'platformatic'));
  await clients[0]?.admin.create([{ topic, partitions: 1, replication: 1, configs: {} }]);
});
after(() => Promise.all(clients.map((client) => client.close())));

test('one of three leads; when it stops or goes, another begins after it has ended', async () => {
  const story: string[] = [];
  const candidates = clients.map((client, index) => {
    const onTrouble = (): void => undefined;
    const one = createLeadership({ client, topic, groupId: `${topic}-group`, onTrouble });
    one.onGained(() => story.push(`${index} begins`));
    one.onLost(async () => {
      await sleep(50);
      story.push(`${index} ended`);
    });
    return one;
  });
  await Promise.all(candidates.map((one) => one.start()));
  for (let left = candidates.length; left > 0; left--) {
    const leading = await leaderOf(candidates);
    assert.equal(candidates.filter((one) => one.leads).length, 1);
    await leading.stop();
    assert.equal(leading.leads, false);
  }
  // A leader that keeps its office over a rebalance may be told of both, in this order.
  const office = story.map((line) => line.split(' '));
  for (const [at, [who, what]] of office.entries()) {
    if (what !== 'ended') continue;
    assert.deepEqual(office[at - 1], [who, 'begins'], story.join(', '));
  }
  assert.equal(new Set(office.map(([who]) => who)).size, 3, story.join(', '));
});

async function leaderOf<T extends { readonly leads: boolean }>(all: readonly T[]): Promise<T> {
  const giveUpAtMs = Date.now() + TAKEOVER_MS;
  for (;;) {
    const leading = all.find((one) => one.leads);
    if (leading !== undefined) return leading;
    if (Date.now() > giveUpAtMs) throw new Error('nobody leads');
    await sleep(20);
  }
}
