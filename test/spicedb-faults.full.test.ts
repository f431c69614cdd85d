/**
 * Faults F4 to F8 (security reference, §5) of a real SpiceDB under a real server: each test breaks
 * it in one way, looks at what a caller and a subscriber get, and mends it again.
 */

import assert from 'node:assert/strict';
import { after, before, type TestContext, test } from 'node:test';
import { mendSchema } from '../src/access/index.ts';
import { connectEngine } from '../src/access/spicedb/grpc.ts';
import { sleep, systemClock } from '../src/kernel/clock.ts';
import type { RelationChange } from '../src/twin/ports.ts';
import { ask } from './support/ask.ts';
import { bundleOf, patient } from './support/changes.ts';
import { type SpicedbPart, spicedb } from './support/parts.ts';
import { proxy, type TcpProxy } from './support/proxy.ts';
import { type SelectiveProxy, selectiveProxy } from './support/selective-proxy.ts';
import { startServer, type TestServer } from './support/server.ts';
import { listen, type RawStream } from './support/streams.ts';

/** P1: no byte later than this after a revoke is committed, and nothing cached outlives it. */
const REVOKE_MEDIAN_MS = 100;
const REVOKE_BOUND_MS = 2_000;
/** P1: clocks may differ by this much. */
const SKEW_MS = 1_000;
/** One check is bounded by 1 s; this machine is shared. */
const ANSWER_BOUND_MS = 3_000;
/** F6: how soon silence must be detected. */
const DETECT_BOUND_MS = 10_000;
const MEMBERS = Array.from({ length: 10 }, (_, index) => `fault-${index}`);

let db: SpicedbPart;
let wire: TcpProxy;
let chosen: SelectiveProxy;
let server: TestServer;
let rita: string;
let control: string;

before(async () => {
  db = await spicedb();
  await mendSchema({ endpoint: db.address, token: db.token, tls: false }, 'apply');
  wire = await proxy(db.address);
  chosen = await selectiveProxy(wire.address);
  server = await startServer({ env: { ...db.env, SPICEDB_ENDPOINT: chosen.address } });
  rita = await server.token('rita');
  control = await server.token('control');
  await changeAll();
  await server.relations('touch', ...MEMBERS.map((id) => `member:${id}#delegate@user:control`));
});
after(async () => {
  await server.stop();
  await chosen.stop();
  await wire.stop();
  await db.stop();
});

let version = 0;

/** One import that changes the profile of every member. */
async function changeAll(): Promise<void> {
  version += 1;
  const lastUpdated = new Date(Date.UTC(2026, 10, 21) + version * 1_000).toISOString();
  const name = [{ family: `Version${version}`, given: ['Testa'] }];
  const meta = { lastUpdated };
  const patients = MEMBERS.map((id) => patient(id, { meta, name }));
  const response = await server.importBundle(bundleOf(...patients));
  assert.equal(response.status, 201, await response.text());
}

/** Some 100 events a second, ten in a transaction, while `work` runs; answers how many there were. */
async function amidChanges(work: () => Promise<void>): Promise<number> {
  const [from, atMs] = [version, performance.now()];
  let running = true;
  const changing = (async () => {
    while (running) await Promise.all([changeAll(), sleep(100)]);
  })();
  try {
    await work();
  } finally {
    running = false;
    await changing;
  }
  return ((version - from) * MEMBERS.length * 1_000) / (performance.now() - atMs);
}

const uriOf = (member: string): string => `mcp://twins/member/${member}/profile`;

interface Read {
  readonly status: number;
  /** When it was asked and how long it took, milliseconds. */
  readonly askedAtMs: number;
  readonly tookMs: number;
}

async function read(token: string, member = 'fault-0'): Promise<Read> {
  const askedAtMs = performance.now();
  const { status } = await server.fetch(token, `/v1/twins/member/${member}/profile`);
  return { status, askedAtMs, tookMs: performance.now() - askedAtMs };
}

async function until(what: string, withinMs: number, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!(await holds())) {
    assert.ok(performance.now() < deadline, `${what}: not within ${withinMs} ms`);
    await sleep(20);
  }
}

