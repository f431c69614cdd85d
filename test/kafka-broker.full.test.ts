import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { readDocument } from './support/ask.ts';
import { type Cluster, cluster } from './support/cluster.ts';
import { Ledger, profileOf } from './support/ledger.ts';
import { kafka } from './support/parts.ts';
import type { TestServer } from './support/server.ts';
import { listen, type RawStream } from './support/streams.ts';

/** The broker dies under two instances. */
const MEMBERS = Array.from({ length: 4 }, (_, index) => `broker-${index}`);
const READER = 'reader';
/** Reads nothing, and is told; and whoever has no relation to any member. */
const WATCHER = 'watcher';
const OUTSIDER = 'outsider';

let broker: Awaited<ReturnType<typeof kafka>>;
let group: Cluster;
let a: TestServer;
let b: TestServer;
let token: string;
let stream: RawStream | undefined;
let ledger: Ledger;

before(async () => {
  broker = await kafka();
  ledger = new Ledger(MEMBERS, { brokers: broker.address, prefix: '' });
  group = await cluster(broker.env);
  [a, b] = await Promise.all([group.start(), group.start()]);
  for (const member of MEMBERS) assert.equal(await ledger.write(a, member), 'written');
  for (const who of [READER, WATCHER]) {
    await a.relations('touch', ...MEMBERS.map((member) => `member:${member}#self@user:${who}`));
  }
  token = await b.token(READER);
  await readable();
  stream = await listen(b, token, MEMBERS.map(profileOf));
  ledger.watch(() => a, WATCHER, OUTSIDER);
  ledger.watch(() => b, WATCHER, OUTSIDER);
});
after(async () => {
  stream?.close();
  await ledger?.stop();
  await group?.stop();
  await broker?.stop();
});

async function readable(): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    const found = await Promise.allSettled(
      MEMBERS.map((member) => readDocument(b, token, profileOf(member))),
    );
    if (found.every(({ status }) => status === 'fulfilled')) return;
    await sleep(100);
  }
  assert.fail('the members can be read on the other instance');
}

async function etagsAreHeard(): Promise<void> {
  for (const member of MEMBERS) {
    const { etag } = await readDocument(b, token, profileOf(member));
    await stream?.heardOf(etag);
  }
}

async function writing(rounds: number, pauseMs: number): Promise<string[]> {
  const outcomes: string[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const some = MEMBERS.map((member, index) =>
      ledger.write((round + index) % 2 === 0 ? a : b, member),
    );
    outcomes.push(...(await Promise.all(some)));
    await sleep(pauseMs);
  }
  return outcomes;
}

test('F1: the broker is killed under writes: nothing acknowledged is lost or out of order', async () => {
  const under = writing(10, 100);
  await sleep(300);
  await broker.kill();
  await sleep(1_000);
  await broker.restart();
  await under;
  await writing(2, 0);
  await ledger.check([a, b], READER);
  await etagsAreHeard();
  assert.equal(stream?.ended, false, 'the stream stays open');
});

test('P6: a grant while the log is away is an error that says so, and changes nothing', async () => {
  await broker.kill();
  const [member = ''] = MEMBERS;
  await assert.rejects(
    a.relations('touch', `member:${member}#guardian@user:other`),
    /not granted|LOG_UNAVAILABLE|NOT_COMMITTED/i,
  );
  await broker.restart();
});
