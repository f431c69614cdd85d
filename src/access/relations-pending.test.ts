/** Grants that begin later: in force from their instant, once, whoever leads and whatever restarts. */

import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { systemClock } from '../kernel/clock.ts';
import { type Service, startAll, stopAll } from '../kernel/lifecycle.ts';
import type { Relations } from '../twin/ports.ts';
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
import { Applier } from './relations-applier.ts';
import { parseRelation, printRelation } from './relations-text.ts';
import { startEmbeddedEngine } from './spicedb/embedded.ts';
import type { Engine } from './spicedb/engine.ts';

const HOUR_MS = 3_600_000;

interface Instance {
  readonly decisions: Decisions;
  readonly relations: Relations & Service;
  readonly engine: RiggedEngine;
}

let real: Engine;
let clock: ManualClock;
let journal: MemoryJournal;
let open: Instance[];

beforeEach(() => {
  real = startEmbeddedEngine();
  clock = new ManualClock();
  journal = new MemoryJournal();
  open = [];
});
afterEach(async () => {
  await stopAll(open.flatMap(({ decisions, relations }) => [decisions, relations]));
  await real.close();
});

/** Each believes to be the only writer. */
async function start(): Promise<Instance> {
  const engine = new RiggedEngine(real);
  const decisions = createDecisions({ engine, clock });
  const relations = createRelations({ engine, journal, clock, decisions });
  await startAll([decisions, relations]);
  const instance = { engine, decisions, relations };
  open.push(instance);
  return instance;
}

async function end(instance: Instance): Promise<void> {
  await stopAll([instance.decisions, instance.relations]);
  open = open.filter((one) => one !== instance);
}

const guardian = (fromMs: number, untilMs?: number): string => {
  const at = (ms: number): string => new Date(clock.now() + ms).toISOString();
  const ending = untilMs === undefined ? '' : `[expiration:${at(untilMs)}]`;
  return `member:m#guardian@user:eve[from:${at(fromMs)}]${ending}`;
};

async function may({ decisions }: Instance, user = 'eve', member = 'm'): Promise<boolean> {
  const items = [{ permission: 'view_care', object: { type: 'member', id: member } }];
  const [decision] = await decisions.check(principal(user), items).catch(() => []);
  return decision?.allowed === true;
}

/** Some write of an instance, and all that it says before: where it has to try again, it does. */
async function written(instance: Instance, member: string): Promise<void> {
  await instance.relations
    .write([touch(`member:${member}#self@user:ana`)], 'op')
    .catch(() => undefined);
  await comes(() => may(instance, 'ana', member));
}

async function marks(): Promise<string[]> {
  const found = await real.read({ type: 'system', relation: 'pending' });
  return found.map(({ subject }) => subject.id);
}

/** Moves the clock a little at a time until it is so. */
async function comes(is: () => Promise<boolean>): Promise<void> {
  let so = false;
  const look = async (): Promise<void> => {
    while (!so) {
      so = await is();
      await new Promise(setImmediate);
    }
  };
  void look();
  await until(() => {
    clock.advance(10);
    return so;
  });
}

test('B-AG-5: a relation from a later instant is not there before it, and is at it', async () => {
  const instance = await start();
  await instance.relations.write([touch(guardian(HOUR_MS, 2 * HOUR_MS))], 'op');
  assert.deepEqual([await may(instance), await marks()], [false, ['0']]);
  const [listed] = await instance.relations.list({ type: 'member', id: 'm', relation: 'guardian' });
  assert.match(listed === undefined ? '' : printRelation(listed), /\[from:.*\]\[expiration:.*\]$/);
  clock.advance(HOUR_MS - 1);
  assert.equal(await may(instance), false);
  clock.advance(1);
  await comes(() => may(instance));
  assert.deepEqual([await marks(), journal.entries.length], [[], 1], 'written, not said again');
  clock.advance(HOUR_MS);
  assert.equal(await may(instance), false, 'and ends at its end');
});

