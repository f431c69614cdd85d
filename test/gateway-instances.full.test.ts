import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { createKafkaClient } from '../src/log/kafka/create.ts';
import { bundleOf, patient } from './support/changes.ts';
import { type Cluster, cluster } from './support/cluster.ts';
import { type RedisPart, redis, sharedKafka } from './support/parts.ts';
import { ofMember, realtime } from './support/realtime.ts';
import { onKafka, overHttp, RealtimeLedger } from './support/realtime-ledger.ts';
import type { TestServer } from './support/server.ts';

/**
 * Three instances on one Kafka and one Redis. Numbered events are published while one instance is
 * killed and another is stopped: the ledger says whether anybody missed, repeated or overheard one.
 */
const MEMBERS = Array.from({ length: 12 }, (_, n) => `ledger-${n}`);

/** Besides what a start takes. */
const GAP_MS = 3_000;

let store: RedisPart;
let deployment: Cluster;
let servers: TestServer[];

before(async () => {
  const [{ env }, redisPart] = await Promise.all([sharedKafka(), redis()]);
  store = redisPart;
  deployment = await cluster({ ...env, ...store.env, REQUESTS_PER_SECOND: '5000' });
  const first = await deployment.start();
  const bundle = bundleOf(...MEMBERS.map((member) => patient(member)));
  assert.equal((await first.importBundle(bundle)).status, 201);
  for (const member of MEMBERS) {
    await first.relations('touch', `member:${member}#self@user:u-${member}`);
  }
  servers = [first, ...(await Promise.all([deployment.start(), deployment.start()]))];
});
after(async () => {
  await deployment.stop();
  await store.stop();
});

test('B-GW-4 B-GW-1: T8 over a killed, a stopped and a new instance nothing is lost, repeated, reordered or overheard', async (t) => {
  const [first, second, third] = servers;
  assert.ok(first && second && third);
  const ledger = new RealtimeLedger(MEMBERS, overHttp(first, 'first'));
  await ledger.connect([second, third, first], 2);
  let stop = false;
  const publishing = ledger.publishUntil(() => stop);

  await sleep(1_500);
  await second.kill();
  ledger.use([first, third]);
  await sleep(3_000);
  const again = await deployment.start(second.dataDir);
  ledger.use([first, third, again]);
  await sleep(1_500);
  await third.stop();
  ledger.use([first, again]);
  await sleep(2_000);
  stop = true;

  await publishing;
  await ledger.everythingHeard();

  const { published, reconnects, servers: visited } = ledger.verify();
  t.diagnostic(JSON.stringify({ published, reconnects, visited }));
  assert.ok(published > 200, `${published} published`);
  assert.ok(visited >= 4, `${visited} servers`);
  assert.ok(reconnects >= MEMBERS.length, `${reconnects} reconnects`);
  ledger.close();
  servers = [first, again];
});

test('B-GW-3: T8 T18 a Redis that is restarted under load is said to everybody who misses something', async (t) => {
  const [first, second] = servers;
  assert.ok(first && second);
  const ledger = new RealtimeLedger(MEMBERS, overHttp(first, 'again'));
  await ledger.connect([first, second], 1);
  let stop = false;
  const publishing = ledger.publishUntil(() => stop);
  await sleep(1_000);
  await store.restart();
  await sleep(3_000);
  stop = true;
  await publishing;
  await ledger.newestHeard();
  const { gaps } = ledger.verifyGaps();
  t.diagnostic(JSON.stringify({ gaps }));
  assert.ok(gaps >= MEMBERS.length, `${gaps} gaps were said`);
  ledger.close();
});

test('B-GW-4 B-GW-1: T12 over seconds without any instance, while backends go on, nothing is lost, repeated, reordered or overheard', async (t) => {
  const [first, second] = servers;
  assert.ok(first && second);
  const { KAFKA_BROKERS: address = '', KAFKA_TOPIC_PREFIX: prefix = '' } = deployment.env;
  const client = createKafkaClient({ brokers: [address], clientId: 'backend' }, 'platformatic');
  const producer = client.producer();
  await producer.open();
  const publish = onKafka(producer, `${prefix}call-notifications`, 'gap');
  const ledger = new RealtimeLedger(MEMBERS, publish);
  await ledger.connect([first, second], 2);
  let stop = false;
  const publishing = ledger.publishUntil(() => stop);
  await sleep(1_000);
  const goneAt = performance.now();
  await Promise.all([first.kill(), second.kill()]);
  await sleep(GAP_MS);
  servers = await Promise.all([first, second].map((one) => deployment.start(one.dataDir)));
  const gapMs = Math.round(performance.now() - goneAt);
  ledger.use(servers);
  await sleep(1_500);
  stop = true;
  await publishing;
  await ledger.everythingHeard();
  const { published, reconnects } = ledger.verify();
  t.diagnostic(JSON.stringify({ gapMs, published, reconnects }));
  assert.ok(reconnects >= 2 * MEMBERS.length, `${reconnects} reconnects`);
  ledger.close();
  await producer.close();
  await client.close();
});

test('B-GW-8: T16 presence over instances: two tabs are one, and a killed instance is noticed', async () => {
  const [first, second] = servers;
  assert.ok(first && second);
  const [member = ''] = MEMBERS;
  await first.relations('touch', `member:${member}#delegate@user:dora`);
  const watcher = await realtime(first, await first.token(`u-${member}`));
  await watcher.subscribe({ id: 'p', topics: ['presence'], filters: ofMember(member) });
  const tabs = await Promise.all(
    [first, second].map(async (server) => await realtime(server, await server.token('dora'))),
  );
  for (const tab of tabs) tab.say({ type: 'presence', member, action: 'join' });
  const said = () =>
    watcher.heard.flatMap((one) =>
      'event' in one && one.event !== 'state' ? [`${one.event} ${one.users[0]?.id}`] : [],
    );
  await watcher.until(() => said().length > 0, 'member_added');
  tabs[0]?.close();
  await sleep(4_500);
  assert.deepEqual(said(), ['member_added dora'], 'she is still there by her other tab');
  const killedAt = Date.now();
  await second.kill();
  await watcher.until(() => said().length > 1, 'member_removed');
  assert.ok(Date.now() - killedAt < 15_000, `${Date.now() - killedAt} ms`);
  await sleep(2_500);
  assert.deepEqual(said(), ['member_added dora', 'member_removed dora']);
  watcher.close();
});
