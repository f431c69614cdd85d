import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { Fault } from '../kernel/errors.ts';
import { type Service, startAll, stopAll } from '../kernel/lifecycle.ts';
import { LIMITS } from '../kernel/limits.ts';
import type { AccessChange, Relations } from '../twin/ports.ts';
import {
  ManualClock,
  MemoryJournal,
  principal,
  RiggedEngine,
  remove,
  touch,
  until,
} from './decisions.rig.ts';
import { createDecisions, type Decisions } from './decisions.ts';
import { createRelations } from './relations.ts';
import { printRelation } from './relations-text.ts';
import { mark } from './spicedb/bookkeeping.ts';
import { startEmbeddedEngine } from './spicedb/embedded.ts';
import type { Engine } from './spicedb/engine.ts';

let real: Engine;
let engine: RiggedEngine;
let clock: ManualClock;
let journal: MemoryJournal;
let decisions: Decisions;
let relations: Relations & Service;
let troubles: unknown[];
let stuck: boolean;

beforeEach(async () => {
  real = startEmbeddedEngine();
  clock = new ManualClock();
  journal = new MemoryJournal();
  await wire();
});
afterEach(async () => {
  await stopAll([decisions, relations]);
  await real.close();
});

async function wire(): Promise<void> {
  engine = new RiggedEngine(real);
  troubles = [];
  const onTrouble = (error: unknown) => void troubles.push(error);
  decisions = createDecisions({ engine, clock });
  const onStuck = (is: boolean): void => {
    stuck = is;
  };
  relations = createRelations({ engine, journal, clock, decisions, onTrouble, onStuck });
  await startAll([decisions, relations]);
}

/** As a new process would start on the same journal, with SpiceDB's memory gone or kept. */
async function restart(memory: 'gone' | 'kept'): Promise<void> {
  await stopAll([decisions, relations]);
  if (memory === 'gone') {
    await real.close();
    real = startEmbeddedEngine();
  }
  await wire();
}

async function may(user: string, member: string, permission = 'view_care'): Promise<boolean> {
  const items = [{ permission, object: { type: 'member', id: member } }];
  const [decision] = await decisions.check(principal(user), items);
  return decision?.allowed === true;
}

async function listed(): Promise<string[]> {
  return (await relations.list({ type: 'member' })).map(printRelation).sort();
}

function fault(code: string, says: RegExp) {
  return (error: unknown) =>
    error instanceof Fault && error.code === code && says.test(error.message);
}

test('B-AC-7: a grant and a revoke are in force once they are answered', async () => {
  for (let round = 0; round < 20; round++) {
    const { zedToken } = await relations.write([touch('member:m#self@user:ana')], 'user:op');
    assert.ok(zedToken.length > 0);
    assert.equal(await may('ana', 'm'), true);
    await relations.write([remove('member:m#self@user:ana')], 'user:op');
    assert.equal(await may('ana', 'm'), false);
  }
  assert.equal(journal.entries.length, 40);
});

test('a revoke is told to whoever holds something open, before it is answered', async () => {
  await relations.write([touch('member:m#self@user:ana')], 'user:op');
  const told: AccessChange[] = [];
  decisions.onChange((change) => told.push(change));
  await relations.write([remove('member:m#self@user:ana')], 'user:op');
  assert.deepEqual(told, [{ kind: 'objects', objects: [{ type: 'member', id: 'm' }] }]);
});

test('B-AC-2: the embedded SpiceDB is restored from the journal', async () => {
  await relations.write(
    [touch('member:m#self@user:ana'), touch('member:m#guardian@user:ben')],
    'user:op',
  );
  await relations.write([remove('member:m#guardian@user:ben')], 'user:op');
  const many = Array.from({ length: LIMITS.relationChangesMax }, (_, index) =>
    touch(`member:bulk-${index}#organization@organization:demo`),
  );
  await relations.write(many, 'decider');
  await relations.write([touch('organization:demo#nurse@user:nurse')], 'user:op');
  const before = await listed();
  await restart('gone');
  assert.deepEqual(await listed(), before);
  assert.equal(await may('ana', 'm'), true);
  assert.equal(await may('ben', 'm'), false);
  assert.equal(await may('nurse', `bulk-${many.length - 1}`), true);
});