test('B-AG-5: one that is taken back, or said anew, before its time never begins', async () => {
  const instance = await start();
  await instance.relations.write([touch(guardian(HOUR_MS))], 'op');
  await instance.relations.write([remove('member:m#guardian@user:eve')], 'op');
  assert.deepEqual(await marks(), []);
  await instance.relations.write([touch(guardian(HOUR_MS))], 'op');
  await instance.relations.write([touch(guardian(3 * HOUR_MS))], 'op');
  assert.deepEqual(await marks(), ['3']);
  clock.advance(2 * HOUR_MS);
  await written(instance, 'other');
  assert.equal(await may(instance), false);
  assert.deepEqual(await marks(), ['3']);
});

test('B-AG-5: what stood before is not there until the later one begins', async () => {
  const instance = await start();
  await instance.relations.write([touch('member:m#guardian@user:eve')], 'op');
  assert.equal(await may(instance), true);
  await instance.relations.write([touch(guardian(HOUR_MS))], 'op');
  assert.equal(await may(instance), false);
  clock.advance(HOUR_MS);
  await comes(() => may(instance));
});

for (const [what, anew] of [
  ['the server', false],
  ['the server and its SpiceDB', true],
] as const) {
  test(`B-AG-5: ${what} starts anew: before its time nothing, after it the grant`, async () => {
    let instance = await start();
    await instance.relations.write([touch(guardian(HOUR_MS)), touch('member:n#self@user:n')], 'op');
    await end(instance);
    if (anew) {
      await real.close();
      real = startEmbeddedEngine();
    }
    instance = await start();
    assert.deepEqual([await may(instance), await marks()], [false, ['0']]);
    await end(instance);
    if (anew) {
      await real.close();
      real = startEmbeddedEngine();
    }
    clock.advance(2 * HOUR_MS);
    instance = await start();
    await comes(() => may(instance));
    assert.deepEqual(await marks(), []);
  });
}

test('B-AG-5: of two who believe they lead one writes it, and none after it was taken back', async () => {
  const decisions = { committed: () => undefined, withhold: () => undefined };
  const applier = () =>
    new Applier({ engine: real, journal, clock: systemish, decisions: decisions as never });
  let now = clock.now();
  const systemish = { ...systemClock, now: () => now };
  const [a, b, c] = [applier(), applier(), applier()];
  const catchUp = (one: Applier) =>
    one.catchUp(
      () => undefined,
      () => true,
    );
  await journal.append([touch(guardian(HOUR_MS))], 'op');
  for (const one of [a, b, c]) await catchUp(one);
  now += HOUR_MS;
  await a.startDue();
  await assert.rejects(b.startDue(), 'its mark is gone');
  await catchUp(b);
  assert.equal(b.nextStart(), undefined, 'and it knows so');
  await journal.append([remove('member:m#guardian@user:eve')], 'op');
  await catchUp(a);
  await assert.rejects(c.startDue(), 'SpiceDB is further than it believes');
  const left = await real.read({ type: 'member', id: 'm' });
  assert.deepEqual([left, await marks()], [[], []]);
});

test('a start that is no instant, or after the end, is refused; a past one is none', async () => {
  const instance = await start();
  for (const text of [
    'member:m#guardian@user:eve[from:tomorrow]',
    'member:m#guardian@user:eve[from:2126-01-01T00:00:00]',
    guardian(2 * HOUR_MS, HOUR_MS),
  ]) {
    await assert.rejects(instance.relations.write([touch(text)], 'op'), {
      code: 'INVALID_ARGUMENT',
    });
  }
  await instance.relations.write([touch(guardian(-HOUR_MS))], 'op');
  assert.equal(await may(instance), true);
  const text =
    'member:m#guardian@user:eve[from:2126-01-01T00:00:00Z][expiration:2127-01-01T00:00:00Z]';
  assert.equal(printRelation(parseRelation(text)), text);
});
