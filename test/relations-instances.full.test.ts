/**
 * The relations of several instances on one real Kafka and one real SpiceDB: one writes, each offset
 * once, whoever fails; a revocation is answered when it is in force everywhere, or not at all.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createDecisions, type Decisions } from '../src/access/decisions.ts';
import { createRelations } from '../src/access/relations.ts';
import { parseRelation } from '../src/access/relations-text.ts';
import { markFilter } from '../src/access/spicedb/bookkeeping.ts';
import type { Engine } from '../src/access/spicedb/engine.ts';
import { connectEngine, type SpicedbConnection } from '../src/access/spicedb/grpc.ts';
import { applySchema } from '../src/access/spicedb/schema-check.ts';
import { systemClock as clock, sleep } from '../src/kernel/clock.ts';
import { type Service, startAll, stopAll } from '../src/kernel/lifecycle.ts';
import type { KafkaClient } from '../src/log/kafka/client.ts';
import { createKafkaClient } from '../src/log/kafka/create.ts';
import { createKafkaJournal } from '../src/log/kafka/journal.ts';
import { createLeadership } from '../src/log/kafka/leadership.ts';
import type { Leadership, Principal, RelationChange, Relations } from '../src/twin/ports.ts';
import { type SpicedbPart, sharedKafka, spicedb } from './support/parts.ts';
import { proxy, type TcpProxy } from './support/proxy.ts';

interface Instance {
  readonly decisions: Decisions;
  readonly relations: Relations;
  readonly leadership: Leadership & Service;
  /** Its way to SpiceDB. */
  readonly wire: TcpProxy;
  readonly troubles: unknown[];
  readonly services: readonly Service[];
}

let db: SpicedbPart;
let connection: SpicedbConnection;
let observer: Engine;
let prefix: string;
let address: string;
let admin: KafkaClient;
let instances: Instance[];

before(async () => {
  db = await spicedb();
  connection = { endpoint: db.address, token: db.token, tls: false };
  await applySchema(connection);
  observer = connectEngine(connection, clock);
  ({ address, prefix } = await sharedKafka());
  admin = createKafkaClient({ brokers: [address], clientId: 'admin' }, 'platformatic');
  const compacted = { 'cleanup.policy': 'compact' };
  await admin.admin.create(
    ['relations', 'leader'].map((name) => {
      return { topic: prefix + name, partitions: 1, replication: 1, configs: compacted };
    }),
  );
  instances = await Promise.all([open(), open(), open()]);
  await Promise.all(instances.map(({ services }) => startAll(services)));
  await leading();
});
after(async () => {
  await Promise.all(instances.map(({ services }) => stopAll(services)));
  await Promise.all(instances.map(({ wire }) => wire.stop()));
  await observer.close();
  await admin.close();
  await db.stop();
});

async function open(): Promise<Instance> {
  const troubles: unknown[] = [];
  const onTrouble = (error: unknown): void => void troubles.push(error);
  const client = createKafkaClient({ brokers: [address], clientId: 'instance' }, 'platformatic');
  const journal = createKafkaJournal({ client, topic: `${prefix}relations`, clock, onTrouble });
  const elected = { client, topic: `${prefix}leader`, groupId: `${prefix}writers`, onTrouble };
  const leadership = createLeadership(elected);
  const wire = await proxy(db.address);
  const engine = connectEngine({ ...connection, endpoint: wire.address }, clock);
  const decisions = createDecisions({ engine, clock, onTrouble });
  const written = { engine, journal, clock, decisions, leadership, onTrouble };
  const relations = createRelations(written);
  const ends = (name: string, stop: () => Promise<void>): Service => {
    return { name, start: () => Promise.resolve(), stop };
  };
  const services = [
    ends('kafka', () => client.close()),
    ends('spicedb', () => engine.close()),
    ...[journal, decisions, relations, leadership],
  ];
  return { decisions, relations, leadership, wire, troubles, services };
}

async function leading(): Promise<Instance> {
  let found: Instance | undefined;
  await until('somebody leads', 30_000, async () => {
    found = instances.find(({ leadership }) => leadership.leads);
    return found !== undefined;
  });
  return found ?? assert.fail();
}