test('P1: while a long journal is restored, nobody is let in whom a later entry shuts out', async () => {
  const filler = (mark: string) =>
    Array.from({ length: LIMITS.relationChangesMax }, (_, index) =>
      touch(`member:${mark}-${index}#organization@organization:demo`),
    );
  const soon = new Date(clock.now() + 1_000).toISOString();
  await relations.write([touch('member:m#self@user:ana'), touch('member:m#self@user:eve')], 'op');
  await relations.write([touch('member:m#delegate@user:dan')], 'op');
  await relations.write(filler('a'), 'decider');
  await relations.write([remove('member:m#self@user:eve')], 'op');
  await relations.write([touch(`member:m#delegate@user:dan[expiration:${soon}]`)], 'op');
  await relations.write(filler('b'), 'decider');
  await stopAll([decisions, relations]);
  await real.close();
  clock.advance(2_000);
  real = startEmbeddedEngine();
  const written: string[] = [];
  const write = real.write;
  real.write = (changes, preconditions) => {
    const touches = changes.filter(({ operation }) => operation === 'touch');
    written.push(...touches.map(({ relationship }) => relationship.subject.id));
    return write(changes, preconditions);
  };
  await wire();
  assert.ok(written.includes('ana'));
  assert.ok(!written.includes('eve') && !written.includes('dan'), 'not even for a moment');
});

test('a SpiceDB that kept its relations gets the rest of the journal only', async () => {
  await relations.write([touch('member:m#self@user:ana')], 'user:op');
  await restart('kept');
  await journal.append([touch('member:n#self@user:ana')], 'decider');
  await until(() => decisions.sure);
  await relations.write([touch('member:o#self@user:ana')], 'user:op');
  assert.deepEqual(await decisions.lookup(principal('ana'), 'view_care', 'member'), [
    'm',
    'n',
    'o',
  ]);
});

test('a journal that is not the one SpiceDB was written from is refused', async () => {
  await relations.write([touch('member:m#self@user:ana')], 'user:op');
  journal.entries.length = 0;
  await assert.rejects(restart('kept'), /not the journal/);
});

test('what others append to the journal is applied too', async () => {
  await journal.append([touch('member:m#organization@organization:demo')], 'decider');
  await relations.write([touch('organization:demo#nurse@user:nurse')], 'user:op');
  assert.equal(await may('nurse', 'm'), true);
});

test('a grant that ended while nobody ran is not restored', async () => {
  const at = new Date(clock.now() + 1_000).toISOString();
  await relations.write([touch(`member:m#delegate@user:ana[expiration:${at}]`)], 'user:op');
  await stopAll([decisions, relations]);
  clock.advance(2_000);
  await restart('gone');
  assert.deepEqual(await listed(), []);
  assert.equal(await may('ana', 'm'), false);
  assert.equal(journal.entries.length, 1, 'it was never written, so there is nothing to sweep');
});

test('what has ended is deleted, and written down as deleted', async () => {
  const at = new Date(clock.now() + 1_000).toISOString();
  await relations.write(
    [touch(`member:m#delegate@user:ana[expiration:${at}]`), touch('member:m#self@user:ben')],
    'user:op',
  );
  clock.advance(1_000);
  assert.equal(await may('ana', 'm'), false);
  await until(() => journal.entries.length === 3);
  assert.equal(journal.entries[2]?.actor, 'system:expiry');
  assert.equal(journal.entries[2]?.change.operation, 'delete');
  await until(() => decisions.expired().length === 0);
  assert.deepEqual(await listed(), ['member:m#self@user:ben']);
});

test('a renewal in hand at the end is not deleted with the old grant', async () => {
  const at = (ms: number) => new Date(clock.now() + ms).toISOString();
  await relations.write([touch(`member:m#delegate@user:ana[expiration:${at(1_000)}]`)], 'op');
  const renewed = relations.write(
    [touch(`member:m#delegate@user:ana[expiration:${at(60_000)}]`)],
    'op',
  );
  clock.advance(1_000);
  await renewed;
  assert.equal(await may('ana', 'm'), true);
  await relations.write([touch('member:n#self@user:ben')], 'op');
  assert.equal(await may('ana', 'm'), true);
});

test('SpiceDB away: "not revoked", denied until it is, and then revoked', async () => {
  await relations.write(
    [touch('member:m#self@user:ana'), touch('member:m#delegate@user:ben')],
    'o',
  );
  engine.write_ = 'fails';
  const revoke = relations.write([remove('member:m#self@user:ana')], 'user:op');
  await assert.rejects(revoke, fault('NOT_COMMITTED', /^Not revoked/));
  assert.deepEqual([troubles.length, stuck], [1, true]);
  assert.equal(await may('ana', 'm'), false);
  assert.equal(await may('ben', 'm'), false);
  const grant = relations.write([touch('member:n#self@user:ana')], 'user:op');
  await assert.rejects(grant, fault('NOT_COMMITTED', /^Not granted/));
  engine.write_ = undefined;
  await until(() => {
    clock.advance(20);
    return journalIsApplied();
  });
  await until(() => !stuck);
  assert.equal(await may('ana', 'm'), false);
  assert.equal(await may('ben', 'm'), true);
  assert.equal(await may('ana', 'n'), true);
});