const servesAgain = (withinMs: number): Promise<void> =>
  until('served again', withinMs, async () => (await read(control)).status === 200);

const ready = async (): Promise<boolean> => (await fetch(`${server.url}/readyz`)).ok;

function delegate(operation: RelationChange['operation'], member: string): RelationChange {
  const resource = { type: 'member', id: member };
  const subject = { type: 'user', id: 'rita' };
  return { operation, relationship: { resource, relation: 'delegate', subject } };
}

/** When each update arrived. */
function arrivalsOf(stream: RawStream): { readonly atMs: number[]; stop(): void } {
  const atMs: number[] = [];
  const timer = setInterval(() => {
    const { length } = stream.told;
    while (atMs.length < length) atMs.push(performance.now());
  }, 1);
  return { atMs, stop: () => clearInterval(timer) };
}

function distribution(values: readonly number[]): string {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(0);
  return `median ${at(0.5)}, p90 ${at(0.9)}, max ${at(1)} ms of ${sorted.length}`;
}

test('F7, P1: revoked amid 100 events a second: silent, and denied right after Watch told', async (t) => {
  const engine = connectEngine({ endpoint: db.address, token: db.token, tls: false }, systemClock);
  let committed = Promise.withResolvers<number>();
  const watch = engine.watch({
    onUpdate({ changes }) {
      const revoke = changes.some(
        ({ operation, relationship }) =>
          operation === 'delete' && relationship.subject.id === 'rita',
      );
      if (revoke) committed.resolve(performance.now());
    },
    onEnd: (error) => committed.reject(error),
  });
  const silentMs: number[] = [];
  const endedMs: number[] = [];
  const deniedMs: number[] = [];
  const round = async (member: string, by: 'the server' | 'another writer'): Promise<void> => {
    await server.relations('touch', `member:${member}#delegate@user:rita`);
    const stream = await listen(server, rita, [uriOf(member)]);
    const arrivals = arrivalsOf(stream);
    await stream.heard(3);
    committed = Promise.withResolvers();
    const revoked =
      by === 'the server'
        ? server.relations('delete', `member:${member}#delegate@user:rita`)
        : engine.write([delegate('delete', member)]).then(() => undefined);
    const committedAtMs = await committed.promise;
    const denied = async (): Promise<void> => {
      for (;;) {
        const { status, askedAtMs } = await read(rita, member);
        if (status === 404) return void deniedMs.push(askedAtMs - committedAtMs);
        assert.equal(status, 200);
        assert.ok(askedAtMs - committedAtMs < REVOKE_BOUND_MS, 'still allowed');
      }
    };
    await Promise.all([denied(), revoked, stream.end()]);
    endedMs.push(performance.now() - committedAtMs);
    await sleep(200);
    arrivals.stop();
    silentMs.push(Math.max(0, (arrivals.atMs.at(-1) ?? 0) - committedAtMs));
    assert.deepEqual((await listen(server, rita, [uriOf(member)])).acknowledged, []);
  };
  const rate = await amidChanges(async () => {
    for (const member of MEMBERS) await round(member, 'another writer');
    for (const member of MEMBERS) await round(member, 'the server');
  });
  t.diagnostic(`${rate.toFixed(0)} events/s; after the commit, as Watch told it:`);
  t.diagnostic(`last byte of an event: ${distribution(silentMs)}`);
  t.diagnostic(`stream ended: ${distribution(endedMs)}`);
  t.diagnostic(`first read that was denied was asked: ${distribution(deniedMs)}`);
  for (const values of [silentMs, endedMs, deniedMs]) {
    assert.ok(Math.max(...values) <= REVOKE_BOUND_MS);
  }
  const median = [...silentMs].sort((a, b) => a - b)[Math.floor(silentMs.length / 2)] ?? 0;
  assert.ok(median < REVOKE_MEDIAN_MS, `half were told for more than ${median} ms`);
  watch.cancel();
  await engine.close();
});