async function until(what: string, withinMs: number, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `${what}: not within ${withinMs} ms`);
    await sleep(20);
  }
}

function change(operation: RelationChange['operation'], member: string): RelationChange[] {
  return [{ operation, relationship: parseRelation(`member:${member}#delegate@user:rita`) }];
}

const RITA: Principal = {
  ...{ kind: 'user', subject: 'rita', tenant: 'demo', clientId: 'test', issuer: 'test' },
  ...{ scopes: new Set<string>(), tokenId: 'token', expiresAtMs: Number.MAX_SAFE_INTEGER },
};

async function may({ decisions }: Instance, member: string): Promise<boolean> {
  const item = { permission: 'view_care', object: { type: 'member', id: member } };
  const [decision] = await decisions.check(RITA, [item]);
  return decision?.allowed === true;
}

/** One mark, at the last offset that was acknowledged or after it. */
async function offset(): Promise<number> {
  const marks = await observer.read(markFilter('offset'));
  assert.equal(marks.length, 1, 'one offset');
  return Number(marks[0]?.subject.id);
}

test('what any instance is answered is in force there, and soon on all', async (t) => {
  for (const [index, instance] of instances.entries()) {
    const member = `each-${index}`;
    await instance.relations.write(change('touch', member), 'op');
    assert.equal(await may(instance, member), true);
    const askedAtMs = performance.now();
    await instance.relations.write(change('delete', member), 'op');
    const tookMs = (performance.now() - askedAtMs).toFixed(0);
    t.diagnostic(
      `revoked in ${tookMs} ms ${instance.leadership.leads ? 'by' : 'beside'} the leader`,
    );
    assert.equal(await may(instance, member), false);
    for (const other of instances) {
      await until('denied', 2_000, async () => !(await may(other, member)));
    }
  }
});

test('writes on all at once, with a change of the leader amid them: each offset once', async () => {
  const before = await offset();
  const leader = await leading();
  const outcomes: string[] = [];
  const writes = Array.from({ length: 60 }, async (_, index) => {
    await sleep(index * 10);
    const { relations } = instances[index % instances.length] ?? assert.fail();
    outcomes.push(
      await relations.write(change('touch', `storm-${index}`), 'op').then(
        () => `storm-${index}`,
        () => 'refused',
      ),
    );
  });
  await sleep(200);
  await leader.leadership.stop();
  await Promise.all(writes);
  const next = await leading();
  assert.notEqual(next, leader);
  const acknowledged = outcomes.filter((one) => one !== 'refused');
  assert.ok(acknowledged.length > 0);
  // A refused one is in the journal, and in force later.
  await until('all written', 30_000, async () => (await offset()) >= before + 60);
  const members = (await observer.read({ type: 'member', relation: 'delegate' })).map(
    ({ resource }) => resource.id,
  );
  for (const member of acknowledged) assert.ok(members.includes(member), member);
});

test('SpiceDB out of the leader’s reach: "not revoked", and in force once it is back', async () => {
  const leader = await leading();
  const other = instances.find((one) => one !== leader) ?? assert.fail();
  await other.relations.write(change('touch', 'cut'), 'op');
  leader.wire.cut();
  const revoke = other.relations.write(change('delete', 'cut'), 'op');
  await assert.rejects(revoke, /Not revoked/);
  assert.equal(await may(other, 'cut'), false, 'denied where it was asked');
  await assert.rejects(may(leader, 'cut'), 'and nothing is allowed where SpiceDB is away');
  assert.ok(leader.troubles.length > 0, 'it rings');
  leader.wire.restore();
  const gone = async (): Promise<boolean> =>
    (await observer.read({ type: 'member', id: 'cut' })).length === 0;
  await until('revoked', 20_000, gone);
  await until('sure again', 20_000, async () => leader.decisions.sure && other.decisions.sure);
  assert.deepEqual(await Promise.all(instances.map((one) => may(one, 'cut'))), [
    false,
    false,
    false,
  ]);
});