test('SpiceDB wholly away: what a revoke names is denied whoever wrote it down', async () => {
  const grants = ['m', 'n'].map((id) => touch(`member:${id}#self@user:ana`));
  await relations.write(grants, 'user:op');
  engine.write_ = 'fails';
  await journal.append([remove('member:m#self@user:ana')], 'another');
  await until(() => troubles.length > 0);
  assert.deepEqual([await may('ana', 'm'), await may('ana', 'n')], [false, true]);
  engine.read_ = 'fails';
  const revoke = relations.write([remove('member:n#self@user:ana')], 'user:op');
  await assert.rejects(revoke, fault('NOT_COMMITTED', /denied until then/));
  assert.equal(await may('ana', 'n'), false);
});

test('two writers at once: one of them stands back, and there is one offset', async () => {
  await relations.write([touch('member:m#self@user:ana')], 'user:op');
  const revoke = remove('member:m#self@user:ana');
  journal.entries.push({ offset: 1, change: revoke, actor: 'the other writer' });
  await real.write([
    revoke,
    { operation: 'touch', relationship: mark('offset', 1) },
    { operation: 'delete', relationship: mark('offset', 0) },
  ]);
  const grant = relations.write([touch('member:n#self@user:ana')], 'user:op');
  await assert.rejects(grant, fault('NOT_COMMITTED', /^Not granted/));
  await relations.write([touch('member:o#self@user:ana')], 'user:op');
  const offsets = await real.read({ type: 'system', relation: 'offset' });
  assert.deepEqual(offsets.map(printRelation), ['system:relations#offset@beat:3']);
  assert.deepEqual(await decisions.lookup(principal('ana'), 'chat', 'member'), ['n', 'o']);
});

let appliedKey = '';
function journalIsApplied(): boolean {
  void real.read({ type: 'system', id: 'relations', relation: 'offset' }).then((marks) => {
    appliedKey = marks[0]?.subject.id ?? '';
  });
  return appliedKey === String(journal.entries.length - 1);
}

test('SpiceDB silent: not committed within the bound', async () => {
  engine.write_ = 'hangs';
  const grant = relations.write([touch('member:m#self@user:ana')], 'user:op');
  const refused = assert.rejects(grant, fault('NOT_COMMITTED', /^Not granted/));
  await new Promise((resolve) => setImmediate(resolve));
  clock.advance(LIMITS.relationsCommitTimeoutMs);
  await refused;
});

test('a commit whose answer was lost is not made twice, and is told', async () => {
  await relations.write([touch('member:m#self@user:ana')], 'user:op');
  engine.write_ = 'answer lost';
  const revoke = relations.write([remove('member:m#self@user:ana')], 'user:op');
  await assert.rejects(revoke, fault('NOT_COMMITTED', /^Not revoked/));
  engine.write_ = undefined;
  await relations.write([touch('member:m#delegate@user:ben')], 'user:op');
  assert.equal(await may('ana', 'm'), false);
  assert.equal(await may('ben', 'm'), true);
});

test('a journal that fails: not committed, and SpiceDB untouched', async () => {
  journal.append = () => Promise.reject(new Error('disk full'));
  const write = relations.write([touch('member:m#self@user:ana')], 'user:op');
  await assert.rejects(write, fault('NOT_COMMITTED', /^Not granted: the journal/));
  assert.deepEqual(await listed(), []);
});

test('words that are not in the schema reach neither journal nor SpiceDB', async () => {
  const good = touch('member:m#self@user:ana');
  const bad = touch('member:m#owner@user:ana');
  const write = relations.write([good, bad], 'user:op');
  await assert.rejects(write, fault('INVALID_ARGUMENT', /relation "owner"/));
  await assert.rejects(relations.write([], 'user:op'), fault('INVALID_ARGUMENT', /1 to 500/));
  assert.deepEqual([journal.entries, await listed()], [[], []]);
  await assert.rejects(relations.list({ type: 'system' }), fault('INVALID_ARGUMENT', /system/));
});

test('the heartbeat keeps decisions sure, one beat at a time', async () => {
  await until(() => decisions.sure);
  for (let round = 0; round < 5; round++) {
    clock.advance(LIMITS.heartbeatIntervalMs);
    await until(() => decisions.sure);
  }
  const count = async () => (await real.read({ type: 'system', relation: 'heartbeat' })).length;
  assert.equal(await count(), 1);
  engine.write_ = 'fails';
  clock.advance(LIMITS.heartbeatIntervalMs);
  clock.advance(LIMITS.heartbeatSilenceMaxMs);
  await real.read({ type: 'system' });
  assert.equal(decisions.sure, false);
});