test('F8, P1: a grant that ends while subscribed is over at its instant', async (t) => {
  const engine = connectEngine({ endpoint: db.address, token: db.token, tls: false }, systemClock);
  const lateMs: number[] = [];
  const round = async (member: string, by: 'the server' | 'another writer'): Promise<void> => {
    const endsAtMs = Date.now() + 2_500;
    const toMonotonic = performance.now() - Date.now();
    const expiresAt = new Date(endsAtMs).toISOString();
    const { relationship } = delegate('touch', member);
    if (by === 'another writer') {
      await engine.write([{ operation: 'touch', relationship: { ...relationship, expiresAt } }]);
      await until('granted', 2_000, async () => (await read(rita, member)).status === 200);
    } else {
      const text = `member:${member}#delegate@user:rita[expiration:${expiresAt}]`;
      await server.relations('touch', text);
    }
    const stream = await listen(server, rita, [uriOf(member)]);
    assert.equal(stream.acknowledged.length, 1, by);
    const arrivals = arrivalsOf(stream);
    await stream.heard(1);
    await stream.end();
    assert.ok(Date.now() >= endsAtMs, 'it ended on time, not before');
    assert.equal((await read(rita, member)).status, 404);
    await sleep(200);
    arrivals.stop();
    lateMs.push(Math.max(0, (arrivals.atMs.at(-1) ?? 0) - endsAtMs - toMonotonic));
  };
  await amidChanges(async () => {
    await Promise.all(MEMBERS.slice(0, 5).map((member) => round(member, 'the server')));
    await Promise.all(MEMBERS.slice(5).map((member) => round(member, 'another writer')));
  });
  t.diagnostic(`last byte of an event after the expiration: ${distribution(lateMs)}`);
  assert.ok(Math.max(...lateMs) <= SKEW_MS);
  await engine.close();
});

/** What callers get while SpiceDB does not answer: nothing after 2 s, and never a wait. */
async function assertNothingShown(
  t: TestContext,
  brokenAtMs: number,
  forMs: number,
): Promise<void> {
  const reads: Read[] = [];
  while (performance.now() - brokenAtMs < forMs) {
    reads.push(...(await Promise.all(Array.from({ length: 5 }, () => read(control)))));
    // Below what one principal may ask for in a second.
    await sleep(50);
  }
  const shown = reads.filter(({ status }) => status === 200);
  const last = Math.max(0, ...shown.map(({ askedAtMs }) => askedAtMs - brokenAtMs));
  t.diagnostic(
    `${reads.length} reads, ${shown.length} still shown, the last after ${last.toFixed(0)} ms`,
  );
  t.diagnostic(`answers took: ${distribution(reads.map(({ tookMs }) => tookMs))}`);
  assert.ok(last <= REVOKE_BOUND_MS, 'no cached allow outlives 2 s');
  const refused = reads.filter(({ status }) => status !== 200);
  assert.ok(refused.length > 0 && refused.every(({ status }) => status === 503));
  assert.ok(reads.every(({ tookMs }) => tookMs <= ANSWER_BOUND_MS));
  const { message } = await ask(server, control, 'resources/read', { uri: uriOf('fault-0') });
  assert.equal(message.error?.code, -32603);
  assert.equal(message.error?.data?.code, 'ACCESS_UNAVAILABLE');
}

/** A stream that is open when it breaks: told nothing of what changes, and sent away. */
async function assertSentAway(stream: RawStream): Promise<void> {
  const told = stream.told.length;
  await changeAll();
  await stream.end();
  assert.equal(stream.told.length, told);
}

async function assertToldAgain(): Promise<void> {
  const stream = await listen(server, control, [uriOf('fault-0')]);
  await changeAll();
  await stream.heard(1);
  stream.close();
}

test('F4, P6: SpiceDB stopped (SIGSTOP): 503 in time, nothing cached past 2 s', async (t) => {
  const stream = await listen(server, control, [uriOf('fault-0')]);
  t.after(() => db.continue());
  // So that the operator's own right to revoke is known still.
  await server.relations('touch', 'member:fault-8#guardian@user:somebody');
  assert.equal((await read(control)).status, 200);
  db.pause();
  const brokenAtMs = performance.now();
  const revoke = server.relations('delete', 'member:fault-9#delegate@user:control');
  await Promise.all([
    assert.rejects(revoke, /NOT_COMMITTED.*Not revoked/),
    assertNothingShown(t, brokenAtMs, 6_000),
  ]);
  await assertSentAway(stream);
  db.continue();
  await servesAgain(10_000);
  await until('revoked', 15_000, async () => (await read(control, 'fault-9')).status === 404);
  await assertToldAgain();
});

