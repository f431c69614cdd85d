import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Redis } from 'ioredis';
import { sleep } from '../src/kernel/clock.ts';
import { decodeCheckStep } from '../src/log/events/index.ts';
import type { CheckStep } from '../src/twin/ports.ts';
import { type Cluster, cluster } from './support/cluster.ts';
import {
  ask,
  decides,
  ended,
  look,
  memberAt,
  membersWithPlans,
  type TestClearinghouse,
  testClearinghouse,
} from './support/eligibility.ts';
import { type KafkaPart, kafka, type RedisPart, redis } from './support/parts.ts';
import { readTopic } from './support/records.ts';
import type { TestServer } from './support/server.ts';

/** Two instances on Kafka under load, whatever becomes of the one that decides. */
const SLOTS = 4;
const MEMBERS = 30;
/** A payer's second is 50 ms; T is 90 s of it, half a second more, and what a start may take. */
const SCALE = 0.05;
const T_MS = 9_000;
const ASKER = 'asker';

let broker: KafkaPart;
let store: RedisPart;
let house: TestClearinghouse;
let group: Cluster;
let servers: [TestServer, TestServer];
const accepted: string[] = [];

before(async () => {
  [broker, store, house] = await Promise.all([kafka(), redis(), testClearinghouse(SLOTS, SCALE)]);
  group = await cluster({ ...broker.env, ...store.env, ...house.env });
  const first = await group.start();
  servers = [first, await group.start()];
  await membersWithPlans(first, MEMBERS, ASKER);
});
after(async () => {
  await group?.stop();
  await Promise.all([house?.stop(), store?.stop(), broker?.stop()]);
});

/** The one that decides, and the other. */
async function active(): Promise<[TestServer, TestServer]> {
  for (let tries = 0; tries < 300; tries += 1) {
    const [a, b] = servers;
    if (await decides(a).catch(() => false)) return [a, b];
    if (await decides(b).catch(() => false)) return [b, a];
    await sleep(100);
  }
  throw new Error('nobody decides');
}

/** Fresh checks of all members, by these instances in turn; whoever has ended is left out. */
async function load(by: readonly TestServer[]): Promise<string[]> {
  const asked = Array.from({ length: MEMBERS }, async (_, index) => {
    const order = index % 2 === 0 ? by : by.toReversed();
    const question = { member: memberAt(index), mode: 'REQUIRE_FRESH' };
    const { checkId } = await ask(order, ASKER, question);
    accepted.push(checkId);
    return checkId;
  });
  return await Promise.all(asked);
}

/** All slots are taken: whatever is done now is done under load. */
async function loaded(): Promise<void> {
  for (let tries = 0; (await house.seen()).inFlight < SLOTS; tries += 1) {
    assert.ok(tries < 3_000, 'there was no load');
    await sleep(5);
  }
}

async function allEnded(server: TestServer, ids: readonly string[]): Promise<string[]> {
  const reports = await Promise.all(ids.map((id) => ended(server, ASKER, id)));
  return reports.map(({ status }) => status);
}

async function slotsKept(): Promise<void> {
  const { inFlightMax, refused } = await house.seen();
  assert.ok(inFlightMax <= SLOTS, `${inFlightMax} calls at once`);
  assert.ok(inFlightMax > 1, 'there was no load');
  assert.equal(refused, 0);
}

test('P8: the deciding instance is killed under load: each check ends, and no slot too many is taken', async () => {
  const [one, other] = await active();
  const loading = load([one, other]);
  await loaded();
  await one.kill();
  const ids = await loading;
  const states = await allEnded(other, ids);
  assert.deepEqual(
    states.filter((state) => state !== 'completed'),
    [],
  );
  await slotsKept();
  servers = [await group.start(one.dataDir), other];
  assert.deepEqual(await allEnded(servers[0], ids.slice(0, 3)), Array(3).fill('completed'));
});

test('P8: stopped for longer than T and woken, it calls nobody any more', async () => {
  const [one, other] = await active();
  const loading = load([other, one]);
  await loaded();
  process.kill(one.pid, 'SIGSTOP');
  const stoppedAt = performance.now();
  const ids = await loading;
  const states = await allEnded(other, ids);
  assert.deepEqual(
    states.filter((state) => state !== 'completed'),
    [],
  );
  await sleep(Math.max(0, T_MS - (performance.now() - stoppedAt)));
  const more = load([other]);
  await loaded();
  process.kill(one.pid, 'SIGCONT');
  await allEnded(other, await more);
  await slotsKept();
  // Whoever was stopped hears of everything, and of nothing twice.
  assert.deepEqual(await allEnded(one, ids.slice(0, 3)), Array(3).fill('completed'));
});

/** Those that this server tells as ended by now. */
async function endedBy(server: TestServer, ids: readonly string[]): Promise<Set<string>> {
  const reports = await Promise.all(ids.map((id) => look(server, ASKER, id)));
  return new Set(ids.filter((_, index) => reports[index]?.status === 'completed'));
}

test('Redis emptied and Kafka away under load: answers are polled meanwhile, and all ends', async () => {
  const [one, other] = await active();
  const from = accepted.length;
  const loading = load([one, other]);
  await loaded();
  const admin = new Redis(`redis://${store.address}`);
  await admin.flushall();
  admin.disconnect();
  await broker.kill();
  const asked = accepted.slice(from);
  const before = await endedBy(other, asked);
  for (let tries = 0; ; tries += 1) {
    const [here, there] = await Promise.all([endedBy(one, asked), endedBy(other, asked)]);
    const news = asked.filter((id) => here.has(id) && there.has(id) && !before.has(id));
    if (news.length > 0) break;
    assert.ok(tries < 300, 'no answer came through while Kafka was away');
    await sleep(100);
  }
  await broker.restart();
  const ids = [...(await loading), ...(await load([one, other]))];
  await allEnded(other, ids);
  assert.equal((await allEnded(one, ids)).length, ids.length);
  await slotsKept();
});

test('P8: in the journal each accepted check has exactly one end', async () => {
  const prefix = broker.env.KAFKA_TOPIC_PREFIX ?? '';
  const records = await readTopic(broker.address, `${prefix}rte.requests`);
  const steps = records.map(
    ({ key, value }): CheckStep =>
      decodeCheckStep({ key, value, headers: { type: Buffer.from('rte.v1.CheckJournalEntry') } }),
  );
  const ends = Map.groupBy(
    steps.filter(({ state }) => ['completed', 'failed', 'timed-out'].includes(state)),
    ({ checkId }) => checkId,
  );
  assert.ok(accepted.length >= 5 * MEMBERS);
  for (const id of accepted) assert.equal(ends.get(id)?.length, 1, id);
  const lost = steps.filter(({ reason }) => reason === 'BROKER_LOST');
  assert.ok(lost.length > 0 && lost.every((step) => step.mayHaveReachedPayer === true));
});
