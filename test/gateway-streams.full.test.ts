import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { fromJson } from '@bufbuild/protobuf';
import { eventOfType } from '../src/contract/events/catalog.ts';
import { callOf, ear, hubRig, principalOf } from '../src/gateway/streams/hub.rig.ts';
import { RedisLog } from '../src/gateway/streams/redis-log.ts';
import { sleep, systemClock } from '../src/kernel/clock.ts';
import { sealingKeyFrom } from '../src/log/consumers/sealing.ts';
import { applyTopics } from '../src/log/kafka/apply-topics.ts';
import { createKafkaClient } from '../src/log/kafka/create.ts';
import { createEventTopics } from '../src/log/kafka/event-topics.ts';
import { topicSpecs } from '../src/log/kafka/topics.ts';
import { type RedisPart, redis, sharedKafka } from './support/parts.ts';
import { proxy } from './support/proxy.ts';
import { redisLink, type TestLink } from './support/redis-link.ts';

/** The channel log over a real Redis and a real Kafka, which are broken where it hurts. */
const STREAM = 'member:ana';
const TAKER = new URL('./support/event-taker.ts', import.meta.url).pathname;

let store: RedisPart;
const links: TestLink[] = [];
const children: ChildProcess[] = [];

before(async () => {
  store = await redis();
});
after(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const link of links) await link.stop();
  await store.stop();
});

async function logOf(prefix: string, listenAt?: string): Promise<RedisLog> {
  const made = await redisLink(prefix, store.address, listenAt);
  links.push(made);
  const log = new RedisLog({ redis: made.link, report: () => undefined });
  await log.start();
  return log;
}

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, what);
    await sleep(20);
  }
}

test('B-GW-1: T9 who is killed between the log and the commit has written each event once', async () => {
  const { address, prefix } = await sharedKafka();
  const client = createKafkaClient({ brokers: [address], clientId: 'crash' }, 'platformatic');
  const specs = topicSpecs({ prefix, partitions: 2, replication: 1 });
  await applyTopics(
    client.admin,
    specs.filter(({ topic }) => topic.includes('call-notifications')),
  );
  const topics = createEventTopics({
    ...{ client, topicPrefix: prefix, groupPrefix: prefix, clock: systemClock },
    ...{ keys: [sealingKeyFrom(new Uint8Array(32))], onTrouble: () => undefined },
  });
  const schema = eventOfType('call.ready')?.schema;
  assert.ok(schema);
  const time = new Date().toISOString();
  const ids = Array.from({ length: 20 }, (_, n) => `e${n}`);
  for (const id of ids) {
    const header = { id, type: 'call.ready', tenant: 'demo', member: 'ana', time };
    const message = fromJson(schema, { header, member: 'ana', callId: id });
    await topics.publish('call.ready', 'ana', message);
  }
  const log = await logOf(prefix);
  const start = { epoch: (await log.read(STREAM)).epoch, offset: 0 };
  const take = (dieAfter: string) => {
    const args = [TAKER, address, store.address, prefix, dieAfter];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  };
  for (const dieAfter of ['e6', 'e13']) {
    const [, signal] = (await once(take(dieAfter), 'exit')) as [unknown, string];
    assert.equal(signal, 'SIGKILL');
  }
  const last = take('never');
  const entries = async () => {
    const read = await log.read(STREAM, start);
    assert.ok(read.recovered);
    return read.entries.map(({ event }) => event.id);
  };
  await until(async () => (await entries()).length >= ids.length, 'all are there');
  await sleep(500);
  assert.deepEqual(await entries(), ids);
  last.kill('SIGKILL');
  await topics.stop();
  await client.close();
});

test('B-GW-4: T18 a message that Redis does not pass on is found, and a lost Redis is said', async () => {
  const way = await proxy(store.address);
  const writer = await logOf('t18');
  const heardBy = await logOf('t18', way.address);
  const rig = hubRig({ log: heardBy, lookMs: 200 });
  await rig.hub.start();
  const listener = ear(principalOf('ana'));
  await rig.hub.subscribe(listener, [STREAM], new Map(), () => undefined);
  const publish = (id: string) => writer.append(STREAM, callOf(id, 'ana'), [id]);
  await sleep(200);
  await publish('e1');
  await until(() => listener.ids.length === 1, 'e1 by a message');
  way.cut();
  await publish('e2');
  await publish('e3');
  await until(() => listener.ids.length === 3, 'both by a look');
  way.restore();
  await store.restart();
  await until(() => !writer.degraded && !heardBy.degraded, 'Redis is back');
  await until(() => listener.gaps.length === 1, 'the gap is said');
  await publish('e4');
  await until(() => listener.ids.length === 4, 'e4 after the gap');
  assert.deepEqual(listener.ids, ['e1', 'e2', 'e3', 'e4']);
  assert.ok(listener.gaps.every((gap) => 'reason' in gap && gap.reason === 'epoch_changed'));
  await rig.hub.stop();
  await way.stop();
});