test('F5, P6: SpiceDB slow by 5 s: the same by deadline, and no storm', async (t) => {
  const stream = await listen(server, control, [uriOf('fault-0')]);
  t.after(() => wire.restore());
  wire.delay(5_000);
  await assertNothingShown(t, performance.now(), 5_000);
  await assertSentAway(stream);
  const storm = await Promise.all(Array.from({ length: 300 }, () => read(control)));
  t.diagnostic(`300 reads at once took: ${distribution(storm.map(({ tookMs }) => tookMs))}`);
  assert.ok(storm.every(({ status }) => status === 503));
  wire.restore();
  await servesAgain(15_000);
  await assertToldAgain();
});

test('F5, P6: half-open connections: noticed, given up and made anew', async (t) => {
  const before = chosen.connections.length;
  t.after(() => wire.restore());
  wire.silence();
  await assertNothingShown(t, performance.now(), 9_000);
  assert.ok(chosen.connections.length > before, 'dead connections are given up');
  wire.restore();
  await servesAgain(15_000);
  await assertToldAgain();
});

test('F6, P1: Watch silent on a live connection: noticed, and every check is consistent', async (t) => {
  await until('ready', 10_000, ready);
  const engine = connectEngine({ endpoint: db.address, token: db.token, tls: false }, systemClock);
  await engine.write([delegate('touch', 'fault-1')]);
  await until('granted', 5_000, async () => (await read(rita, 'fault-1')).status === 200);
  const stream = await listen(server, rita, [uriOf('fault-1')]);
  (await watchConnection()).silence();
  await engine.write([delegate('delete', 'fault-1')]);
  const revokedAtMs = performance.now();
  const denied = async (): Promise<boolean> => (await read(rita, 'fault-1')).status === 404;
  await until('denied', REVOKE_BOUND_MS, denied);
  t.diagnostic(`denied ${(performance.now() - revokedAtMs).toFixed(0)} ms after the commit`);
  const told = stream.told.length;
  await changeAll();
  assert.equal((await read(control, 'fault-1')).status, 200, 'others are served meanwhile');
  await stream.end();
  assert.equal(stream.told.length, told);
  await until('noticed and opened anew', DETECT_BOUND_MS, ready);
  t.diagnostic(`whole again ${(performance.now() - revokedAtMs).toFixed(0)} ms after`);
  await engine.close();
});

/**
 * Checks and writes go through one connection; the one on which much is heard, of each heartbeat, and
 * little is sent is Watch's. One that was given up may still be open: nothing is heard on it.
 */
async function watchConnection() {
  const open = chosen.connections.filter((one) => one.open);
  const before = open.map(({ sent, received }) => ({ sent, received }));
  await sleep(2_000);
  const [watch] = open
    .map((one, index) => ({
      one,
      sent: one.sent - (before[index]?.sent ?? 0),
      heard: one.received - (before[index]?.received ?? 0),
    }))
    .filter(({ heard }) => heard > 0)
    .sort((a, b) => a.sent - b.sent);
  assert.ok(watch !== undefined && open.length > 1);
  return watch.one;
}

test('F4: SpiceDB killed and empty when it is back: restored from the journal', async (t) => {
  await server.relations('delete', 'member:fault-9#delegate@user:control');
  const stream = await listen(server, control, [uriOf('fault-0')]);
  await db.kill();
  await assertNothingShown(t, performance.now(), 3_000);
  await assertSentAway(stream);
  await db.restart();
  await mendSchema({ endpoint: db.address, token: db.token, tls: false }, 'apply');
  await servesAgain(30_000);
  assert.equal((await read(control, 'fault-9')).status, 404, 'what was revoked stays revoked');
  await until('ready', 15_000, ready);
  await assertToldAgain();
});
