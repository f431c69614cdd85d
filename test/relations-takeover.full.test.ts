/**
 * Two whole servers on one Kafka and one SpiceDB, whose leader of relations is stopped (SIGSTOP)
 * and comes back believing that it leads, and is killed: no revocation is lost, none applied twice.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mendSchema } from '../src/access/index.ts';
import { markFilter, markNumber } from '../src/access/spicedb/bookkeeping.ts';
import type { Engine } from '../src/access/spicedb/engine.ts';
import { connectEngine } from '../src/access/spicedb/grpc.ts';
import { sleep, systemClock } from '../src/kernel/clock.ts';
import { type SpicedbPart, sharedKafka, spicedb } from './support/parts.ts';
import { startServer, type TestServer } from './support/server.ts';

const TAKEOVER_MS = 30_000;

let db: SpicedbPart;
let observer: Engine;
let servers: TestServer[];

before(async () => {
  const [part, kafka] = await Promise.all([spicedb(), sharedKafka()]);
  db = part;
  const connection = { endpoint: db.address, token: db.token, tls: false };
  await mendSchema(connection, 'apply');
  observer = connectEngine(connection, systemClock);
  const env = { ...db.env, ...kafka.env };
  servers = [await startServer({ env }), await startServer({ env })];
});
after(async () => {
  await Promise.all(servers.map((server) => server.kill()));
  await observer.close();
  await db.stop();
});

const dora = (member: string): string => `member:${member}#delegate@user:dora`;

async function may(server: TestServer, member: string): Promise<boolean> {
  const path = `/v1/twins/member/${member}/profile`;
  const { status } = await server.fetch(await server.token('dora'), path);
  assert.ok(status === 200 || status === 404, String(status));
  return status === 200;
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + TAKEOVER_MS;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `${what}: not within ${TAKEOVER_MS} ms`);
    await sleep(50);
  }
}

/** The one without whom no heart beats, and the other. */
async function leaderAndOther(): Promise<[TestServer, TestServer]> {
  const [one, two] = servers;
  assert.ok(one !== undefined && two !== undefined);
  process.kill(one.pid, 'SIGSTOP');
  await sleep(500);
  const before = await beat();
  await sleep(2_000);
  const silent = before === (await beat());
  process.kill(one.pid, 'SIGCONT');
  return silent ? [one, two] : [two, one];
}

async function beat(): Promise<number> {
  return Math.max(...(await observer.read(markFilter('heartbeat'))).map(markNumber));
}

async function assertOneOffset(): Promise<void> {
  assert.equal((await observer.read(markFilter('offset'))).length, 1);
}

/** Revokes where nobody may lead for a while: refused or done, it is in force in the end. */
async function revokeWithoutLeader(server: TestServer, member: string): Promise<void> {
  const done = await server.relations('delete', dora(member)).then(
    () => true,
    (error: unknown) => {
      assert.match(String(error), /Not revoked/);
      return false;
    },
  );
  assert.equal(await may(server, member), false, done ? 'revoked' : 'denied until it is');
  await until('revoked', async () => {
    const left = await observer.read({ type: 'member', id: member, relation: 'delegate' });
    return left.every(({ subject }) => subject.id !== 'dora');
  });
}

test('stopped, the leader is replaced; when it goes on, it applies nothing twice', async (t) => {
  const [first, second] = await leaderAndOther();
  await first.relations('touch', dora('demo-ana'), dora('demo-ben'), dora('demo-cleo'));
  await until('known', () => may(second, 'demo-ana'));
  process.kill(first.pid, 'SIGSTOP');
  t.after(() => process.kill(first.pid, 'SIGCONT'));
  const stoppedAtMs = performance.now();
  await revokeWithoutLeader(second, 'demo-ana');
  t.diagnostic(`in force ${(performance.now() - stoppedAtMs).toFixed(0)} ms after the stop`);
  process.kill(first.pid, 'SIGCONT');
  await until('denied where the leader was', async () => !(await may(first, 'demo-ana')));
  await first.relations('touch', dora('demo-ana'));
  await second.relations('delete', dora('demo-ana'));
  await until('denied on both', async () => !(await may(first, 'demo-ana')));
  await assertOneOffset();
});

test('killed, the leader is replaced, and what it had acknowledged is in force', async (t) => {
  const [first, second] = await leaderAndOther();
  await first.relations('delete', dora('demo-ben'));
  await first.kill();
  assert.equal(await may(second, 'demo-ben'), false);
  const killedAtMs = performance.now();
  await revokeWithoutLeader(second, 'demo-cleo');
  t.diagnostic(`in force ${(performance.now() - killedAtMs).toFixed(0)} ms after the kill`);
  await second.relations('touch', dora('demo-ben'));
  assert.equal(await may(second, 'demo-ben'), true);
  await assertOneOffset();
});
