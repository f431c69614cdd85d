import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sleep } from '../src/kernel/clock.ts';
import { createKafkaClient } from '../src/log/kafka/create.ts';
import { readDocument } from './support/ask.ts';
import { type Cluster, cluster } from './support/cluster.ts';
import { Ledger, numberIn, profileOf } from './support/ledger.ts';
import { kcat, sharedKafka } from './support/parts.ts';
import type { TestServer } from './support/server.ts';
import { listen } from './support/streams.ts';

/** Several instances on one Kafka: no second truth, whoever of them decides, reads or dies. */
const MEMBERS = Array.from({ length: 6 }, (_, index) => `ledger-${index}`);
const READER = 'reader';
/** Reads nothing, and is told; and whoever has no relation to any member. */
const WATCHER = 'watcher';
const OUTSIDER = 'outsider';
const MIN_POSITION = 'io.digital-twin/minPosition';

let group: Cluster;
let a: TestServer;
let b: TestServer;
let ledger: Ledger;

before(async () => {
  const { address, prefix, env } = await sharedKafka();
  ledger = new Ledger(MEMBERS, { brokers: address, prefix });
  group = await cluster(env);
  a = await group.start();
  await compactSoon(address, prefix);
  b = await group.start();
  for (const member of MEMBERS) {
    assert.equal(await ledger.write(a, member), 'written');
  }
  for (const who of [READER, WATCHER]) {
    await a.relations('touch', ...MEMBERS.map((member) => `member:${member}#self@user:${who}`));
  }
  await reads(b);
  ledger.watch(() => a, WATCHER, OUTSIDER);
  ledger.watch(() => b, WATCHER, OUTSIDER);
});
after(async () => {
  await ledger?.stop();
  await group?.stop();
});

/**
 * From here on Kafka really compacts what the decider, the relations and the publisher are restored
 * from. The sources keep every version: the ledger compares each.
 */
const COMPACTED = ['twins.decider', 'twins.directory', 'twins.publisher', 'access.relationships'];

async function compactSoon(address: string, prefix: string): Promise<void> {
  const client = createKafkaClient({ brokers: [address], clientId: 'compacting' }, 'platformatic');
  for (const topic of COMPACTED) {
    await client.admin.alterConfigs(`${prefix}${topic}`, {
      'segment.ms': '100',
      'max.compaction.lag.ms': '100',
      'min.cleanable.dirty.ratio': '0.01',
    });
  }
  await client.close();
}

/** Until few versions are left of what was written over, which are most as long as none is removed. */
async function compacted(): Promise<void> {
  const { KAFKA_BROKERS: address = '', KAFKA_TOPIC_PREFIX: prefix } = group.env;
  const from = ['-C', '-b', address, '-t', `${prefix}twins.decider`, '-o', 'beginning'];
  for (let tries = 0; ; tries += 1) {
    const keys = (await kcat([...from, '-e', '-q', '-f', '%k\n'])).trim().split('\n');
    const older = keys.length - new Set(keys).size;
    if (older < keys.length / 4) return;
    assert.ok(tries < 60, `${older} of ${keys.length} were written over, and are there`);
    await writeOn([a, b], 1);
    await sleep(500);
  }
}

/** A grant that was written on one instance is known on the other a moment later. */
async function reads(server: TestServer): Promise<void> {
  const token = await server.token(READER);
  for (const member of MEMBERS) {
    const refusal = async (): Promise<unknown> =>
      await readDocument(server, token, profileOf(member)).then(
        () => undefined,
        (error: unknown) => error,
      );
    for (let tries = 0; ; tries += 1) {
      const why = await refusal();
      if (why === undefined) break;
      assert.ok(tries < 100, `${member} can be read: ${why}; the server says ${server.output()}`);
      await sleep(50);
    }
  }
}

async function writeOn(servers: readonly TestServer[], rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    await Promise.all(
      MEMBERS.map(async (member, index) => {
        const server = servers[(round + index) % servers.length];
        if (server !== undefined) await ledger.write(server, member);
      }),
    );
  }
}

test('P4: writes on two instances have one order, and the same etags come of them', async () => {
  await writeOn([a, b], 5);
  assert.equal(ledger.acknowledged.length, MEMBERS.length * 6);
  await ledger.check([a, b], READER);
});

test('P3: a position of one instance is honoured by the other, and so is its notification', async () => {
  const [member = ''] = MEMBERS;
  const stream = await listen(b, await b.token(READER), [profileOf(member)]);
  await ledger.write(a, member);
  const last = ledger.acknowledged.at(-1);
  const token = await b.token(READER);
  const meta = { [MIN_POSITION]: last?.position };
  const { data, etag } = await readDocument(b, token, profileOf(member), meta);
  assert.equal(numberIn(data), last?.number);
  await stream.heardOf(etag);
  stream.close();
});

test('F3, F20: the deciding instance is killed: nothing acknowledged is lost, the other goes on', async () => {
  const writing = writeOn([b], 12);
  await sleep(200);
  await a.kill();
  await writing;
  await writeOn([b], 2);
  a = await group.start(a.dataDir);
  await ledger.check([a, b], READER);
});

test('F14: a paused instance that believes it still decides is fenced when it wakes', async () => {
  process.kill(b.pid, 'SIGSTOP');
  try {
    await writeOn([a], 8);
  } finally {
    process.kill(b.pid, 'SIGCONT');
  }
  await writeOn([a, b], 4);
  await ledger.check([a, b], READER);
});

test('F19: instances are replaced one after the other while others write', async () => {
  const writing = writeOn([a], 10);
  assert.equal(await b.stop(), 0);
  b = await group.start(b.dataDir);
  await writing;
  const more = writeOn([b], 10);
  assert.equal(await a.stop(), 0);
  a = await group.start(a.dataDir);
  await more;
  await ledger.check([a, b], READER);
});

test('P2: a third instance without a view comes to the same etags from the log alone', async () => {
  await compacted();
  const c = await group.start();
  await reads(c);
  await ledger.check([a, b, c], READER);
});
